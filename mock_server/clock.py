"""The time of the simulation. Everything that asks what time it is asks a clock, so that a test can move it.

A clock also lets a client in the same process wait: ``session.clock = server.clock`` makes ``monitor_job`` poll in the
time of the server.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Protocol

from mock_server.quantities import read_duration

DEFAULT_START = 1_700_000_000.0
"""The first time of a clock that is moved by hand, where nobody says another."""

LATEST = 253_370_764_800.0
"""The time at which clocks end, 9999-01-01T00:00:00Z: a later one has no date, in any zone."""
MAX_SPEED = 1e9

_SCALED = re.compile(r"x([0-9]+(?:\.[0-9]+)?)")


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def time(self) -> float:
        """The time in seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed on this clock."""

    def real_seconds_until(self, when: float) -> float | None:
        """How long it takes on the machine's clock until it is so late; ``None``: it does not come by itself."""


class RealClock:
    """The time of the machine."""

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))

    def real_seconds_until(self, when: float) -> float | None:
        """Seconds until a time."""
        return max(0.0, when - time.time())


class ScaledClock:
    """A time that passes faster than that of the machine, or slower.

    Args:
        speed: seconds that pass in a second of the machine.
        start: the first time, in seconds since the epoch; that of the machine by default.

    Raises:
        ValueError: time would stand still or go back, or nobody could follow it.
    """

    def __init__(self, speed: float, start: float | None = None) -> None:
        if not 0 < speed <= MAX_SPEED:
            raise ValueError(f"expected a speed above 0, up to {MAX_SPEED:g}, but got {speed:g}")
        self.speed = speed
        self._start = time.time() if start is None else start
        self._began = time.monotonic()

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return min(self._start + self.monotonic(), LATEST)

    def monotonic(self) -> float:
        """Seconds of this clock since it was made."""
        return (time.monotonic() - self._began) * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed on this clock."""
        time.sleep(max(0.0, seconds) / self.speed)

    def advance_to(self, when: float) -> float:
        """Go on from a time that is yet to come; it never goes back.

        Args:
            when: seconds since the epoch.

        Returns:
            The new time.
        """
        self._start += max(0.0, when - self.time())
        return self.time()

    def real_seconds_until(self, when: float) -> float | None:
        """Seconds on the machine's clock until it is so late."""
        return max(0.0, when - self.time()) / self.speed


class ManualClock:
    """A virtual time: it stands still until somebody moves it, or waits on it. Threads may share it.

    Who sleeps on it does not wait, but moves it on. Two who begin to sleep at the same time sleep at the same time, as
    on any other clock: it moves as far as the longer one of them wants, not as far as both.

    Args:
        start: the first time, in seconds since the epoch.

    Raises:
        ValueError: it is beyond the last one.
    """

    def __init__(self, start: float = DEFAULT_START) -> None:
        self._now = self._start = _in_time(start)
        self._lock = threading.Lock()
        self._followers: list[Callable[[], None]] = []

    def time(self) -> float:
        """The time in seconds since the epoch."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that it was moved on by."""
        return self._now - self._start

    def advance(self, duration: float | str) -> float:
        """Move the time on.

        Args:
            duration: how far; seconds, or a text as ``2h``.

        Returns:
            The new time.

        Raises:
            ValueError: the time would go back, or beyond the last one, or the text is no duration.
        """
        if isinstance(duration, str):
            duration = read_duration(duration)
        if not duration >= 0:
            raise ValueError(f"expected 0 seconds or more to move a clock on, but got {duration:g}")
        with self._lock:
            self._now = now = _in_time(self._now + duration)
        self._tell()
        return now

    def advance_to(self, when: float) -> float:
        """Move the time on until it is so late; it never goes back.

        Args:
            when: seconds since the epoch.

        Returns:
            The new time.

        Raises:
            ValueError: it is beyond the last one.
        """
        with self._lock:
            self._now = now = _in_time(max(self._now, when))
        self._tell()
        return now

    def sleep(self, seconds: float) -> None:
        """Move the time on by so much, counted from now."""
        self.advance_to(self._now + max(0.0, seconds))

    def real_seconds_until(self, when: float) -> float | None:
        """Nothing comes by itself."""
        return 0.0 if when <= self._now else None

    def follow(self, follower: Callable[[], None]) -> Callable[[], None]:
        """Have a function called after each move, by whoever moves.

        Returns:
            What ends it.
        """
        self._followers.append(follower)

        def end() -> None:
            if follower in self._followers:
                self._followers.remove(follower)

        return end

    def _tell(self) -> None:
        for follower in list(self._followers):
            follower()


def _in_time(when: float) -> float:
    if not when <= LATEST:
        raise ValueError(f"expected a time up to {LATEST:.0f}, the end of the year 9998, but got {when:g}")
    return when


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

    def monotonic(self) -> float:
        """Seconds since some moment; a wrong clock goes as fast as a right one."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed."""
        self._clock.sleep(seconds)

    def real_seconds_until(self, when: float) -> float | None:
        """Seconds on the machine's clock until this one shows a time."""
        return self._clock.real_seconds_until(when - self.skew)


def read_clock(text: str, start: float | None = None) -> Clock:
    """Make a clock of its name.

    Args:
        text: ``real``, ``virtual``, or a speed as ``x100``.
        start: the first time of one that is not real, in seconds since the epoch.

    Raises:
        ValueError: there is no such clock.
    """
    if text == "real":
        return RealClock()
    if text == "virtual":
        return ManualClock(DEFAULT_START if start is None else start)
    match = _SCALED.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a clock of real, virtual, or a speed as x100, but got {text!r}")
    return ScaledClock(float(match[1]), start)
