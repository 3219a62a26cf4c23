"""Runs contracts in this process: pytest is the engine, this is the plugin that feeds it and collects the verdicts.

It can neither end a client that hangs nor tell whether it is alone on the machine: ``conformance.running`` can, which
has processes do this.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import Adapter, ClientError, ClientFailure
from conformance.byproduct import Heard, listen
from conformance.contract import Contract
from conformance.judging import Outcome, judge
from conformance.lag import LagMeter
from conformance.needs import CLIENT_NEEDS
from conformance.profiles import CI, Profile
from conformance.results import Result, Verdict
from conformance.targets import Target
from conformance.timing import REPEATED, Repeats
from conformance.trial import Trial
from conformance.verdicts import Inconclusive, Unsuitable

WIRE = "WIRE"
"""The group of contracts that judge the wire themselves."""
SUITE = Path(__file__).parent / "suite"


class HarnessError(RuntimeError):
    """The run could not be carried out; no verdict on the client."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A contract to check now.

    Attributes:
        contract: its id.
        attempt: how often it was checked before in this run.
    """

    contract: str
    attempt: int = 0


@dataclasses.dataclass(frozen=True)
class Manner:
    """How contracts are checked.

    Attributes:
        seed: makes properties draw the same examples again.
        profile: how thoroughly.
        scripts: whether results get the script of a contract that holds, too.
        transcripts: whether results get what was said on the wire where a contract holds, too.
        captured: whether what the client prints is kept from the terminal.
    """

    seed: int = 0
    profile: Profile = CI
    scripts: bool = False
    transcripts: bool = False
    captured: bool = True


def _skips(contract: Contract, adapter: Adapter, target: Target) -> str | None:
    missing = contract.needs - target.provides - CLIENT_NEEDS
    if missing:
        return f"needs {', '.join(sorted(need.value for need in missing))}, which {target.name} does not give"
    for need in contract.needs & CLIENT_NEEDS:
        if need.name.lower() not in adapter.features:
            return f"needs {need.value}, which {adapter.name} does not say it is"
    return None


class _Plugin:
    """The run as pytest sees it.

    Args:
        contracts: all that may come.
        tasks: which of them to check, one after the other; asked for the next when one is over.
        trial: the client and the server.
        report: is told of each outcome.
        manner: how contracts are checked.
    """

    def __init__(
        self,
        contracts: list[Contract],
        tasks: Iterable[Task],
        trial: Trial,
        report: Callable[[Outcome], None],
        manner: Manner,
    ) -> None:
        self._contracts = contracts
        self._tasks = tasks
        self._trial = trial
        self._report = report
        self._manner = manner
        self._outcomes: list[Outcome] = []
        self._meter = LagMeter()
        self.reported = 0

    @pytest.fixture
    def trial(self, contract: Contract) -> Iterator[Trial]:
        """The client and the server of the run."""
        reason = _skips(contract, self._trial.adapter, self._trial.target)
        if reason:
            pytest.skip(reason)
        yield self._trial
        try:
            self._trial.clean_up()
        except (ClientError, ClientFailure):
            self._trial.forget_session()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each contract."""
        metafunc.parametrize("contract", self._contracts, ids=[contract.id for contract in self._contracts])

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Check one contract after the other, as tasks come."""
        items: dict[str, Any] = {item.callspec.params["contract"].id: item for item in session.items}  # type: ignore[attr-defined] # made above
        for task in self._tasks:
            self._outcomes.clear()
            self._trial.begin(task.contract, task.attempt)
            self._meter = LagMeter()
            self._meter.start()
            try:
                # Without a next item everything of this one is torn down; a contract may come again.
                item = items[task.contract]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            finally:
                self._meter.stop()
            heard = listen(self._trial.target, judged=item.callspec.params["contract"].group != WIRE)
            for outcome in self._outcomes:
                self.reported += 1
                self._report(self._with_heard(outcome, heard))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        """Turn the end of a test into a verdict."""
        report = yield
        contract: Contract = item.callspec.params["contract"]  # type: ignore[attr-defined] # made above
        problem = call.excinfo.value if call.excinfo else None
        if isinstance(problem, (Inconclusive, Unsuitable)):
            report.outcome = "skipped"
            report.longrepr = (str(SUITE), 0, f"Skipped: {problem}")
        if call.when == "call" or (call.when == "setup" and problem is not None):
            outcome = judge(contract, problem, call.duration, self._meter.behind)
            self._outcomes.append(self._with_script(outcome))
            if problem is not None and not isinstance(problem, pytest.skip.Exception):
                # Whatever state the client is in, the next contract gets a fresh session.
                self._trial.forget_session()
        return report

    def _with_script(self, outcome: Outcome) -> Outcome:
        """The outcome with the calls of the check: the few that break it, or all where they are asked for."""
        result, script = outcome.result, self._trial.script
        if self._manner.scripts:
            result = dataclasses.replace(result, script=(*result.script, *script.lines))
        elif result.verdict is Verdict.FAILED:
            result = dataclasses.replace(result, script=(*result.script, *script.shortest))
        return dataclasses.replace(outcome, result=result)

    def _with_heard(self, outcome: Outcome, heard: Heard) -> Outcome:
        """The outcome with what was said on the wire, where that is of interest."""
        result = dataclasses.replace(outcome.result, irregular=heard.irregular)
        if self._manner.transcripts or heard.irregular or result.verdict is Verdict.FAILED:
            result = dataclasses.replace(result, transcript=heard.transcript)
        return dataclasses.replace(outcome, result=result)


def run(
    contracts: list[Contract],
    adapter: Adapter,
    target: Target,
    *,
    seed: int = 0,
    report: Callable[[Result], None] = lambda _: None,
    profile: Profile = CI,
) -> list[Result]:
    """Check contracts, in this process.

    Args:
        contracts: which.
        adapter: the client under test.
        target: the server under test.
        seed: makes properties draw the same examples again.
        report: is told of each result as it comes.
        profile: how thoroughly.

    Returns:
        A result a contract, in order.

    Raises:
        HarnessError: the run could not be carried out.
    """
    results: list[Result] = []

    def collect(outcome: Outcome) -> None:
        results.append(outcome.result)
        report(outcome.result)

    run_tasks(contracts, [Task(one.id) for one in contracts], adapter, target, collect, Manner(seed, profile))
    if len(results) != len(contracts):
        raise HarnessError(f"the run ended with {len(results)} of {len(contracts)} verdicts")
    return results


def run_tasks(
    contracts: list[Contract],
    tasks: Iterable[Task],
    adapter: Adapter,
    target: Target,
    report: Callable[[Outcome], None],
    manner: Manner,
    made: Callable[[Trial], None] = lambda _: None,
) -> None:
    """Check contracts as tasks come, until no more come.

    Args:
        contracts: all that may come.
        tasks: asked for the next one when one is over.
        adapter: the client under test.
        target: the server under test.
        report: is told of each outcome, once nothing of the check is left.
        manner: how they are checked.
        made: is given the trial before the first contract.

    Raises:
        HarnessError: the run could not be carried out.
    """
    trial = Trial(adapter, target, manner.seed, manner.profile.effort)
    made(trial)
    plugin = _Plugin(contracts, tasks, trial, report, manner)
    words = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:terminal",
        "-p",
        "no:xdist",
        "-p",
        "no:faulthandler",
        "--rootdir",
        str(SUITE),
        str(SUITE),
    ]
    words += ["-c", os.devnull, "--import-mode=importlib", *([] if manner.captured else ["-s"])]

    def begin() -> Callable[[], None]:
        mark = trial.script.mark
        return lambda: trial.script.forget_from(mark)

    started = time.monotonic()
    token = REPEATED.set(Repeats(manner.profile.repeats, begin))
    try:
        code = pytest.main(words, plugins=[plugin])
    finally:
        REPEATED.reset(token)
        trial.close()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise HarnessError(
            f"the run ended after {time.monotonic() - started:.1f} s with {plugin.reported} verdicts (pytest: {code!r})"
        )
