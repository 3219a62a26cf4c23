"""The life of a job through the engine, and what its meta says at each stage."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.definition import DefinitionRejected
from mock_server.jobs.outcomes import AbortOutcome, JobIsRunning
from mock_server.jobs.store import Job, Submitter
from tests.mock_server.jobs.rig import LEAD, START, Rig
from tests.mock_server.jobs.uploads import APP, BASE, UPLOADS, damaged, definition, with_meta, zipped
from tests.support import RELEASES

SUBMIT_KEYS = {
    "2.3": "job_folder_name submitter_name submitter_org submitter_role job_id",
    "2.4": "submitter_name submitter_org submitter_role job_folder_name job_id",
    "2.5": "submitter_name submitter_org submitter_role job_folder_name job_id",
    "2.6": "submitter_name submitter_org submitter_role job_folder_name job_id",
}
TIME_KEYS = "submit_time submit_time_iso start_time duration"
RUN_KEYS = "job_deploy_detail schedule_count last_schedule_time schedule_history"


def keys_of(release: str) -> list[str]:
    storage = "data_storage_format" if release in ("2.5", "2.6") else ""
    return f"{' '.join(BASE)} {SUBMIT_KEYS[release]} {TIME_KEYS} {storage} status".split()


@pytest.mark.parametrize("release", RELEASES)
def test_a_job_goes_from_submitted_over_running_to_completed(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    job = rig.submit()
    assert job.status is JobStatus.SUBMITTED
    assert list(job.meta) == keys_of(release)
    assert (job.meta["start_time"], job.meta["duration"], job.meta["submit_time"]) == ("", "N/A", START)
    assert job.meta["job_folder_name"] == "j"
    assert job.meta.get("data_storage_format", 2) == 2

    rig.pass_time(0.1)
    assert job.status.value == job.meta["status"] == "RUNNING"
    assert list(job.meta) == keys_of(release) + RUN_KEYS.split()
    assert job.meta["job_deploy_detail"] == ["server: OK", "site-1: OK", "site-2: OK"]
    assert job.meta["schedule_history"][0].endswith(": scheduled")
    assert job.run_sites == {"site-1": "app", "site-2": "app"}
    assert rig.engine.running_jobs() == [job]

    rig.pass_time(0.25)
    assert job.meta["duration"] == "N/A", "the stored meta of a running job has no duration"
    assert rig.engine.duration_text(job) == "0:00:00.250000"

    rig.pass_time(10)
    assert job.status is JobStatus.FINISHED_COMPLETED
    assert job.meta["duration"] == rig.engine.duration_text(job) == "0:00:00.500000"
    assert rig.engine.running_jobs() == []
    assert rig.engine.next_event_at() is None


OUTCOMES = [
    ("COMPLETED", "0:00:00.500000", True),
    ("ABORTED", "0:00:00.500000", True),
    ("EXECUTION_EXCEPTION", "0:00:00.500000", True),
    ("ABNORMAL", "N/A", True),
    ("ABANDONED", "N/A", False),
]


@pytest.mark.parametrize(("outcome", "duration", "is_saved"), OUTCOMES)
def test_a_job_ends_as_its_rule_says(outcome: str, duration: str, is_saved: bool, tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"outcome": outcome}]})
    job = rig.submit()
    rig.pass_time(1)
    assert (job.meta["status"], job.meta["duration"], job.is_saved) == (f"FINISHED:{outcome}", duration, is_saved)


def test_the_order_of_keys_survives_tries_that_failed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine.set_site_connected("site-2", False)
    job = rig.submit(min_clients=2)
    rig.pass_time(1)
    rig.engine.set_site_connected("site-2", True)
    rig.pass_time(20)
    assert list(job.meta)[-4:] == ["schedule_count", "last_schedule_time", "schedule_history", "job_deploy_detail"]


def test_a_list_that_was_given_out_does_not_grow(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit(min_clients=5)
    rig.pass_time(1)
    seen = dict(job.meta)
    rig.pass_time(1000)
    assert len(seen["schedule_history"]) == 1 < len(job.meta["schedule_history"])


def test_what_only_a_server_writes_is_not_taken_from_a_definition(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    given = {"schedule_count": "x", "schedule_history": 5, "status": "RUNNING", "submitter_name": "mallory", "z": 1}
    job = rig.submit(**given, data_storage_format=1)
    rig.pass_time(1)
    assert job.status is JobStatus.FINISHED_COMPLETED
    assert (job.meta["schedule_count"], job.meta["submitter_name"], job.meta["z"]) == (1, LEAD.name, 1)
    assert job.meta["data_storage_format"] == 2


@pytest.mark.parametrize(("release", "kept"), [("2.3", False), ("2.4", True), ("2.5", True), ("2.6", True)])
def test_properties_of_the_request_are_kept_from_2_4_on(release: str, kept: bool, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    assert (rig.submit(custom_props={"a": 1}).meta.get("custom_props") == {"a": 1}) is kept
    assert "custom_props" not in rig.submit(custom_props={}).meta


# --- taking in ---------------------------------------------------------------------------------------------------


def test_the_engine_takes_the_upload(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    upload = rig.upload(definition())
    content = upload.read_bytes()
    job = rig.engine.submit(upload, "j", LEAD)
    assert not upload.exists()
    assert job.definition.read_bytes() == content
    assert job.definition == rig.jobs_root / job.job_id / "job.zip"


@pytest.mark.parametrize("name", ["nometa", "badjson", "notzip", "dup", "badcrc", "mininf"])
@pytest.mark.parametrize("release", RELEASES)
def test_nothing_of_a_refused_upload_stays(release: str, name: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    content = UPLOADS.get(name) or UPLOADS.get(f"m_{name}") or with_meta("{x")
    with pytest.raises(DefinitionRejected):
        rig.submit(content)
    assert list(rig.jobs_root.iterdir()) == []
    assert (len(rig.engine), rig.engine.next_event_at()) == (0, None)


def test_nothing_stays_when_the_upload_cannot_be_stored(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.3")
    member = damaged(with_meta(BASE, [*APP, ("j/x", "0123456789")]), b"0123456789", 0, 1)
    with pytest.raises(zipfile.BadZipFile):
        rig.submit(member)  # release 2.3 copies every member
    assert list(rig.jobs_root.iterdir()) == []
    assert len(rig.engine) == 0


def test_an_id_in_the_definition_is_kept_and_replaces_the_job_that_had_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"limits": {"max_jobs": 1}})
    first = rig.submit(job_id="mine", name="first")
    rig.pass_time(0.2)
    waiting = rig.submit()
    rig.pass_time(0.2)
    second = rig.submit(job_id="mine", name="second")
    assert waiting.status is JobStatus.RUNNING, "the place of the job that was replaced is free"
    assert rig.engine.get("mine") is second
    assert list(rig.engine.jobs(reverse=False)) == [waiting, second]
    rig.pass_time(10)
    assert second.status is JobStatus.FINISHED_COMPLETED
    assert first.status is JobStatus.RUNNING, "nothing happens any more to a job that was replaced"


def test_a_result_is_never_that_of_the_job_that_was_replaced(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit(job_id="mine")
    rig.pass_time(1)
    before = {file.name: file.path.read_bytes() for file in rig.engine.result_files(job)}
    rig.pass_time(1)
    job = rig.submit(with_meta(BASE | {"job_id": "mine"}, [*APP, ("j/app/config/new.txt", "new")]))
    assert [file.name for file in rig.engine.result_files(job)] == ["meta.json", "job.zip"]
    rig.pass_time(1)
    after = {file.name: file.path.read_bytes() for file in rig.engine.result_files(job)}
    assert after.keys() == before.keys()
    assert b"app_server/config/new.txt" in after["workspace.zip"]
    assert b"new.txt" not in before["workspace.zip"]


@pytest.mark.parametrize("given", ["../up", "a/b", "", ".", "x" * 300, "\u00e9", 5, None])
def test_an_id_that_cannot_name_a_folder_is_not_used(given: Any, tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit(job_id=given)
    assert job.job_id == job.meta["job_id"] == "00000000-0000-4000-8000-000000000001"


def test_release_2_3_always_makes_an_id_and_writes_the_folder_into_the_stored_meta(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.3")
    job = rig.submit(job_id="mine")
    assert job.job_id != "mine"
    with zipfile.ZipFile(job.definition) as archive:
        stored = archive.read("j/meta.json").decode()
        assert archive.namelist() == ["j/meta.json", *(name for name, _ in APP)]
    assert stored == json.dumps(BASE | {"job_id": "mine", "job_folder_name": "j"})


def test_release_2_3_leaves_an_upload_alone_whose_meta_names_a_folder(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.3")
    job = rig.submit(UPLOADS["folder_given"])
    assert job.definition.read_bytes() == UPLOADS["folder_given"]
    assert job.meta["job_folder_name"] == "other"


def test_release_2_3_moves_a_legacy_application_down_and_runs_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.3")
    job = rig.submit(UPLOADS["nometa_legacy"])
    assert job.meta["deploy_map"] == {"j": ["@ALL"]}
    with zipfile.ZipFile(job.definition) as archive:
        assert set(archive.namelist()) == {
            "j/meta.json",
            "j/j/config/",
            "j/j/config/config_fed_server.json",
            "j/j/config/config_fed_client.json",
        }
    rig.pass_time(1)
    assert job.status is JobStatus.FINISHED_COMPLETED
    with zipfile.ZipFile(rig.engine.inline_zip_path(job)) as archive:
        assert f"{job.job_id}/workspace/app_server/config/config_fed_server.json" in archive.namelist()


# --- deployment --------------------------------------------------------------------------------------------------


def failed(job: Job) -> tuple[Any, ...]:
    keys = ("status", "job_deploy_detail", "start_time", "duration", "schedule_count")
    return tuple(job.meta.get(key) for key in keys)


def test_a_false_signature_stops_the_deployment(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def check(path: Path, folder: str) -> str:
        asked.append((path.name, folder))
        return "job signature verification failed"

    rig = Rig(tmp_path, verify_signature=check)
    job = rig.submit()
    rig.pass_time(1)
    text = ["server: job signature verification failed"]
    assert failed(job) == ("FINISHED:FAILED_TO_RUN", text, "", "N/A", None)
    assert asked == [("job.zip", "j/app")]
    assert not job.is_saved


@pytest.mark.parametrize("release", RELEASES)
def test_code_of_somebody_without_the_right_to_it_is_not_deployed(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release, may_deploy_byoc=lambda job: job.submitter.role != "lead")
    with_code, without = rig.submit(UPLOADS["byoc"]), rig.submit()
    rig.pass_time(1)
    assert failed(with_code) == ("FINISHED:FAILED_TO_RUN", ["server: BYOC not permitted"], "", "N/A", None)
    assert without.status is JobStatus.FINISHED_COMPLETED


def test_a_damaged_definition_is_found_when_it_is_deployed(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit(damaged(with_meta(BASE, [*APP, ("j/x", "0123456789")]), b"0123456789", 0, 1))
    rig.pass_time(1)
    assert failed(job) == ("FINISHED:FAILED_TO_RUN", None, "", "N/A", None)


# --- abort, delete, clone ----------------------------------------------------------------------------------------


def test_an_abort_depends_on_the_status(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    queued, running, done = rig.submit(name="q"), rig.submit(), rig.submit()
    assert rig.engine.abort(queued) is AbortOutcome.BEFORE_RUN
    assert (queued.meta["status"], queued.meta["duration"]) == ("FINISHED:ABORTED", "N/A")
    rig.pass_time(0.2)
    assert rig.engine.abort(running) is AbortOutcome.SIGNALLED
    assert (running.meta["status"], running.meta["duration"]) == ("FINISHED:ABORTED", "0:00:00.100000")
    rig.pass_time(1)
    assert rig.engine.abort(done) is AbortOutcome.ALREADY_DONE
    assert done.status is JobStatus.FINISHED_COMPLETED
    assert [rig.engine.abort(job) for job in (queued, running)] == [AbortOutcome.ALREADY_DONE] * 2


@pytest.mark.parametrize("end", ["abort", "delete"])
def test_a_job_that_waits_for_a_place_can_be_ended(end: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"limits": {"max_jobs": 1}})
    holder, waiting, last = rig.submit(), rig.submit(), rig.submit()
    rig.pass_time(0.2)
    if end == "abort":
        assert rig.engine.abort(waiting) is AbortOutcome.BEFORE_RUN
    else:
        rig.engine.delete(waiting.job_id)
    rig.pass_time(0.4)
    assert (holder.status, last.status) == (JobStatus.FINISHED_COMPLETED, JobStatus.RUNNING)
    assert waiting.status is (JobStatus.FINISHED_ABORTED if end == "abort" else JobStatus.SUBMITTED)


def test_an_abort_makes_place(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"limits": {"max_jobs": 1}})
    first, second = rig.submit(), rig.submit()
    rig.pass_time(0.2)
    rig.engine.abort(first)
    assert second.status is JobStatus.RUNNING


def test_a_job_is_deleted_with_its_files_unless_it_runs(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job, queued = rig.submit(), rig.submit()
    rig.engine.delete(queued.job_id)
    rig.pass_time(0.2)
    with pytest.raises(JobIsRunning):
        rig.engine.delete(job.job_id)
    rig.pass_time(1)
    rig.engine.delete(job.job_id)
    assert list(rig.jobs_root.iterdir()) == []
    assert rig.engine.get(job.job_id) is None
    assert list(rig.engine.jobs(reverse=False)) == []
    with pytest.raises(KeyError):
        rig.engine.delete(job.job_id)


@pytest.mark.parametrize("release", RELEASES)
def test_a_clone_has_the_definition_and_nothing_of_the_life_of_its_source(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    source = rig.submit(UPLOADS["byoc"], custom_props={"a": 1})
    rig.pass_time(1)
    clone = rig.engine.clone(source, Submitter("other@x.y", "other", "project_admin"))
    taken_over = {"name", "deploy_map", "min_clients", "job_folder_name"}
    own = {"submitter_name", "submitter_org", "submitter_role", "cloned_from", "job_id", "status", *TIME_KEYS.split()}
    storage = {"data_storage_format"} if release in ("2.5", "2.6") else set()
    assert set(clone.meta) == taken_over | own | storage
    assert (clone.meta["cloned_from"], clone.meta["submitter_name"]) == (source.job_id, "other@x.y")
    assert (clone.status, clone.meta["start_time"]) == (JobStatus.SUBMITTED, "")
    rig.engine.delete(source.job_id)
    rig.pass_time(1)
    assert clone.status is JobStatus.FINISHED_COMPLETED, "the definition outlives the source"


def test_a_clone_shares_no_value_with_its_source(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    source = rig.submit()
    clone = rig.engine.clone(source, LEAD)
    assert clone.meta["deploy_map"] == source.meta["deploy_map"]
    assert clone.meta["deploy_map"] is not source.meta["deploy_map"]


# --- the system --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2.7", "2.9"])
def test_it_is_known_when_a_job_ceased_to_run(tmp_path: Path, release: str) -> None:
    late = [
        {"from": "RUNNING", "delay": "1s", "to": "FINISHED:COMPLETED"},
        {"from": "FINISHED:COMPLETED", "delay": "1s", "to": "RUNNING"},
        {"from": "RUNNING", "delay": "1s", "to": "FINISHED:COMPLETED"},
    ]
    rules = [{"match": {"name": "short"}, "stages": late}, {"running": "1h"}]
    rig = Rig(tmp_path, release, {"jobs": rules})
    short, aborted, lost = rig.submit(name="short"), rig.submit(name="a"), rig.submit(name="b")
    rig.pass_time(1)
    assert (short.status, short.ended, aborted.ended) == (JobStatus.RUNNING, None, None)
    rig.pass_time(5)
    rig.engine.abort(aborted)
    rig.pass_time(5)
    rig.engine.restart()
    rig.pass_time(5)
    never = rig.submit(min_clients=9)
    rig.engine.abort(never)
    ended = [job.ended and job.ended - START for job in (short, aborted, lost, never)]
    assert ended == [pytest.approx(1.1), 6, 11, None]


def test_a_restart_abandons_what_runs_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"limits": {"max_jobs": 1}})
    done = rig.submit()
    rig.pass_time(1)
    running, queued = rig.submit(), rig.submit()
    rig.pass_time(0.2)
    rig.engine.restart()
    assert (running.meta["status"], running.meta["duration"]) == ("FINISHED:ABANDONED", "N/A")
    assert running.meta["start_time"]
    assert (done.status, queued.status) == (JobStatus.FINISHED_COMPLETED, JobStatus.RUNNING)
    rig.pass_time(1)
    assert running.status is JobStatus.FINISHED_ABANDONED


def test_sites_connect_and_disconnect(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine.set_site_connected("site-1", False)
    assert [site.name for site in rig.engine.connected_sites()] == ["site-2"]
    rig.pass_time(5)
    rig.engine.set_site_connected("site-1", True)
    assert [site.since for site in rig.engine.connected_sites()] == [START + 5, START]
    assert rig.engine.site_org("site-1") == "nvidia"
    with pytest.raises(KeyError):
        rig.engine.set_site_connected("nobody", True)


def test_the_next_event_is_never_one_that_will_not_happen(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"queued": 1}]})
    first = rig.submit()
    rig.clock.advance(0.5)
    rig.submit()
    assert rig.engine.next_event_at() == START + 1
    rig.engine.abort(first)
    assert rig.engine.next_event_at() == START + 1.5


def test_a_clock_set_back_makes_no_negative_duration(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit()
    rig.pass_time(0.2)
    assert job.started is not None
    job.started += 100
    assert rig.engine.duration_text(job) == "0:00:00"


def test_whoever_asks_lets_the_engine_catch_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit()
    rig.clock.advance(0.2)
    assert rig.engine.running_jobs() == [job]
    rig.clock.advance(1)
    found = rig.engine.get(job.job_id)
    assert found is not None
    assert found.status is JobStatus.FINISHED_COMPLETED


def test_an_upload_with_more_than_one_folder_keeps_the_others_out_of_the_app(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    entries = [("j/meta.json", json.dumps(BASE)), *APP, ("other/app/x", "1")]
    job = rig.submit(zipped(entries))
    rig.pass_time(1)
    with zipfile.ZipFile(next(f.path for f in rig.engine.result_files(job) if f.name == "workspace.zip")) as archive:
        assert not any(name.endswith("/x") for name in archive.namelist())
