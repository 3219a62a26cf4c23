"""Times that do not lie under load: how long a call took, and how much of that the machine may have added."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Callable, Iterator

from conformance.lag import LagMeter
from conformance.verdicts import Inconclusive, TooLate, Violation

REPEATS = 3
"""How often a timing failure must show before it counts, where nothing else is said."""


@dataclasses.dataclass
class Measured:
    """How long something took.

    Attributes:
        seconds: by the clock.
        lag: seconds of it that the machine may have cost, as ``conformance.lag`` measures them meanwhile.
    """

    seconds: float = 0.0
    lag: float = 0.0


@dataclasses.dataclass(frozen=True)
class Repeats:
    """How timing failures are confirmed.

    Attributes:
        most: how often a failure must show before it counts.
        begin: is called before each try, and returns what to do before the next one.
    """

    most: int = REPEATS
    begin: Callable[[], Callable[[], None]] = lambda: lambda: None


_USUAL = Repeats()
REPEATED: contextvars.ContextVar[Repeats] = contextvars.ContextVar("REPEATED", default=_USUAL)
"""Set by whoever runs contracts."""


@contextlib.contextmanager
def measured() -> Iterator[Measured]:
    """Measure what happens inside, and the scheduling lag of the machine at the same time."""
    result = Measured()
    meter = LagMeter()
    meter.start()
    start = time.monotonic()
    try:
        yield result
    finally:
        result.seconds = time.monotonic() - start
        meter.stop()
        result.lag = min(meter.behind, result.seconds)


def not_before(result: Measured, seconds: float, what: str) -> None:
    """Demand that something did not come too early; no load explains that.

    Raises:
        Violation: it came too early.
    """
    if result.seconds < seconds:
        raise Violation(f"{what} not before {seconds:.3f} s", f"it after {result.seconds:.3f} s")


def not_after(result: Measured, seconds: float, what: str) -> None:
    """Demand that something did not come too late, as far as the client is to blame.

    Raises:
        TooLate: it came too late, and the machine's lag does not explain it.
        Inconclusive: it came too late, but the machine's lag may be the reason.
    """
    if result.seconds <= seconds:
        return
    if result.seconds - result.lag <= seconds:
        raise Inconclusive(
            f"{what} came after {result.seconds:.3f} s instead of {seconds:.3f} s at most, but the machine was up to "
            f"{result.lag:.3f} s behind"
        )
    raise TooLate(f"{what} at most {seconds:.3f} s", f"it after {result.seconds:.3f} s (lag {result.lag:.3f} s)")


def confirmed(check: Callable[[], None]) -> None:
    """Run a check about time; a failure counts only if it shows every time.

    Raises:
        Violation: it failed each time.
        Inconclusive: it failed, and could not be told from the machine's lag.
    """
    repeats = REPEATED.get()
    for attempt in range(1, repeats.most + 1):
        again = repeats.begin()
        try:
            check()
        except (Violation, Inconclusive):
            if attempt == repeats.most:
                raise
            again()
        else:
            return
