"""The form on disk: what is wrong with a file is told with its line and its field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.recordings import checking, document
from conformance.recordings.document import RECORDING_FILE, SCENARIO_FILE, RecordingError

TEXT = """\
format: flare-conformance recording
version: 1
made:
  date: '2026-11-29T08:21:36Z'
  command: flare-conformance record
  release: '2.9'
  server: 2.9.0
  user: {name: admin@nvidia.com, org: nvidia, role: project_admin}
  versions: {python: 3.11.7}
  seconds: 1.5
  own_jobs: false
complete: true
transcript:
- call: list_jobs
  at: 0.0
  returned: []
- call: get_job_meta
  args: [no-such-id]
  at: 0.5
  raised: {kind: JobNotFound, text: 'no such job: no-such-id'}
"""


def folder_of(tmp_path: Path, text: str = TEXT, scenario: str = "jobs: []\n") -> Path:
    (tmp_path / RECORDING_FILE).write_text(text)
    (tmp_path / SCENARIO_FILE).write_text(scenario)
    return tmp_path


def test_it_is_read_and_written(tmp_path: Path) -> None:
    recording, _ = document.read(folder_of(tmp_path))
    assert [entry.call for entry in recording.transcript] == ["list_jobs", "get_job_meta"]
    document.write(tmp_path / "again", recording, {"jobs": []})
    assert document.read(tmp_path / "again")[0] == recording


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("flare-conformance recording", "another", "recording.yaml:1: format: expected"),
        ("version: 1\n", "version: 2\n", "recording.yaml:2: version: expected 1, but got 2"),
        ("  at: 0.5", "  at: soon", "recording.yaml:19: transcript[1].at: expected"),
        ("  at: 0.5", "  at: -1", "recording.yaml:19: transcript[1].at: expected"),
        ("complete: true", "complete: perhaps", "recording.yaml:12: complete: expected"),
        ("  seconds: 1.5\n", "", "recording.yaml:3: made.seconds: expected this field, but it is not there"),
        ("  returned: []\n", "", "transcript[0]: expected one of returned, raised and seen, but got none"),
        ("  returned: []\n", "  returned: []\n  seen: []\n", "expected one of returned, raised and seen, but got"),
        ("  server: 2.9.0", "  server: 2.9.0\n  sever: x", "made.sever: expected no such field, but got 'x'"),
        ("complete: true", "complete: true\ncomplete: false", "complete: expected once, but it stands twice"),
        ("release: '2.9'", "release: '3.7'", "recording.yaml:6: made.release: expected one of 2.3,"),
        ("  at: 0.0", "  at: 0.9", "expected calls in the order of time, but 0.5 s follows 0.9 s"),
        ("transcript:", "transcript: [", "recording.yaml:"),
        ("call: list_jobs", "call: __init__", "recording.yaml:14: transcript[0].call: expected one of abort_job, "),
        ("call: list_jobs", "call: list_job", "but got 'list_job' (did you mean 'list_jobs'?)"),
        ("call: list_jobs", "call: watch", "expected seen, and a job in args, of the call watch, but got returned, ()"),
        (
            "returned: []",
            "seen: [{status: RUNNING, first: 0, last: 1}]",
            "returned or raised of the call list_jobs, but got",
        ),
    ],
)
def test_a_fault_is_told_with_its_line_and_its_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(RecordingError) as problem:
        document.read(folder_of(tmp_path, TEXT.replace(old, new, 1)))
    assert told in str(problem.value)


@pytest.mark.parametrize("text", ["", "- a\n", "3\n", "{"])
def test_something_else_is_no_recording(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordingError, match="expected"):
        document.read(folder_of(tmp_path, text))


def test_a_folder_without_a_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected a recording, but No such file"):
        document.read(tmp_path)


def test_a_fault_of_the_scenario_is_told_likewise(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"scenario.yaml:1: jbos: expected no such field.*did you mean 'jobs'"):
        document.read(folder_of(tmp_path, scenario="jbos: []\n"))


def test_it_is_not_played_on_another_release(tmp_path: Path) -> None:
    with pytest.raises(checking.OtherRelease, match=r"expected release 2.9, of which the recording is, but got 2.6"):
        checking.check(folder_of(tmp_path), "2.6")


def test_a_date_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="made.date: expected a time"):
        checking.check(folder_of(tmp_path, TEXT.replace("2026-11-29T08:21:36Z", "today")))


@pytest.mark.parametrize(
    ("expected", "came", "places"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, []),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["x.a[1].b"]),
        ({"a": 1}, {"b": 1}, ["x.a", "x.b"]),
        ([1], [1, 2], ["x"]),
        (1, True, ["x"]),
        (None, "", ["x"]),
    ],
)
def test_the_innermost_place_is_told(expected: Any, came: Any, places: list[str]) -> None:
    assert [place for place, _, _ in checking.differences(expected, came, "x")] == places
