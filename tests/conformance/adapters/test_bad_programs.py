"""Whatever a program does wrong is a verdict on the contract at hand, soon, and the next one gets a fresh program."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import runner
from conformance.adapters.base import ClientFailure
from conformance.adapters.stdio import MOST_STARTS, StdioAdapter
from conformance.contract import Contract, Observed
from conformance.results import Verdict
from conformance.targets import KitTarget
from conformance.trial import Trial
from tests.conformance.adapters.programs import AT_A_CALL, AT_START, IN_A_CALLBACK, Bad, program

LIMIT = 1.5
"""Seconds that a call may take; no program here would end by itself within the time limit of a test."""
SOURCE = (Observed("none", "made for this test"),)


def _list(trial: Trial) -> None:
    trial.session.call("list_jobs")


def _monitor(trial: Trial) -> None:
    trial.session.monitor("some-id", cb=lambda *_, **__: True)


def _info(trial: Trial) -> None:
    trial.session.call("get_system_info")


@pytest.fixture
def target(tmp_path: Path) -> KitTarget:
    kit = tmp_path / "kit"
    (kit / "startup").mkdir(parents=True)
    (kit / "startup" / "fed_admin.json").write_text('{"admin": {"overseer_agent": {}}}')
    return KitTarget(kit, "admin", "2.6")


@contextlib.contextmanager
def driven(path: Path) -> Iterator[StdioAdapter]:
    with contextlib.closing(StdioAdapter([sys.executable, "-I", "-S", str(path)], "program", LIMIT)) as adapter:
        yield adapter


@pytest.mark.parametrize("bad", AT_START, ids=str)
def test_a_program_that_never_gets_as_far_as_a_session(bad: Bad, tmp_path: Path, target: KitTarget) -> None:
    contracts = [Contract(f"BAD-{n}", "Bad", "It fails.", SOURCE, _list) for n in range(MOST_STARTS + 2)]
    with driven(bad.write(tmp_path)) as adapter:
        results = runner.run(contracts, adapter, target)
    assert {result.verdict for result in results} == {Verdict.FAILED}
    # One that speaks too early may be heard before it is asked, or after.
    assert _matches(bad, results[0].message), results[0].message
    assert "never got past hello" in results[-1].message, "it is not started for ever"


CASES = [(bad, _list) for bad in AT_A_CALL] + [(bad, _monitor) for bad in IN_A_CALLBACK]


@pytest.mark.parametrize(("bad", "check"), CASES, ids=[str(bad) for bad, _ in CASES])
def test_a_program_that_breaks_the_protocol(bad: Bad, check: object, tmp_path: Path, target: KitTarget) -> None:
    good = _info if bad.place == "call" else check
    contracts = [
        Contract(id_, "Bad", "It fails.", SOURCE, one)  # type: ignore[arg-type] # functions of this module
        for id_, one in (("BAD-1", check), ("GOOD-1", good), ("BAD-2", check))
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with driven(bad.write(tmp_path)) as adapter:
        results = runner.run(contracts, adapter, target)
    first, second, third = results
    assert first.verdict is third.verdict is Verdict.FAILED
    assert _matches(bad, first.message), first.message
    assert _matches(bad, third.message), third.message
    if bad.place == "call":
        assert second.verdict is Verdict.PASSED, second.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024, "KiB that a flood may take"


def _matches(bad: Bad, message: str) -> bool:
    return message.startswith("the client failed: ") and any(part in message for part in bad.reason.split("|"))


def test_an_answer_that_comes_twice_is_found_at_once_or_at_the_next_call(tmp_path: Path) -> None:
    path = program(tmp_path, "send(id=number, result=1); send(id=number, result=1)")
    with driven(path) as adapter:
        session = adapter.open("admin", Path("/kit"))
        assert session.call("list_jobs") == 1
        with pytest.raises(ClientFailure, match="answered before"):
            [session.call("get_system_info") for _ in range(2)]


def test_endless_standard_error_costs_nothing_where_the_rest_is_in_order(tmp_path: Path) -> None:
    path = program(
        tmp_path,
        start="import threading\ndef talk():\n    while True: sys.stderr.write('x' * 10_000)\n"
        "threading.Thread(target=talk, daemon=True).start()",
    )
    with driven(path) as adapter:
        assert adapter.open("admin", Path("/kit")).call("list_jobs") is None
