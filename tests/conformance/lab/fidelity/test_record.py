"""What is kept of a run, the figures, and the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from conformance.lab.compatibility import RecordError
from conformance.lab.fidelity import page, record
from conformance.lab.fidelity.comparison import Compared, Likeness
from conformance.lab.fidelity.explanations import Explanation
from conformance.lab.fidelity.record import Count, FidelityReport, Sequences

KNOWN = Explanation("A mock trains nothing.", ("running: show_stats(*",), ("value",), ("2.6", "2.9"))
DIFFERENCE = Compared("running: show_stats(<job>)", "show_stats", Likeness.SAME_SHAPE, "returned 1", "returned 2")
OTHER = dataclasses.replace(DIFFERENCE, key="running: show_errors(<job>)")


def report(version: str = "2.6.3", *differences: Compared, value: int = 198) -> FidelityReport:
    return FidelityReport(
        version,
        version.rpartition(".")[0],
        "2026-01-02",
        f"make fidelity RELEASE={version}",
        {"Python": "3.11"},
        {"list_jobs": Count(100, 90, 100, 100, 100), "show_stats": Count(100, 100, 99, 98, value - 100)},
        Count(190, 190, 189, 188, value - 10),
        differences,
        ("all go",),
        Sequences(12, 80, 7, (("admin: list_jobs()\nofficial: 1\nmock: 2", ""),)),
    )


def test_probes_are_counted_by_how_like_they_are() -> None:
    likenesses = [Likeness.SAME_VALUE, Likeness.SAME_SHAPE, Likeness.SAME_OUTCOME, Likeness.DIFFERENT]
    compared = [dataclasses.replace(DIFFERENCE, key=one.name, likeness=one) for one in likenesses]
    assert record.count(compared, {"DIFFERENT"}.__contains__) == Count(4, 1, 3, 2, 1)


def test_a_release_run_again_replaces_its_own_entry_only(tmp_path: Path) -> None:
    record.keep(report("2.9.0"), tmp_path)
    record.keep(report("2.6.3", DIFFERENCE), tmp_path)
    kept = record.keep(report("2.6.3"), tmp_path)
    assert list(kept) == ["2.6.3", "2.9.0"]
    assert record.load(tmp_path) == kept == {"2.6.3": report("2.6.3"), "2.9.0": report("2.9.0")}


def test_what_is_kept_comes_back_whole(tmp_path: Path) -> None:
    whole = report("2.6.3", DIFFERENCE, OTHER)
    record.keep(whole, tmp_path)
    assert record.load(tmp_path)["2.6.3"] == whole


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "fidelity.json").write_text('{"2.6.3": {"version": "2.6.3"}}')
    with pytest.raises(RecordError, match="expected reports by version"):
        record.load(tmp_path)


def test_figures_that_are_not_reached_are_told() -> None:
    assert record.missed(report(value=198)) == []
    [problem] = record.missed(report(value=190))
    assert "expected at least 97% same value, but it is 95.00%" in problem


def test_what_nothing_explains_is_found() -> None:
    assert report("2.6.3", DIFFERENCE, OTHER).unexplained([KNOWN]) == (OTHER,)


def test_the_page_has_figures_methods_differences_sequences_and_rules(tmp_path: Path) -> None:
    reports = {"2.6.3": report("2.6.3", DIFFERENCE, OTHER), "2.9.0": report("2.9.0")}
    text = page.write(reports, [KNOWN], tmp_path).read_text()
    assert "| 2.6.3 | 200 | 99.50% | 99.00% | 99.00% | 190: " in text
    assert "| all | 400 |" in text
    assert "| `list_jobs` | 100 | 100 |" in text
    assert "| `show_stats` | 100: 99, 98, 98 | 100: 99, 98, 98 |" in text
    assert "- A mock trains nothing. Differs: value; 1 in 2.6.3:" in text
    assert "- **Not explained.** Differs: value; 1 in 2.6.3:" in text
    assert "`running: show_errors(<job>)` (2.6.3): official `returned 1`; here `returned 2`" in text
    assert "| 2.6.3 | 12 | 80 | 7 | 1 |" in text
    assert "Not played on the official server of 2.6.3: all go." in text
    assert "`submit_time`" in text
