"""The stages of a job: what comes when, what is left behind, and the races of real servers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.outcomes import AbortOutcome
from mock_server.jobs.states import LATE_WRITES, TRANSITIONS, IllegalTransition, check_transition
from mock_server.jobs.store import Job, Submitter
from tests.mock_server.jobs.rig import LEAD, Rig
from tests.mock_server.jobs.uploads import FOLDER, definition


def staged(root: Path, *stages: dict[str, Any], release: str = "2.6", **more: Any) -> Rig:
    return Rig(root, release, {"jobs": [{"stages": list(stages)}], **more})


def steps(rig: Rig, job: Job, *seconds: float) -> list[str]:
    found = [job.status.value]
    for pause in seconds:
        rig.pass_time(pause)
        found.append(job.status.value)
    return found


DISPATCH = {"from": "SUBMITTED", "delay": "2s", "to": "DISPATCHED"}
RUN = {"from": "DISPATCHED", "delay": "3s", "to": "RUNNING"}
END = {"from": "RUNNING", "delay": "4s", "to": "FINISHED:COMPLETED"}


def test_each_stage_comes_after_its_delay(tmp_path: Path) -> None:
    rig = staged(tmp_path, DISPATCH, RUN, END)
    assert steps(rig, rig.submit(), 1.9, 0.2, 3, 4) == [
        "SUBMITTED",
        "SUBMITTED",
        "DISPATCHED",
        "RUNNING",
        "FINISHED:COMPLETED",
    ]


def test_what_is_left_open_is_as_usual_and_running_jobs_run_until_somebody_stops_them(tmp_path: Path) -> None:
    rig = staged(tmp_path, {"from": "RUNNING", "delay": "1s", "log": ["still there"]})
    job = rig.submit()
    assert steps(rig, job, 0.1, 1_000_000) == ["SUBMITTED", "RUNNING", "RUNNING"]
    assert rig.engine.next_event_at() is None
    assert rig.engine.abort(job) is AbortOutcome.SIGNALLED
    assert job.status is JobStatus.FINISHED_ABORTED


def test_a_job_that_is_being_deployed_holds_a_place_and_is_not_running(tmp_path: Path) -> None:
    rig = staged(tmp_path, RUN, END, limits={"max_jobs": 1})
    first, second = rig.submit(), rig.submit()
    rig.pass_time(1)
    assert (first.status, second.status) == (JobStatus.DISPATCHED, JobStatus.SUBMITTED)
    assert (rig.engine.running_jobs(), first.meta["start_time"]) == ([], "")
    assert rig.engine.abort(first) is AbortOutcome.BEFORE_RUN
    assert (first.is_saved, first.meta["duration"], second.status) == (False, "N/A", JobStatus.DISPATCHED)


def test_a_stage_repeats_and_leaves_its_lines_and_its_meta(tmp_path: Path) -> None:
    tick = {"from": "RUNNING", "delay": "1s", "repeat": 3, "log": {"server": ["round"], "site-1": ["epoch", "loss"]}}
    rig = staged(tmp_path, tick, {**END, "meta": {"accuracy": 0.9}})
    job = rig.submit()
    rig.pass_time(2.5)
    texts = rig.engine.workspace_texts(job)
    assert texts["site-1/log.txt"].splitlines() == ["epoch", "loss"] * 2
    assert texts["log.txt"].splitlines()[-2:] == ["round", "round"]
    assert "accuracy" not in job.meta
    rig.pass_time(100)
    assert job.meta["accuracy"] == 0.9
    assert job.meta["duration"] == "0:00:07"
    with zipfile.ZipFile(rig.engine.result_files(job)[0].path) as archive:
        assert archive.read("site-1/log.txt").decode().split() == ["epoch", "loss"] * 3


def test_branches_are_taken_as_often_as_their_probability_says(tmp_path: Path) -> None:
    fail = {"from": "RUNNING", "to": "FINISHED:EXECUTION_EXCEPTION", "probability": 0.3}
    rig = staged(tmp_path, fail, END, limits={"max_jobs": 400})
    jobs = [rig.submit() for _ in range(400)]
    rig.pass_time(10)
    failed = sum(job.status is JobStatus.FINISHED_EXECUTION_EXCEPTION for job in jobs)
    assert 80 <= failed <= 160
    assert all(job.status in (JobStatus.FINISHED_EXECUTION_EXCEPTION, JobStatus.FINISHED_COMPLETED) for job in jobs)


def test_a_probability_of_nought_never_is_and_what_is_passed_over_is_used_up(tmp_path: Path) -> None:
    never = {"from": "RUNNING", "to": "FINISHED:ABNORMAL", "probability": 0, "repeat": 5}
    rig = staged(tmp_path, never, END)
    job = rig.submit()
    rig.pass_time(10)
    assert (job.status, job.taken[0]) == (JobStatus.FINISHED_COMPLETED, 5)


@pytest.mark.parametrize(
    ("delay", "least", "most"),
    [
        ({"mean": "10s", "jitter": "2s"}, 8, 12),
        ({"mean": "10s", "jitter": "3s", "distribution": "normal", "most": "11s"}, 0, 11),
        ({"mean": "10s", "distribution": "exponential", "most": "1m"}, 0, 60),
    ],
)
def test_delays_vary_within_their_bounds(tmp_path: Path, delay: dict[str, Any], least: float, most: float) -> None:
    rig = staged(tmp_path, {**END, "delay": delay}, limits={"max_jobs": 100})
    jobs = [rig.submit() for _ in range(100)]
    rig.pass_time(1_000)
    lengths = [_seconds(job.meta["duration"]) for job in jobs]
    assert all(least <= length <= most for length in lengths)
    assert len(set(lengths)) > 20


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


# --- the races ---------------------------------------------------------------------------------------------------


def test_running_may_be_written_over_an_end_and_nothing_holds_a_place_for_it(tmp_path: Path) -> None:
    late = {"from": "FINISHED:ABORTED", "delay": "1s", "to": "RUNNING"}
    rig = staged(tmp_path, late, limits={"max_jobs": 1})
    job = rig.submit()
    rig.pass_time(1)
    rig.engine.abort(job)
    assert steps(rig, job, 1) == ["FINISHED:ABORTED", "RUNNING"]
    assert rig.engine.running_jobs() == []
    assert rig.engine.abort(job) is AbortOutcome.LOST
    other = rig.submit()
    rig.pass_time(1)
    assert other.status is JobStatus.RUNNING


@pytest.mark.parametrize(("release", "status"), [("2.6", "FINISHED:ABANDONED"), ("2.9", "RUNNING")])
def test_a_restart_abandons_what_seems_to_run(tmp_path: Path, release: str, status: str) -> None:
    late = {"from": "FINISHED:COMPLETED", "to": "RUNNING"}
    rig = staged(tmp_path, END, late, release=release)
    revived = rig.submit()
    rig.pass_time(5)
    assert (revived.status, revived.is_saved) == (JobStatus.RUNNING, True)
    rig.engine.restart()
    assert revived.status.value == status


def test_late_writes_are_those_of_the_table_and_need_to_be_asked_for() -> None:
    assert set(LATE_WRITES) == {status for status in JobStatus if status.is_finished}
    for end, ways in LATE_WRITES.items():
        assert not ways & TRANSITIONS[end]
        with pytest.raises(IllegalTransition):
            check_transition(end, JobStatus.RUNNING)
        check_transition(end, JobStatus.RUNNING, late=True)


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.9"])
def test_a_workspace_may_come_after_the_end(tmp_path: Path, release: str) -> None:
    saved = {"from": "FINISHED:COMPLETED", "delay": "5s", "saves": True, "result": {"files": {"late.txt": "here"}}}
    rig = staged(tmp_path, {**END, "saves": False}, saved, release=release)
    job = rig.submit()
    rig.pass_time(5)
    assert (job.status, job.is_saved) == (JobStatus.FINISHED_COMPLETED, False)
    before = rig.engine.total_size(job)
    rig.pass_time(5)
    assert job.is_saved
    assert rig.engine.total_size(job) > before
    assert rig.engine.workspace_texts(job)["late.txt"] == "here"


def test_a_result_that_grows_after_the_end_is_made_again(tmp_path: Path) -> None:
    more = {"from": "FINISHED:COMPLETED", "delay": "5s", "repeat": 2, "result": {"files": {"b.txt": "b"}, "size": 500}}
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"files": {"a.txt": "a"}}, "stages": [END, more]}]})
    job = rig.submit()
    rig.pass_time(5)
    names = []
    for _ in range(2):
        with zipfile.ZipFile(rig.engine.result_files(job)[0].path) as archive:
            names.append(set(archive.namelist()) & {"a.txt", "b.txt", "result.bin"})
        rig.pass_time(5)
    assert names == [{"a.txt"}, {"a.txt", "b.txt", "result.bin"}]


@pytest.mark.parametrize("end", ["FINISHED:FAILED_TO_RUN", "FINISHED:CAN_NOT_SCHEDULE"])
def test_a_job_may_be_rejected_before_it_runs(tmp_path: Path, end: str) -> None:
    rig = staged(
        tmp_path, {"from": "SUBMITTED", "delay": "1s", "to": end, "meta": {"job_deploy_detail": ["server: no"]}}
    )
    job = rig.submit()
    assert steps(rig, job, 1) == ["SUBMITTED", end]
    assert (job.meta["job_deploy_detail"], job.meta["start_time"], job.is_saved) == (["server: no"], "", False)


def test_trees_are_in_the_workspace(tmp_path: Path) -> None:
    tree = {"path": "checkpoints", "depth": 2, "folders": 3, "files": 2, "file_size": "1KiB"}
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"trees": [tree]}}]})
    job = rig.submit()
    rig.pass_time(5)
    with zipfile.ZipFile(rig.engine.result_files(job)[0].path) as archive:
        found = [info for info in archive.infolist() if info.filename.startswith("checkpoints/")]
        assert len(found) == 18
        assert {info.file_size for info in found} == {1024}
        assert len({archive.read(info) for info in found}) == 18


# --- which rule --------------------------------------------------------------------------------------------------


def test_selectors_look_at_submitter_meta_and_occurrence(tmp_path: Path) -> None:
    def rule(end: str, **match: Any) -> dict[str, Any]:
        return {"match": match, "running": 0, "outcome": end}

    rig = Rig(
        tmp_path,
        scenario={
            "jobs": [
                rule("ABORTED", submitter="other*"),
                rule("ABNORMAL", meta={"min_clients": "2"}),
                rule("EXECUTION_EXCEPTION", occurrence=2),
            ]
        },
    )

    def end_of(submitter: Submitter = LEAD, **meta: Any) -> str:
        job = rig.engine.submit(rig.upload(definition(**meta)), FOLDER, submitter)
        rig.pass_time(1)
        return job.status.value.partition(":")[2]

    other = Submitter("other@nvidia.com", "nvidia", "lead")
    assert end_of(other, min_clients=2) == "ABORTED"
    assert end_of(min_clients=2) == "ABNORMAL"
    assert [end_of(min_clients=1) for _ in range(3)] == ["COMPLETED", "EXECUTION_EXCEPTION", "COMPLETED"]
