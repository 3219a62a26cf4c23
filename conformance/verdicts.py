"""How a check says no, and how it says that it cannot tell."""

from __future__ import annotations

from typing import Any


class Violation(AssertionError):
    """The client broke the contract.

    Attributes:
        expected: what the contract asks for.
        observed: what the client did.
        script: the shortest sequence of calls that shows it, a line each; empty where the check is but one.
    """

    def __init__(self, expected: str, observed: str, script: tuple[str, ...] = ()) -> None:
        super().__init__(f"expected {expected}, but observed {observed}")
        self.expected = expected
        self.observed = observed
        self.script = script


class TooLate(Violation):
    """The client came too late. A busy machine looks the same, so this is confirmed before it counts."""


class Inconclusive(Exception):
    """The check could not tell the client's fault from the machine's: the text says why."""


class Unsuitable(Exception):
    """The target lacks what the check needs: the text says what."""


def same(observed: Any, expected: Any, what: str) -> None:
    """Demand that a value is the expected one.

    Raises:
        Violation: it is not.
    """
    if observed != expected:
        raise Violation(f"{what} to be {expected!r}", repr(observed))


def holds(condition: object, expected: str, observed: object) -> None:
    """Demand that a condition is true.

    Raises:
        Violation: it is not.
    """
    if not condition:
        raise Violation(expected, str(observed))
