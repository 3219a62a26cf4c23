"""Runs contracts: pytest is the engine, this is the plugin that feeds it and collects the verdicts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import Adapter, ClientError, ClientFailure
from conformance.contract import Contract
from conformance.needs import CLIENT_NEEDS
from conformance.results import Result, Verdict
from conformance.targets import Target
from conformance.trial import Trial
from conformance.verdicts import Inconclusive, Unsuitable, Violation

SUITE = Path(__file__).parent / "suite"


class HarnessError(RuntimeError):
    """The run could not be carried out; no verdict on the client."""


def _skips(contract: Contract, adapter: Adapter, target: Target) -> str | None:
    missing = contract.needs - target.provides - CLIENT_NEEDS
    if missing:
        return f"needs {', '.join(sorted(need.value for need in missing))}, which {target.name} does not give"
    for need in contract.needs & CLIENT_NEEDS:
        if need.name.lower() not in adapter.features:
            return f"needs {need.value}, which {adapter.name} does not say it is"
    return None


class _Plugin:
    """The run as pytest sees it."""

    def __init__(self, contracts: list[Contract], trial: Trial, report: Callable[[Result], None]) -> None:
        self._contracts = contracts
        self._trial = trial
        self._report = report
        self.results: list[Result] = []

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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        """Turn the end of a test into a verdict."""
        report = yield
        contract: Contract = item.callspec.params["contract"]  # type: ignore[attr-defined] # made above
        problem = call.excinfo.value if call.excinfo else None
        if isinstance(problem, (Inconclusive, Unsuitable)):
            # For JUnit readers, too, this is no failure.
            report.outcome = "skipped"
            report.longrepr = (str(SUITE), 0, f"Skipped: {problem}")
        if call.when == "call" or (call.when == "setup" and problem is not None):
            self._add(_result(contract, problem, call.duration))
            if problem is not None and not isinstance(problem, pytest.skip.Exception):
                # Whatever state the client is in, the next contract gets a fresh session.
                self._trial.forget_session()
        return report

    def _add(self, result: Result) -> None:
        self.results.append(result)
        self._report(result)


def _result(contract: Contract, problem: BaseException | None, seconds: float) -> Result:
    if problem is None:
        return Result(contract.id, Verdict.PASSED, seconds)
    if isinstance(problem, Inconclusive):
        return Result(contract.id, Verdict.INCONCLUSIVE, seconds, str(problem))
    if isinstance(problem, (pytest.skip.Exception, Unsuitable)):
        return Result(contract.id, Verdict.SKIPPED, seconds, str(problem))
    if isinstance(problem, (Violation, ClientError)):
        return _broken(contract, problem, seconds)
    if isinstance(problem, ClientFailure):
        return Result(contract.id, Verdict.FAILED, seconds, f"the client failed: {problem}")
    return Result(contract.id, Verdict.FAILED, seconds, f"{type(problem).__name__}: {problem}")


def _broken(contract: Contract, problem: Violation | ClientError, seconds: float) -> Result:
    if isinstance(problem, ClientError):
        text = f"the client raised {problem}"
        return Result(contract.id, Verdict.FAILED, seconds, text, expected="no exception", observed=str(problem))
    return Result(
        contract.id,
        Verdict.FAILED,
        seconds,
        str(problem),
        expected=problem.expected,
        observed=problem.observed,
        script=problem.script,
    )


def run(
    contracts: list[Contract],
    adapter: Adapter,
    target: Target,
    *,
    seed: int = 0,
    junit: Path | None = None,
    report: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Check contracts.

    Args:
        contracts: which.
        adapter: the client under test.
        target: the server under test.
        seed: makes properties draw the same examples again.
        junit: a file for the JUnit report.
        report: is told of each result as it comes.

    Returns:
        A result a contract, in order.

    Raises:
        HarnessError: the run could not be carried out.
    """
    trial = Trial(adapter, target, seed)
    plugin = _Plugin(contracts, trial, report)
    words = ["-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:xdist", "--rootdir", str(SUITE), str(SUITE)]
    words += ["-c", os.devnull, "--import-mode=importlib", "-o", "junit_family=xunit2"]
    if junit is not None:
        words += ["--junitxml", str(junit), "-o", "junit_suite_name=flare-conformance"]
    started = time.monotonic()
    try:
        code = pytest.main(words, plugins=[plugin])
    finally:
        trial.close()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or len(plugin.results) != len(contracts):
        raise HarnessError(
            f"the run ended after {time.monotonic() - started:.1f} s with {len(plugin.results)} of {len(contracts)} "
            f"verdicts (pytest: {code!r})"
        )
    return plugin.results
