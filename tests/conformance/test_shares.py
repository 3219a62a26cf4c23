"""The shares of the tests that ``make pythons`` hands out are all of them, and none twice."""

from __future__ import annotations

import os
import subprocess
import sys

from conformance.pythons import PROJECT


def collected(share: str) -> list[str]:
    """The tests of a small module that a share has."""
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/mock_server/test_clock.py"]
    environment = {**os.environ, "FLARE_SHARE": share}
    done = subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_two_shares_are_everything_and_nothing_twice() -> None:
    one, other, everything = collected("0/2"), collected("1/2"), collected("")
    assert one
    assert other
    assert sorted([*one, *other]) == sorted(everything)
