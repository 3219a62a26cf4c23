"""How the end of a check becomes a verdict, and whether load may be the reason of a bad one."""

from __future__ import annotations

import dataclasses

import pytest

from conformance.adapters.base import ClientError, ClientFailure
from conformance.contract import Contract
from conformance.results import Result, Verdict
from conformance.verdicts import Inconclusive, TooLate, Unsuitable, Violation

BEHIND = 0.3
"""Seconds that a machine must be behind during a contract before a client's own timeouts may be excused by that."""

IMPATIENT = ("ConnectionError", "TimeoutError", "NoConnection", "FLCommunicationError", "CommunicationError")
"""What clients raise when an answer does not come in time."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one check of a contract.

    Attributes:
        result: the verdict.
        confirm: whether it is to be checked again, with nothing beside it, before it counts.
        noise: why the machine may be the reason of a failure; empty where it is not.
    """

    result: Result
    confirm: bool = False
    noise: str = ""

    @property
    def settled(self) -> Result:
        """The verdict after the contract was checked alone: what may be the machine's fault proves nothing."""
        if self.noise and self.result.verdict is Verdict.FAILED:
            message = f"{self.noise}; {self.result.message}"
            return dataclasses.replace(self.result, verdict=Verdict.INCONCLUSIVE, message=message)
        return self.result


def judge(contract: Contract, problem: BaseException | None, seconds: float, behind: float) -> Outcome:
    """Judge the end of a check.

    Args:
        contract: what was checked.
        problem: what the check raised.
        seconds: how long it took.
        behind: seconds that the machine may have cost meanwhile.
    """
    result = _result(contract, problem, seconds)
    if isinstance(problem, (TooLate, Inconclusive)):
        return Outcome(result, confirm=True)
    if result.verdict is Verdict.FAILED and behind >= BEHIND and _is_impatience(problem):
        return Outcome(result, True, f"the client gave up on an answer while the machine was {behind:.1f} s behind")
    return Outcome(result)


def _is_impatience(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ClientError) and problem.is_a(*IMPATIENT):
            return True
        problem = problem.__cause__
    return False


def _result(contract: Contract, problem: BaseException | None, seconds: float) -> Result:
    if problem is None:
        return Result(contract.id, Verdict.PASSED, seconds)
    if isinstance(problem, Inconclusive):
        return Result(contract.id, Verdict.INCONCLUSIVE, seconds, str(problem))
    if isinstance(problem, (pytest.skip.Exception, Unsuitable)):
        return Result(contract.id, Verdict.SKIPPED, seconds, str(problem))
    if isinstance(problem, Violation):
        return Result(
            contract.id,
            Verdict.FAILED,
            seconds,
            str(problem),
            expected=problem.expected,
            observed=problem.observed,
            script=problem.script,
        )
    if isinstance(problem, ClientError):
        text = f"the client raised {problem}"
        return Result(contract.id, Verdict.FAILED, seconds, text, expected="no exception", observed=str(problem))
    if isinstance(problem, ClientFailure):
        return Result(contract.id, Verdict.FAILED, seconds, f"the client failed: {problem}")
    return Result(contract.id, Verdict.FAILED, seconds, f"{type(problem).__name__}: {problem}")
