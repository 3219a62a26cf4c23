"""Taking times: several runs each, the sides in turn, so that the noise of a busy machine hits all of them alike."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tests.benchmarks.figures import number_text

_Key = TypeVar("_Key", bound=str)


@dataclasses.dataclass(frozen=True)
class Samples:
    """Measured times, in seconds.

    Raises:
        ValueError: there is none.
    """

    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.seconds:
            raise ValueError("expected at least one measured time")

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        """The shortest time."""
        return min(self.seconds)

    @property
    def most(self) -> float:
        """The longest time."""
        return max(self.seconds)

    def spread(self, unit: str) -> str:
        """How many there are and how far apart, in ``s``, ``ms`` or ``µs``."""
        factor = {"s": 1.0, "ms": 1e3, "µs": 1e6}[unit]
        return (
            f"median {number_text(self.median * factor)}, {number_text(self.least * factor)} to "
            f"{number_text(self.most * factor)} {unit} ({len(self.seconds)} runs)"
        )


def timed(work: Callable[[], object]) -> float:
    """Do something once and return the seconds it took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


Take = Callable[[], Sequence[float]]
"""Measures one side once or a few times, and returns the seconds of each."""


def interleaved(rounds: int, sides: Mapping[_Key, Take], warm_up: int = 1) -> dict[_Key, Samples]:
    """Measure several sides in turn, round by round.

    Args:
        rounds: how often each side is measured.
        sides: the sides by name. Every other round takes them in the opposite order, so that none always comes
            right after the same other.
        warm_up: how many rounds before that do not count.
    """
    found: dict[_Key, list[float]] = {name: [] for name in sides}
    for number in range(-warm_up, rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(list(sides)))
        for name in order:
            seconds = sides[name]()
            if number >= 0:
                found[name] += seconds
    return {name: Samples(tuple(seconds)) for name, seconds in found.items()}


def pooled(found: Sequence[Mapping[str, Samples]]) -> dict[str, Samples]:
    """What several measurements of the same sides found, together.

    Args:
        found: the samples by side; at least one measurement.
    """
    return {
        name: Samples(tuple(itertools.chain.from_iterable(one[name].seconds for one in found))) for name in found[0]
    }


def once(work: Callable[[], object]) -> Take:
    """A side that does one thing and is timed from here."""
    return lambda: (timed(work),)
