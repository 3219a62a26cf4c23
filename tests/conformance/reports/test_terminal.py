"""The report at a terminal: what it says, and that nobody's text takes the terminal over."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from conformance.reports import print_line, print_summary
from conformance.results import Result, RunRecord, Verdict
from tests.conformance.reports.records import HOSTILE_RECORD, RECORD


def shown(record: RunRecord, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(console, record)
    return console.file.getvalue()  # type: ignore[attr-defined] # ours


def test_a_failure_has_its_statement_source_expectation_and_script() -> None:
    text = shown(RECORD)
    assert "MON-TIMEOUT-01" in text
    assert "(must)" in text
    assert "API document: “" in text
    assert "expected TIMEOUT not before 0.3 s\nobserved it after 0.1 s\n" in text
    assert "    session.monitor_job(job, timeout=0.3)\n" in text


def test_what_does_not_count_or_is_unknown_is_said_so() -> None:
    text = shown(RECORD)
    assert "This version's catalogue does not have this contract. (unknown; does not count in this run)" in text
    assert "it is not in the catalogue" in text
    assert "2.9: 2 of 6 broken" in text


def _row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if re.match(rf"│ {name}\b", line)]
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_the_table_counts_by_group_and_level() -> None:
    text = shown(RECORD, width=120)
    #                           passed failed skipped inconclusive expected unexpected
    assert _row(text, "MON") == ["MON", "", "1", "", "1", "", ""]
    assert _row(text, "unknown") == ["unknown", "", "1", "", "", "", ""]
    assert _row(text, "all") == ["all", "1", "2", "1", "1", "1", "1"]


def test_columns_of_verdicts_that_nobody_got_are_left_out() -> None:
    text = shown(dataclasses.replace(RECORD, results=RECORD.results[:1]))
    assert "passed" in text
    assert "failed" in text
    assert "unexpected-pass" not in text


@pytest.mark.parametrize("terminal", [True, False])
def test_hostile_text_is_shown_as_text(terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system=None)
    for result in HOSTILE_RECORD.results:
        print_line(console, result)
    print_summary(console, HOSTILE_RECORD)
    text = console.file.getvalue()  # type: ignore[attr-defined] # ours
    assert "\\x1b[31m[red]" in text
    assert "\x1b[31m" not in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_a_line_of_progress_gives_the_reason_of_what_was_not_decided() -> None:
    console = Console(file=io.StringIO(), width=40)
    print_line(console, Result("A-B-01", Verdict.SKIPPED, 1.0, "needs [control] of the server"))
    print_line(console, Result("A-B-02", Verdict.FAILED, 1.0, "not here", counts=False))
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined] # ours
        "skipped      A-B-01               1.00 s  needs [control] of the server",
        "failed       A-B-02               1.00 s  does not count",
    ]
