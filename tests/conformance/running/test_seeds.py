"""What a seed draws again: the same for a contract, whatever else ran in the process."""

from __future__ import annotations

import subprocess
import sys
import types
import uuid
from pathlib import Path

import hypothesis
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.seeds import Names, derived, only_given_constants


def drawn() -> list[int]:
    found: list[int] = []

    def note(number: int) -> None:
        found.append(number)

    with only_given_constants():
        hypothesis.seed(5)(settings(max_examples=200, database=None)(given(st.integers())(note)))()
    return found


def test_a_seed_is_its_own_for_each_purpose() -> None:
    assert derived(1, "A") == derived(1, "A")
    assert len({derived(1, "A"), derived(1, "B"), derived(2, "A"), derived(1, "A", "x"), derived(1, "Ax")}) == 5


def test_a_seed_is_the_same_in_every_process() -> None:
    code = "from conformance.seeds import derived; print(derived(3, 'MON-CB-01'))"
    found = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert found == {f"{derived(3, 'MON-CB-01')}\n".encode()}


def test_names_are_identifiers_of_their_own() -> None:
    one, other = Names(3), Names(3)
    first = [one.identifier() for _ in range(5)]
    assert first == [other.identifier() for _ in range(5)]
    assert len(set(first)) == 5
    assert {uuid.UUID(name).version for name in first} == {4}


def test_the_modules_that_are_loaded_do_not_change_what_is_drawn(tmp_path: Path) -> None:
    before = drawn()
    path = tmp_path / "constants.py"
    path.write_text("\n".join(f"NUMBER_{n} = {n * 7919 + 1_000_003}" for n in range(500)))
    module = types.ModuleType("constants_of_somebody")
    module.__file__ = str(path)
    sys.modules["constants_of_somebody"] = module
    try:
        assert drawn() == before
    finally:
        del sys.modules["constants_of_somebody"]
