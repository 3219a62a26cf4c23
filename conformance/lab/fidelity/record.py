"""What is kept of the fidelity lab's runs: ``docs/fidelity.json``, one entry a release.

Owns: the record, counts and rates. A release is run again without losing the others.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.lab.compatibility import RecordError
from conformance.lab.fidelity.comparison import Compared, Likeness
from conformance.lab.fidelity.explanations import Explanation, explanation_of

_RECORD = "fidelity.json"
OUTCOME_FIGURE = 0.99
"""The share of probes with the same outcome that a release must reach."""
VALUE_FIGURE = 0.97
"""The share of probes with the same value that a release must reach."""


@dataclasses.dataclass(frozen=True)
class Count:
    """How many probes there were, and how many were alike.

    Attributes:
        probes: how many.
        asked: how many of them sent at least one command; the others the client answers by itself.
        outcome: how many had the same outcome.
        shape: how many had the same shape as well.
        value: how many had the same value as well.
    """

    probes: int = 0
    asked: int = 0
    outcome: int = 0
    shape: int = 0
    value: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))

    def share(self, same: int) -> float:
        """The share of a number of probes; 1 where there are none."""
        return same / self.probes if self.probes else 1.0


def count(compared: Iterable[Compared], asked: Callable[[str], bool]) -> Count:
    """Count probes.

    Args:
        compared: the probes.
        asked: whether the probe of a key sent a command.
    """
    found = Count()
    for one in compared:
        grades = (one.likeness >= grade for grade in (Likeness.SAME_OUTCOME, Likeness.SAME_SHAPE, Likeness.SAME_VALUE))
        found += Count(1, int(asked(one.key)), *map(int, grades))
    return found


@dataclasses.dataclass(frozen=True)
class Sequences:
    """What came of random sequences of calls.

    Attributes:
        played: how many were played on both servers.
        calls: how many calls they had.
        seed: what they were drawn from.
        differing: the shortest that differed, as scripts, each with its explanation or an empty text.
    """

    played: int
    calls: int
    seed: int
    differing: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class FidelityReport:
    """A run of the fidelity lab for one release.

    Attributes:
        version: the official version.
        release: its release line.
        date: the day of the run.
        command: what was typed.
        versions: of the software that took part, by its name.
        methods: counts by method.
        asking: counts of the probes that asked the server alone.
        differences: the probes that differed.
        left_out: the chapters that could not be played on the official server.
        sequences: what came of random sequences, where they were played.
    """

    version: str
    release: str
    date: str
    command: str
    versions: dict[str, str]
    methods: dict[str, Count]
    asking: Count
    differences: tuple[Compared, ...]
    left_out: tuple[str, ...] = ()
    sequences: Sequences | None = None

    @property
    def total(self) -> Count:
        """The counts of all methods together."""
        return sum(self.methods.values(), Count())

    def unexplained(self, explanations: Iterable[Explanation]) -> tuple[Compared, ...]:
        """Differences that nothing explains."""
        known = tuple(explanations)
        return tuple(one for one in self.differences if explanation_of(self.release, one, known) is None)


def missed(report: FidelityReport) -> list[str]:
    """The figures that a report does not reach, in words."""
    total = report.total
    found = []
    for what, same, figure in (("outcome", total.outcome, OUTCOME_FIGURE), ("value", total.value, VALUE_FIGURE)):
        share = total.share(same)
        if share < figure:
            found.append(f"{report.version}: expected at least {figure:.0%} same {what}, but it is {share:.2%}")
    return found


def load(docs: Path) -> dict[str, FidelityReport]:
    """The reports that are kept, by version, in order.

    Raises:
        RecordError: the record is damaged.
    """
    path = docs / _RECORD
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {version: _report(entry) for version, entry in sorted(entries.items(), key=_place)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RecordError(f"{path}: expected reports by version, but {type(problem).__name__}: {problem}") from problem


def keep(report: FidelityReport, docs: Path) -> dict[str, FidelityReport]:
    """Put a report into the record in place of the release's last one, and return all of them.

    Raises:
        RecordError: the record is damaged, or cannot be written.
    """
    reports = {**load(docs), report.version: report}
    ordered = dict(sorted(reports.items(), key=_place))
    entries = {version: _entry(one) for version, one in ordered.items()}
    write(docs / _RECORD, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return ordered


def write(path: Path, text: str) -> None:
    """Replace a file whole.

    Raises:
        RecordError: that fails.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as problem:
        raise RecordError(f"{path}: {problem.strerror}") from problem
    finally:
        new.unlink(missing_ok=True)


def _place(item: tuple[str, Any]) -> list[int]:
    return [int(part) for part in item[0].split(".")]


def _entry(report: FidelityReport) -> dict[str, Any]:
    entry = dataclasses.asdict(report)
    entry["methods"] = {name: list(dataclasses.astuple(one)) for name, one in report.methods.items()}
    entry["asking"] = list(dataclasses.astuple(report.asking))
    return entry


def _report(entry: Mapping[str, Any]) -> FidelityReport:
    sequences = entry["sequences"]
    if sequences is not None:
        differing = tuple((script, reason) for script, reason in sequences["differing"])
        sequences = Sequences(**{**sequences, "differing": differing})
    return FidelityReport(
        **{
            **entry,
            "methods": {name: Count(*numbers) for name, numbers in entry["methods"].items()},
            "asking": Count(*entry["asking"]),
            "differences": tuple(
                Compared(**{**one, "likeness": Likeness(one["likeness"])}) for one in entry["differences"]
            ),
            "left_out": tuple(entry["left_out"]),
            "sequences": sequences,
        }
    )
