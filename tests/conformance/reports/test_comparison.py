"""Two runs: what is different, and whether that is worse."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from hypothesis import given
from rich.console import Console

from conformance.reports import compare, comparison_document, print_comparison
from conformance.reports.comparison import Change
from conformance.results import Result, RunRecord, Verdict
from tests.conformance.reports.records import HOSTILE_RECORD, RECORD, records

PASSED, FAILED, SKIPPED = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
INCONCLUSIVE, EXPECTED, STALE = Verdict.INCONCLUSIVE, Verdict.EXPECTED_FAILURE, Verdict.UNEXPECTED_PASS


def run_of(*results: Result) -> RunRecord:
    return dataclasses.replace(RECORD, results=results)


def one(verdict: Verdict | None, message: str = "", *, counts: bool = True) -> RunRecord:
    return run_of() if verdict is None else run_of(Result("MON-CB-01", verdict, 0.5, message, counts=counts))


@pytest.mark.parametrize(
    ("before", "after", "change", "worse"),
    [
        (one(PASSED), one(FAILED), Change.FAILED, True),
        (one(SKIPPED), one(FAILED), Change.FAILED, True),
        (one(EXPECTED), one(FAILED), Change.FAILED, True),
        (one(EXPECTED), one(STALE), Change.STALE, True),
        (one(STALE), one(FAILED), Change.FAILED, False),
        (one(PASSED), one(FAILED, counts=False), Change.FAILED, False),
        (one(PASSED), one(SKIPPED), Change.UNCHECKED, True),
        (one(PASSED), one(EXPECTED), Change.UNCHECKED, True),
        (one(PASSED), one(INCONCLUSIVE), Change.UNCHECKED, False),
        (one(PASSED), one(None), Change.VANISHED, True),
        (one(PASSED, counts=False), one(None), Change.VANISHED, False),
        (one(FAILED), one(None), Change.VANISHED, False),
        (one(FAILED), one(PASSED), Change.PASSED, False),
        (one(FAILED), one(EXPECTED), Change.VERDICT, False),
        (one(None), one(PASSED), Change.APPEARED, False),
        (one(None), one(FAILED), Change.APPEARED, True),
        (one(None), one(FAILED, counts=False), Change.APPEARED, False),
        (one(FAILED, "a"), one(FAILED, "b"), Change.MESSAGE, False),
        (one(FAILED, counts=False), one(FAILED), Change.WEIGHT, True),
        (one(FAILED), one(FAILED, counts=False), Change.WEIGHT, False),
    ],
)
def test_a_change_has_a_name_and_a_direction(before: RunRecord, after: RunRecord, change: Change, worse: bool) -> None:
    comparison = compare(before, after)
    (difference,) = comparison.differences
    assert (difference.contract, difference.change) == ("MON-CB-01", change)
    assert comparison.is_worse is worse


@given(record=records)
def test_a_run_does_not_differ_from_itself(record: RunRecord) -> None:
    longer = dataclasses.replace(
        record, results=tuple(dataclasses.replace(result, seconds=result.seconds + 1) for result in record.results)
    )
    assert compare(record, longer).differences == ()


@given(before=records, after=records)
def test_contracts_come_once_and_those_that_are_worse_first(before: RunRecord, after: RunRecord) -> None:
    comparison = compare(before, after)
    names = [difference.contract for difference in comparison.differences]
    assert len(set(names)) == len(names)
    worse = [difference.is_worse for difference in comparison.differences]
    assert worse == sorted(worse, reverse=True)
    json.dumps(comparison_document(comparison), allow_nan=False)


def _printed(before: RunRecord, after: RunRecord) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_comparison(console, compare(before, after))
    return console.file.getvalue()  # type: ignore[attr-defined] # ours


def test_the_table_has_both_verdicts_and_the_reason() -> None:
    text = _printed(one(PASSED), dataclasses.replace(one(FAILED, "it is [late]"), server="mock_server 2.6"))
    row = next(line for line in text.splitlines() if "MON-CB-01" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "MON-CB-01",
        "newly failed",
        "passed",
        "failed",
        "it is [late]",
    ]
    assert "server   mock_server 2.9 → mock_server 2.6" in text
    assert "1 differences, 1 worse" in text


def test_no_difference_is_said_so() -> None:
    assert "no difference in 7 contracts" in _printed(RECORD, RECORD)


def test_hostile_text_is_text() -> None:
    text = _printed(RECORD, HOSTILE_RECORD)
    assert "\x1b" not in text
    assert "\\x1b" in text


def test_the_document_says_the_same() -> None:
    document = comparison_document(compare(one(PASSED), one(FAILED, "late")))
    assert document["worse"] is True
    assert document["differences"] == [
        {
            "contract": "MON-CB-01",
            "change": "newly failed",
            "worse": True,
            "before": {"verdict": "passed", "counts": True, "message": ""},
            "after": {"verdict": "failed", "counts": True, "message": "late"},
        }
    ]
