"""Two runs, and what is different in the later one."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.reports.redaction import without_keys
from conformance.reports.terminal import STYLES
from conformance.reports.text import plain, shortened, visible
from conformance.results import Result, RunRecord, Verdict

_MOST = 300
"""Characters of a message in the table."""


class Change(enum.Enum):
    """How the verdict on a contract changed. The order is that of the table."""

    FAILED = "newly failed"
    STALE = "unexpected pass"
    """It passes though the baseline says that it fails."""
    UNCHECKED = "no longer passed"
    """It passed, and now nobody knows: skipped, left open, or a failure that the baseline expects."""
    VANISHED = "vanished"
    PASSED = "newly passed"
    APPEARED = "appeared"
    VERDICT = "another verdict"
    MESSAGE = "another reason"
    """The same verdict, for another reason."""
    WEIGHT = "counts otherwise"
    """The same verdict, but it counts now, or no longer."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """A contract on which two runs differ.

    Attributes:
        contract: its id.
        change: in what.
        before: in the earlier run; ``None`` if it was not in it.
        after: in the later run, likewise.
    """

    contract: str
    change: Change
    before: Result | None
    after: Result | None

    @property
    def is_worse(self) -> bool:
        """Whether something that counts was lost.

        That is: it makes the run fail and did not before; or it passed and was not held to account again, because it
        was skipped, is gone, or its failure is now expected. A check that the machine's load left open is no loss.
        """
        if self.after is not None and self.after.is_bad:
            return self.before is None or not self.before.is_bad
        had = self.before is not None and self.before.counts and self.before.verdict is Verdict.PASSED
        return had and (self.after is None or self.after.verdict in _LOST)


_LOST = frozenset({Verdict.SKIPPED, Verdict.EXPECTED_FAILURE})


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is different between two runs.

    Attributes:
        before: the earlier run.
        after: the later run.
        differences: a contract each, the worst first.
    """

    before: RunRecord
    after: RunRecord
    differences: tuple[Difference, ...]

    @property
    def is_worse(self) -> bool:
        """Whether something that counts was lost."""
        return any(difference.is_worse for difference in self.differences)


def compare(before: RunRecord, after: RunRecord) -> Comparison:
    """Say what is different between two runs."""
    earlier = {result.contract: result for result in before.results}
    later = {result.contract: result for result in after.results}
    found = [
        Difference(name, change, earlier.get(name), later.get(name))
        for name in sorted({*earlier, *later})
        if (change := _change(earlier.get(name), later.get(name))) is not None
    ]
    order = list(Change)
    found.sort(key=lambda difference: (not difference.is_worse, order.index(difference.change)))
    return Comparison(before, after, tuple(found))


def _change(before: Result | None, after: Result | None) -> Change | None:
    if before is None or after is None:
        return Change.VANISHED if after is None else Change.APPEARED
    if before.verdict is not after.verdict:
        return _other_verdict(before.verdict, after.verdict)
    if before.counts is not after.counts:
        return Change.WEIGHT
    return None if _reason(before) == _reason(after) else Change.MESSAGE


def _other_verdict(before: Verdict, after: Verdict) -> Change:
    if after is Verdict.FAILED:
        return Change.FAILED
    if after is Verdict.UNEXPECTED_PASS:
        return Change.STALE
    if after is Verdict.PASSED:
        return Change.PASSED
    return Change.UNCHECKED if before is Verdict.PASSED else Change.VERDICT


def _reason(result: Result) -> tuple[str, str | None, str | None]:
    return result.message, result.expected, result.observed


def print_comparison(console: Console, comparison: Comparison) -> None:
    """What is different, as a table."""
    before, after = comparison.before, comparison.after
    for what in ("client", "server", "release", "seed"):
        old, new = getattr(before, what), getattr(after, what)
        text = f"{old}" if old == new else f"{old} → {new}"
        console.print(Text(f"{what:<8} {visible(text)}"), highlight=False, soft_wrap=True)
    if not comparison.differences:
        console.print(f"no difference in {len(after.results)} contracts", highlight=False)
        return
    table = Table("contract", "change", "before", "after", "reason")
    for difference in comparison.differences:
        style = "bold red" if difference.is_worse else ""
        table.add_row(
            Text(visible(difference.contract), style=style),
            Text(difference.change.value, style=style),
            _cell(difference.before),
            _cell(difference.after),
            Text(_said(difference.after)),
        )
    console.print(table)
    worse = sum(difference.is_worse for difference in comparison.differences)
    ended = f"{worse} worse" if worse else "nothing worse"
    console.print(f"{len(comparison.differences)} differences, {ended}", highlight=False)


def _said(result: Result | None) -> str:
    return "" if result is None else shortened(visible(without_keys(result.message)), _MOST)


def _cell(result: Result | None) -> Text:
    if result is None:
        return Text("absent", style="dim")
    return Text(result.verdict.value + ("" if result.counts else " (does not count)"), style=STYLES[result.verdict])


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """What is different, as a JSON document."""
    document: dict[str, Any] = plain(
        {
            "worse": comparison.is_worse,
            "before": _run(comparison.before),
            "after": _run(comparison.after),
            "differences": [
                {
                    "contract": difference.contract,
                    "change": difference.change.value,
                    "worse": difference.is_worse,
                    "before": _result(difference.before),
                    "after": _result(difference.after),
                }
                for difference in comparison.differences
            ],
        }
    )
    return document


def _run(record: RunRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("client", "server", "release", "seed", "started")}


def _result(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {"verdict": result.verdict.value, "counts": result.counts, "message": without_keys(result.message)}
