"""Times that do not lie under load: how long a call took, and how much of that the machine may have added."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

from conformance.verdicts import Inconclusive, Violation

_STEP = 0.005
REPEATS = 3
"""How often a timing failure must show, alone, before it counts."""


@dataclasses.dataclass
class Measured:
    """How long something took.

    Attributes:
        seconds: by the clock.
        lag: how much longer than asked a sleeping thread slept meanwhile, added up: what the machine may have cost.
    """

    seconds: float = 0.0
    lag: float = 0.0


@contextlib.contextmanager
def measured() -> Iterator[Measured]:
    """Measure what happens inside, and the scheduling lag of the machine at the same time."""
    result = Measured()
    done = threading.Event()

    def watch() -> None:
        while True:
            before = time.monotonic()
            ended = done.wait(_STEP)
            result.lag += max(0.0, time.monotonic() - before - 2 * _STEP)
            if ended:
                return

    watcher = threading.Thread(target=watch, name="lag", daemon=True)
    watcher.start()
    start = time.monotonic()
    try:
        yield result
    finally:
        result.seconds = time.monotonic() - start
        done.set()
        watcher.join()


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
        Violation: it came too late, and the machine's lag does not explain it.
        Inconclusive: it came too late, but the machine's lag may be the reason.
    """
    if result.seconds <= seconds:
        return
    if result.seconds - result.lag <= seconds:
        raise Inconclusive(
            f"{what} came after {result.seconds:.3f} s instead of {seconds:.3f} s at most, but the machine was up to "
            f"{result.lag:.3f} s behind"
        )
    raise Violation(f"{what} at most {seconds:.3f} s", f"it after {result.seconds:.3f} s (lag {result.lag:.3f} s)")


def confirmed(check: Callable[[], None]) -> None:
    """Run a check about time; a failure counts only if it shows every time.

    Raises:
        Violation: it failed each time.
        Inconclusive: it failed, and could not be told from the machine's lag.
    """
    for attempt in range(1, REPEATS + 1):
        try:
            check()
        except (Violation, Inconclusive):
            if attempt == REPEATS:
                raise
        else:
            return
