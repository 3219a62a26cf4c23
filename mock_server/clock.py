"""The time of the simulation. Everything that asks what time it is asks a clock, so that a test can move it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def time(self) -> float:
        """The time in seconds since the epoch."""


class RealClock:
    """The time of the machine."""

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return time.time()


class ManualClock:
    """A time that stands still until it is moved.

    Args:
        start: the first time, in seconds since the epoch.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Move the time on.

        Args:
            seconds: how far; 0 or more.

        Returns:
            The new time.

        Raises:
            ValueError: the time would go back.
        """
        if seconds < 0:
            raise ValueError(f"expected 0 seconds or more to move a clock on, but got {seconds:g}")
        self._now += seconds
        return self._now


class SkewedClock:
    """A clock that is wrong by so much.

    Args:
        clock: the right one.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.skew = 0.0
        """Seconds that this one is ahead; negative: behind."""

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return self._clock.time() + self.skew
