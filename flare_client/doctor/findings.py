"""What checks find, and what a report of them amounts to."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any


class Verdict(enum.Enum):
    """What a check came to."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, but somebody should know."""
    ERROR = "error"
    """It is wrong: a client cannot work with it, or not as its owner expects."""
    SKIPPED = "skipped"
    """Not looked at; the reason says why."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a check says.

    Attributes:
        verdict: what it came to.
        text: what was found, or why it was skipped.
        remedy: what to do; empty where there is nothing to do.
        unable: whether the check was skipped because this machine lacks what it takes.
        waits_for: where it was skipped: the checks that found something wrong, which comes first.
    """

    verdict: Verdict
    text: str
    remedy: str = ""
    unable: bool = False
    waits_for: tuple[str, ...] = ()


def ok(text: str) -> Outcome:
    """Nothing is wrong."""
    return Outcome(Verdict.OK, text)


def warning(text: str, remedy: str) -> Outcome:
    """Somebody should know."""
    return Outcome(Verdict.WARNING, text, remedy)


def error(text: str, remedy: str) -> Outcome:
    """It is wrong."""
    return Outcome(Verdict.ERROR, text, remedy)


def skipped(reason: str) -> Outcome:
    """There is nothing to look at, or it was not asked for."""
    return Outcome(Verdict.SKIPPED, reason)


def waiting(checks: tuple[str, ...]) -> Outcome:
    """Something else is wrong, without which it could be looked at."""
    return Outcome(Verdict.SKIPPED, f"first mend what is said of {', '.join(checks)}", waits_for=checks)


def unable(reason: str, remedy: str) -> Outcome:
    """This machine lacks what it takes to look."""
    return Outcome(Verdict.SKIPPED, reason, remedy, unable=True)


@dataclasses.dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: the name of the check.
        question: what it asks.
        outcome: what it says.
    """

    check: str
    question: str
    outcome: Outcome

    def record(self) -> dict[str, str]:
        """The finding as plain data."""
        return {
            "check": self.check,
            "question": self.question,
            "verdict": self.outcome.verdict.value,
            "text": self.outcome.text,
            "remedy": self.outcome.remedy,
        }


FINE, WRONG, UNKNOWN = 0, 1, 2
"""Exit codes: nothing is wrong; something is; it could not be found out."""


@dataclasses.dataclass(frozen=True)
class Report:
    """All that was found.

    Attributes:
        kit: the kit, as it was given.
        findings: in the order of the checks.
    """

    kit: str
    findings: tuple[Finding, ...]

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        """The findings with a verdict."""
        return tuple(one for one in self.findings if one.outcome.verdict is verdict)

    @property
    def exit_code(self) -> int:
        """0: nothing is wrong; 1: something is; 2: this machine lacks what it takes to find out."""
        if self.of(Verdict.ERROR):
            return WRONG
        return UNKNOWN if any(one.outcome.unable for one in self.findings) else FINE

    def record(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "kit": self.kit,
            "exit_code": self.exit_code,
            "errors": len(self.of(Verdict.ERROR)),
            "warnings": len(self.of(Verdict.WARNING)),
            "findings": [one.record() for one in self.findings],
        }
