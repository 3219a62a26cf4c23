"""``nvflare job ...`` of 2.9.0 with ``--format json``: exit codes and error codes are its contract."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.jobs import write_training
from conformance.lab.jobs import BROKEN, QUICK, SLOW, WAITING, write_named
from conformance.lab.provisioning import ADMIN
from tests.interop.programs.conftest import Place, until
from tests.interop.programs.official import Nvflare, Official
from tests.support import write_job

Submit = Callable[..., str]
NOT_FOUND = (1, "JOB_NOT_FOUND")
NOT_RUNNING = (1, "JOB_NOT_RUNNING")
BAD_ARGUMENTS = (4, "INVALID_ARGS")


def test_a_job_from_submission_to_its_end(nvflare: Nvflare, place: Place, submit: Submit, tmp_path: Path) -> None:
    job_id = submit(QUICK)
    listed = nvflare.json("job", "list", "-i", job_id[:13]).data
    assert [(job["job_id"], job["job_name"], job["study"]) for job in listed] == [(job_id, QUICK, "default")]

    waited = nvflare.json("job", "wait", job_id, "--timeout", "120", "--interval", "0.2").data
    assert (waited["job_id"], waited["status"]) == (job_id, "FINISHED:COMPLETED")
    assert waited["job_meta"]["submitter_role"] == "project_admin"
    meta = nvflare.json("job", "meta", job_id).data
    assert (meta["name"], meta["status"], meta["submitter_name"]) == (QUICK, "FINISHED:COMPLETED", ADMIN)
    events = [json.loads(line) for line in nvflare("job", "monitor", job_id, "--format", "jsonl").out.splitlines()]
    assert [(event["event"], event["status"]) for event in events] == [
        ("progress", "COMPLETED"),
        ("terminal", "COMPLETED"),
    ]

    logs = nvflare.json("job", "logs", job_id, "--tail", "2").data
    lines = [json.loads(line) for line in logs["logs"]["server"].splitlines()]
    assert all({"asctime", "levelname", "message"} <= line.keys() for line in lines)
    assert (len(lines), logs["sites"]["server"]["lines"]) == (2, 2)
    assert nvflare.json("job", "logs", job_id, "--sites", "site-1").refusal == (1, "LOG_NOT_FOUND")

    download = ("job", "download", job_id, "-o", str(tmp_path))
    downloaded = nvflare.json(*download).data
    assert (downloaded["download_path"], downloaded["artifact_discovery"]) == (str(tmp_path / job_id), "completed")
    assert (tmp_path / job_id / "workspace" / "log.txt").is_file()
    assert nvflare.json(*download).refusal == BAD_ARGUMENTS
    assert nvflare.json(*download, "--force").data == downloaded

    assert nvflare.json("job", "stats", job_id).refusal == NOT_RUNNING
    assert nvflare.json("job", "log-config", job_id, "DEBUG").refusal == NOT_RUNNING
    assert nvflare.json("job", "abort", job_id, "--force").data == {"job_id": job_id, "status": "ABORTED"}
    copy = nvflare.json("job", "clone", job_id).data
    assert copy["source_job_id"] == job_id
    gone = nvflare.json("job", "delete", job_id, "--force").data
    assert gone == {"job_id": job_id, "submit_records_marked_deleted": 0}
    assert nvflare.json("job", "meta", job_id).refusal == NOT_FOUND
    if place.mock is not None:
        place.mock.calls.require_order(
            "submit_job",
            "list_jobs",
            "get_job_meta",
            "get_job_log",
            "download_job",
            "abort_job",
            "clone_job",
            "delete_job",
        )
        place.mock.calls.require_that(lambda call: call.user == ADMIN, "the admin's name")


def test_a_job_that_runs(nvflare: Nvflare, submit: Submit, tmp_path: Path) -> None:
    job_id = submit(SLOW)
    until(lambda: nvflare.json("job", "meta", job_id), lambda meta: meta["status"] == "RUNNING")

    stats = nvflare.json("job", "stats", job_id).data["stats"]
    assert sorted(stats) == ["server", "site-1", "site-2"]
    assert stats["server"]["ServerRunner"] == {
        "job_id": job_id,
        "status": "started",
        "workflow": "scatter_and_gather",
    }
    assert list(nvflare.json("job", "stats", job_id, "--site", "site-1").data["stats"]) == ["site-1"]
    assert nvflare.json("job", "stats", job_id, "--site", "nowhere").refusal == (5, "INTERNAL_ERROR")
    applied = {"job_id": job_id, "config": "DEBUG", "sites": ["site-1"], "status": "applied"}
    assert nvflare.json("job", "log-config", job_id, "DEBUG", "--site", "site-1").data == applied
    level = nvflare.json("job", "log-config", job_id, "nonsense")
    assert level.refusal == (5, "INTERNAL_ERROR")
    assert "only supports log levels" in level.envelope["message"]
    assert nvflare.json("job", "log-config", job_id, "DEBUG", "--site", "nowhere").refusal == (1, "SITE_NOT_FOUND")

    assert nvflare.json("job", "download", job_id, "-o", str(tmp_path)).refusal == (4, "JOB_NOT_DONE")
    assert nvflare.json("job", "delete", job_id, "--force").refusal == (4, "JOB_NOT_DONE")
    assert nvflare.json("job", "wait", job_id, "--timeout", "0.5", "--interval", "0.2").refusal == (3, "TIMEOUT")
    watched = nvflare("job", "monitor", job_id, "--timeout", "1", "--interval", "1", "--format", "jsonl")
    last = json.loads(watched.out.splitlines()[-1])
    assert (watched.code, last["event"], last["status"], last["job_status"]) == (3, "terminal", "TIMEOUT", "RUNNING")
    for words in (("shutdown", "all"), ("restart", "server")):
        busy = nvflare.json("system", *words, "--force")
        assert busy.refusal == (2, "CONNECTION_FAILED")
        assert "still running" in busy.envelope["message"]

    assert nvflare.json("job", "abort", job_id, "--force").data["status"] == "ABORTED"
    ended = nvflare.json("job", "wait", job_id, "--timeout", "60")
    assert (ended.refusal, ended.envelope["data"]["status"]) == ((1, "JOB_ABORTED"), "FINISHED:ABORTED")
    assert nvflare.json("job", "delete", job_id, "--force").data["job_id"] == job_id


def test_a_token_makes_one_job(nvflare: Nvflare, submit: Submit, tmp_path: Path) -> None:
    token = f"retry-{uuid.uuid4()}"
    job_id = submit(WAITING, "--submit-token", token)
    assert submit(WAITING, "--submit-token", token) == job_id
    other = nvflare.json("job", "submit", "-j", str(write_named(tmp_path, QUICK)), "--submit-token", token)
    assert other.refusal == (4, "SUBMIT_TOKEN_CONFLICT")
    assert other.envelope["data"] == {"existing_job_id": job_id}
    assert [job["job_id"] for job in nvflare.json("job", "list", "--submit-token", token).data] == [job_id]
    nvflare.json("job", "abort", job_id, "--force")
    assert nvflare.json("job", "delete", job_id, "--force").data["submit_records_marked_deleted"] == 1
    gone = nvflare.json("job", "list", "--submit-token", token)
    assert gone.refusal == (4, "SUBMIT_TOKEN_JOB_DELETED")
    assert (gone.envelope["data"]["job_id"], gone.envelope["data"]["state"]) == (job_id, "job_deleted")


@pytest.mark.parametrize("words", ["meta", "abort --force", "delete --force", "logs", "wait", "stats"])
def test_a_job_that_is_not_there(nvflare: Nvflare, words: str) -> None:
    command, *options = words.split()
    assert nvflare.json("job", command, str(uuid.uuid4()), *options).refusal == NOT_FOUND


def test_what_is_refused(nvflare: Nvflare, tmp_path: Path) -> None:
    broken = write_training(tmp_path, BROKEN, min_clients=0)
    invalid = nvflare.json("job", "submit", "-j", str(broken))
    assert invalid.refusal == (1, "JOB_INVALID")
    assert "min_clients 0 must be positive" in invalid.envelope["message"]
    assert nvflare.json("job", "submit", "-j", str(tmp_path / "nowhere")).refusal == BAD_ARGUMENTS
    assert nvflare.json("job", "delete", str(uuid.uuid4())).refusal == BAD_ARGUMENTS, "no terminal to ask at"
    assert nvflare.json("job", "list", kit=tmp_path / "nowhere").refusal == (2, "STARTUP_KIT_MISSING")


def test_who_may_do_what(nvflare: Nvflare, place: Place, submit: Submit) -> None:
    lead, member, stranger = map(place.kit, ("lead@nvidia.com", "member@nvidia.com", "lead@other.com"))
    job_id = submit(WAITING, kit=lead)
    assert nvflare.json("job", "meta", job_id, kit=member).data["submitter_name"] == "lead@nvidia.com"
    for command, kit in (("abort", member), ("delete", stranger)):
        refused = nvflare.json("job", command, job_id, "--force", kit=kit)
        assert refused.refusal == (2, "AUTH_FAILED")
        assert f"is not authorized for '{command}_job'" in refused.envelope["message"]
    assert nvflare.json("job", "abort", job_id, "--force", kit=lead).code == 0
    assert nvflare.json("job", "delete", job_id, "--force", kit=lead).code == 0


def test_a_job_that_fails(nvflare: Nvflare, place: Place, tmp_path: Path) -> None:
    if place.mock is None:
        pytest.skip("the lab has no job that fails on a real server; the error code is the client's own")
    folder = write_job(tmp_path, "broken")
    job_id = nvflare.json("job", "submit", "-j", str(folder)).data["job_id"]
    failed = nvflare.json("job", "wait", job_id, "--timeout", "60", "--interval", "0.1")
    assert failed.refusal == (1, "JOB_FINISHED_EXCEPTION")


def test_the_command_as_the_shell_starts_it(nvflare: Nvflare, place: Place, tmp_path: Path) -> None:
    """The other tests fork a process that has loaded it; this one does not, and reads for people."""
    official: Official = nvflare.official
    kit: dict[str, Any] = {"NVFLARE_STARTUP_KIT_DIR": str(place.kit(ADMIN))}
    done = official.run("nvflare", "job", "list", "--format", "json", **kit)
    assert done.data == nvflare.json("job", "list").data
    told = official.run("nvflare", "job", "meta", str(uuid.uuid4()), **kit)
    assert told.code == 1, told
    assert "Code: JOB_NOT_FOUND (exit 1)" in told.err
