"""The record of the lab keeps every release, and the page shows all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.lab.compatibility import Outcome, RecordError, ReleaseReport, record


def report(version: str, failures: tuple[str, ...] = ()) -> ReleaseReport:
    outcome = Outcome("script", "flare_client", f"nvflare {version}", 10, len(failures), 2, 1, failures)
    return ReleaseReport(
        version, "2026-01-02", f"make lab RELEASE={version}", {"Python": "3.11"}, {"start": 6.5}, (outcome,)
    )


def test_a_release_run_again_replaces_its_own_entry_only(tmp_path: Path) -> None:
    record(report("2.6.3", ("old: broken",)), tmp_path)
    record(report("2.3.12"), tmp_path)
    page = record(report("2.6.3"), tmp_path).read_text()

    rows = [line for line in page.splitlines() if line.startswith("| 2.")]
    assert rows == [
        "| 2.3.12 | flare_client | nvflare 2.3.12 | script | 10 | 0 | 2 | 1 |",
        "| 2.6.3 | flare_client | nvflare 2.6.3 | script | 10 | 0 | 2 | 1 |",
    ]
    assert "old: broken" not in page
    assert list(json.loads((tmp_path / "compatibility.json").read_text())) == ["2.3.12", "2.6.3"]


def test_failures_stand_on_the_page_and_make_the_report_red(tmp_path: Path) -> None:
    red = report("2.6.3", tuple(f"step {number}: no" for number in range(20)))
    page = record(red, tmp_path).read_text()
    assert not red.is_green
    assert "- step 0: no" in page
    assert "- and 8 more, in `compatibility.json`" in page


def test_a_damaged_record_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "compatibility.json"
    path.write_text('{"2.6.3": {"version": 1}}')
    with pytest.raises(RecordError, match=r"compatibility\.json: expected reports by version"):
        record(report("2.3.12"), tmp_path)
    assert path.read_text() == '{"2.6.3": {"version": 1}}'


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file or directory"):
        record(report("2.3.12"), tmp_path / "nowhere")
