"""What somebody who watches a job has seen, and what the picture of it says."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flare_client.cli.course import LAST_LINES, Course
from flare_client.cli.drawing import drawing
from flare_client.cli.words import (
    duration_text,
    iso_text,
    moment_text,
    seconds_text,
    size_text,
    status_style,
    value_text,
)

META = {
    "name": "hello",
    "job_id": "0c98",
    "submitter_name": "lead@nvidia.com",
    "submitter_org": "nvidia",
    "submitter_role": "lead",
    "submit_time_iso": "2026-01-02T03:04:05.678",
    "start_time": "",
    "duration": "N/A",
    "study": "brain",
    "status": "SUBMITTED",
    "schedule_history": ["2026-01-02 03:04:06: not enough sites"],
}
BEGUN = {"start_time": "2026-01-02T03:04:09+00:00", "job_deploy_detail": ["server: OK", "site-1: no GPU"]}


def seen(*statuses: str, **meta: Any) -> Course:
    """A job that was seen in these statuses, ten seconds apart."""
    course = Course("0c98")
    for place, status in enumerate(statuses):
        course.take({**META, **meta, "status": status}, 1000.0 + 10 * place)
    return course


def shown(course: Course, now: float = 1100.0) -> str:
    screen = io.StringIO()
    Console(file=screen, width=100).print(drawing(course, now))
    return screen.getvalue()


def test_a_status_counts_once_and_lasts_until_the_next() -> None:
    course = seen("SUBMITTED", "SUBMITTED", "RUNNING", "FINISHED:COMPLETED")
    assert course.spans(2000.0) == [("SUBMITTED", 20.0), ("RUNNING", 10.0), ("FINISHED:COMPLETED", 0.0)]
    assert (course.polls, course.is_over, course.is_good) == (4, True, True)
    assert course.take({**META, "status": "FINISHED:COMPLETED"}, 3000.0) is False


def test_a_clock_that_goes_back_makes_no_negative_times() -> None:
    assert seen("SUBMITTED").spans(0.0) == [("SUBMITTED", 0.0)]


@pytest.mark.parametrize("status", ["FINISHED:ABORTED", "FINISHED:EXECUTION_EXCEPTION", "FINISHED:NEVER_HEARD_OF"])
def test_every_other_end_is_no_good_one(status: str) -> None:
    course = seen(status)
    assert course.is_over
    assert not course.is_good


def test_before_the_first_poll_nothing_is_known() -> None:
    course = Course("0c98")
    assert course.as_result() == {"job_id": "0c98", "job_status": None, "finished": False, "meta": {}}
    assert shown(course).strip() == "waiting for the meta of 0c98"


def test_the_picture_of_a_job_that_waits_says_what_for() -> None:
    text = shown(seen("SUBMITTED"))
    assert "SUBMITTED for 1 min 40 s" in text
    assert "2026-01-02 03:04:05 by lead@nvidia.com (nvidia, lead)" in text
    assert "brain" in text
    assert "not enough sites" in text
    assert "0c98" in text


def test_the_picture_of_a_job_that_runs_names_the_machines_and_the_way() -> None:
    text = shown(seen("SUBMITTED", "DISPATCHED", "RUNNING", **BEGUN), 1023.0)
    assert "✔ server  ✘ site-1: no GPU" in text
    assert "SUBMITTED 10.0 s → DISPATCHED 10.0 s → RUNNING 3.0 s" in text
    assert "not enough sites" not in text


@pytest.mark.parametrize(("status", "sign"), [("FINISHED:COMPLETED", "✔"), ("FINISHED:ABORTED", "✘")])
def test_the_picture_of_a_job_that_is_over_says_how_it_ended(status: str, sign: str) -> None:
    text = shown(seen("RUNNING", status, duration="0:00:12"))
    assert f"{sign} {status} it ran 0:00:12" in text


def test_the_picture_has_the_last_lines_of_the_log_as_they_are() -> None:
    course = seen("RUNNING")
    course.add_lines([f"server: [bold]line {number}" for number in range(LAST_LINES + 5)])
    text = shown(course)
    assert f"[bold]line {LAST_LINES + 4}" in text
    assert "line 4\n" not in text.replace(" ", "")
    assert len(course.lines) == LAST_LINES


def test_a_meta_of_a_job_that_lacks_everything_is_drawn() -> None:
    course = Course("0c98")
    course.take({"status": "RUNNING", "job_deploy_detail": "odd", "schedule_history": 7}, 1.0)
    assert "RUNNING" in shown(course)


def test_the_picture_of_the_documentation_is_one() -> None:
    """``make picture`` takes it anew."""
    text = (Path(__file__).parents[3] / "docs" / "flare-monitor.svg").read_text(encoding="utf-8")
    for part in ("hello-numpy", "RUNNING", "site-3", "round&#160;3&#160;of&#160;5"):
        assert part in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (size_text(0), "0 B"),
        (size_text(1023), "1023 B"),
        (size_text(1536), "1.5 KiB"),
        (size_text(5 * 1024**4), "5.0 TiB"),
        (seconds_text(0.04), "0.0 s"),
        (seconds_text(200), "3 min 20 s"),
        (seconds_text(7500), "2 h 5 min"),
        (iso_text("2026-01-02T03:04:05.678"), "2026-01-02 03:04:05"),
        (iso_text("soon"), "soon"),
        (moment_text(None), ""),
        (duration_text("1 day, 0:00:01.5"), "1 day, 0:00:01"),
        (value_text({"a": "ü"}), '{"a": "ü"}'),
        (status_style("FINISHED:NEVER_HEARD_OF"), "red"),
        (status_style("hello"), ""),
    ],
)
def test_words_for_people(text: str, wanted: str) -> None:
    assert text == wanted


def test_moments_are_local_ones_whatever_zone_the_server_has(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        monkeypatch.setenv("TZ", "XYZ+3")
        time.tzset()
        assert iso_text("2026-01-02T03:04:05.678+01:00") == "2026-01-01 23:04:05"
        assert moment_text(1767319445) == "2026-01-01 23:04:05"
    finally:
        monkeypatch.undo()
        time.tzset()
