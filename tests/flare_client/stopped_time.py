"""Stands in for the ``time`` module, and for a clock: sleeping moves it and takes no time."""

from __future__ import annotations


class StoppedTime:
    """A time that only sleeping moves.

    Attributes:
        now: what time it is.
        slept: how long each sleep was.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.slept.append(seconds)
        self.now += seconds
