"""A figure: what was measured, the bound it must keep, and the verdict. Knows nothing of how anything is measured."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable

Progress = Callable[[str], None]
"""Takes a line that tells what is being measured now."""

MB = 1_000_000
MIB = 1024 * 1024


class Verdict(enum.Enum):
    """What a figure says."""

    OK = "ok"
    MISSED = "missed"
    NO_BOUND = "–"
    """The figure is there for comparison."""
    NOT_MEASURED = "not measured"
    """Something that the measurement needs is not there; the bound is not shown to be kept."""


class Direction(enum.Enum):
    """Which side of a bound is the good one."""

    AT_MOST = "≤"
    BELOW = "<"
    AT_LEAST = "≥"
    ABOVE = ">"


@dataclasses.dataclass(frozen=True)
class Bound:
    """What a figure must keep, in the figure's unit."""

    direction: Direction
    value: float

    def is_kept(self, measured: float) -> bool:
        """Whether a measured value keeps the bound; one that is no number does not."""
        if self.direction is Direction.AT_MOST:
            return measured <= self.value
        if self.direction is Direction.BELOW:
            return measured < self.value
        if self.direction is Direction.AT_LEAST:
            return measured >= self.value
        return measured > self.value


def at_most(value: float) -> Bound:
    """A bound that larger values break."""
    return Bound(Direction.AT_MOST, value)


def below(value: float) -> Bound:
    """A bound that this value and larger ones break."""
    return Bound(Direction.BELOW, value)


def at_least(value: float) -> Bound:
    """A bound that smaller values break."""
    return Bound(Direction.AT_LEAST, value)


def above(value: float) -> Bound:
    """A bound that this value and smaller ones break."""
    return Bound(Direction.ABOVE, value)


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the report.

    Attributes:
        name: what is measured.
        value: the measured value in the unit; ``None`` where it could not be measured.
        unit: as ``ms``; a multiplication sign for a ratio.
        bound: what it must keep; ``None`` for a value that is there for comparison.
        detail: how many runs, their spread, or why there is no value.
    """

    name: str
    value: float | None
    unit: str
    bound: Bound | None = None
    detail: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the bound is kept."""
        if self.value is None:
            return Verdict.NOT_MEASURED
        if self.bound is None:
            return Verdict.NO_BOUND
        return Verdict.OK if self.bound.is_kept(self.value) else Verdict.MISSED

    @property
    def measured_text(self) -> str:
        """The value with its unit."""
        return "–" if self.value is None else f"{number_text(self.value)} {self.unit}"

    @property
    def bound_text(self) -> str:
        """The bound with its unit."""
        return f"{self.bound.direction.value} {number_text(self.bound.value)} {self.unit}" if self.bound else "–"


def number_text(value: float) -> str:
    """A number with three digits that count, and no more after the point than they need."""
    if value != value or abs(value) >= 100:  # noqa: PLR0124 - NaN is the one value that differs from itself
        return f"{value:,.0f}"
    return f"{value:.3g}"


def all_kept(figures: Iterable[Figure]) -> bool:
    """Whether every bound of the figures is shown to be kept."""
    return all(figure.verdict in (Verdict.OK, Verdict.NO_BOUND) for figure in figures)


def ratio(value: float, reference: float) -> float:
    """How many times the reference a value is; infinite where the reference took no time that could be measured."""
    return value / reference if reference > 0 else float("inf")
