"""What commands about jobs answer in 2.7, 2.8 and 2.9, word for word (observed: 2.7.3, 2.8.3, 2.9.0)."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mock_server import ManualClock, MockServer
from tests.mock_server.desk import Desk
from tests.support import CELL_RELEASES, JobMaker

OK = {"status": "ok", "info": ""}
SUCCESS = {"type": "success", "data": ""}
FROM_28 = ("2.8", "2.9")


@pytest.fixture
def desk_of(workspace: Callable[[], Path]) -> Iterator[Callable[[str], Desk]]:
    """Desks of fresh servers, whose jobs wait 1 s and run 10 s."""
    with ExitStack() as stack:
        scenario = {"jobs": [{"queued": "1s", "running": "10s"}]}

        def make(release: str) -> Desk:
            server = MockServer(release, scenario=scenario, clock=ManualClock(), workspace=workspace())
            return Desk(stack.enter_context(server))

        yield make


def clock_of(desk: Desk) -> ManualClock:
    assert isinstance(desk.server.clock, ManualClock)
    return desk.server.clock


def string(text: str) -> dict[str, Any]:
    return {"type": "string", "data": text}


def refused(text: str, status: str, info: str | None = None) -> dict[str, Any]:
    info = text if info is None else info
    return {"data": [{"type": "error", "data": text}], "meta": {"status": status, "info": info}}


# --- listing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_list_names_the_study_in_its_meta_alone(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    assert desk.ask("list_jobs") == {"data": [string("No jobs found."), SUCCESS], "meta": OK | {"jobs": []}}
    job_id = desk.job(make_job())
    reply = desk.ask("list_jobs")
    item = reply["meta"]["jobs"][0]
    study = {"study": "default"} if release in FROM_28 else {}
    assert (
        item
        == {
            "job_id": job_id,
            "job_name": "hello",
            "status": "SUBMITTED",
            "submit_time": item["submit_time"],
            "duration": "N/A",
        }
        | study
    )
    rows = reply["data"][0]["rows"]
    assert rows[0] == ["JOB ID", "NAME", "STATUS", "SUBMIT TIME", "RUN DURATION"]
    assert rows[1] == [job_id, "hello", "SUBMITTED", item["submit_time"], "N/A"]
    assert desk.ask("list_jobs -n none") == {
        "data": [string("No jobs matching the specified criteria.")],
        "meta": OK | {"jobs": []},
    }


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_detailed_list_has_the_metas_as_text_and_in_the_meta(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job())
    reply = desk.ask("list_jobs -d")
    meta = desk.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]
    assert reply["meta"] == OK | {"jobs": [meta]}
    assert reply["data"][0]["data"].startswith('{\n    "name": "hello",')
    assert reply["data"][1:] == [string(""), SUCCESS]


@pytest.mark.parametrize("release", CELL_RELEASES)
@pytest.mark.parametrize(
    ("option", "problem"), [("-x", "unrecognized arguments: -x"), ("-m z", "argument -m: invalid")]
)
def test_a_bad_option(desk_of: Any, release: str, option: str, problem: str) -> None:
    reply = desk_of(release).ask(f"list_jobs {option}")
    prefix = "" if release in FROM_28 else "ValueError: "
    text = reply["data"][0]["data"]
    assert text.startswith(prefix + problem)
    assert reply["meta"] == {"status": "syntax_error" if release in FROM_28 else "internal_error", "info": text}
    assert ("--submit-token SUBMIT_TOKEN" in text) == (release in FROM_28)


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_job_without_a_name_breaks_lists_by_name_to_27(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    desk.job(make_job("unnamed", name=None))
    assert desk.ask("list_jobs")["meta"]["jobs"][0]["job_name"] == "unnamed"
    reply = desk.ask("list_jobs -n u")
    if release in FROM_28:
        assert reply["meta"]["jobs"] == []
    else:
        text = "AttributeError: 'NoneType' object has no attribute 'lower'"
        assert reply == refused(text, "internal_error")


# --- the meta of a job ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_meta_of_a_job_over_its_life(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job())
    reply = desk.ask(f"get_job_meta {job_id.upper()}")
    meta = reply["meta"]["job_meta"]
    assert reply["data"] == [{"type": "dict", "data": meta}]
    study = ["study"] if release in FROM_28 else []
    assert list(meta) == [
        *("name", "resource_spec", "min_clients", "deploy_map", *study),
        *("submitter_name", "submitter_org", "submitter_role", "job_folder_name", "job_id"),
        *("submit_time", "submit_time_iso", "start_time", "duration", "data_storage_format", "status"),
    ]
    assert (meta["start_time"], meta["duration"], meta["data_storage_format"]) == ("", "N/A", 2)
    clock_of(desk).advance(1)
    running = desk.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]
    assert list(running)[len(meta) :] == [
        *("job_deploy_detail", "schedule_count", "last_schedule_time", "schedule_history")
    ]
    assert running["job_deploy_detail"] == ["server: OK", "site-1: OK", "site-2: OK"]
    started = datetime.datetime.fromisoformat(running["start_time"])
    assert (started.tzinfo is datetime.timezone.utc) == (release == "2.9")
    form = r"\d{4}-\d\d-\d\dT.*\+00:00" if release == "2.9" else r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
    assert re.fullmatch(form, running["start_time"])
    clock_of(desk).advance(10)
    assert desk.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]["duration"] == "0:00:10"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_what_a_definition_may_not_say_of_itself(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    given = {"study": "other", "submit_token": "t", "from_hub_site": True, "byoc": True}
    job_id = desk.job(make_job(**given))
    meta = desk.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]
    kept = {key: meta[key] for key in given if key in meta}
    assert (
        kept
        == {
            "2.7": given,
            "2.8": {"study": "default"},
            "2.9": {"study": "default", "from_hub_site": True},
        }[release]
    )


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_the_id_of_a_job_that_is_there(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    given = str(uuid.uuid4())
    folder = make_job(job_id=given)
    assert desk.job(folder) == given
    reply = desk.submit(folder)
    if release in FROM_28:
        text = reply["data"][0]["data"]
        assert text.startswith("Exception occurred trying to submit job: StorageException: object ")
        assert text.endswith(f"/{given} already exists and overwrite_existing is False")
        assert reply["meta"]["status"] == "internal_error"
        assert reply["meta"]["info"] == "exception <class 'nvflare.apis.storage.StorageException'> occurred"
    else:
        assert reply["meta"]["job_id"] == given
    assert len(desk.ask("list_jobs")["meta"]["jobs"]) == 1


# --- one job ----------------------------------------------------------------------------------------------------

ABOUT_A_JOB = ("get_job_meta", "abort_job", "delete_job", "clone_job", "list_job", "download_job", "app_command")


@pytest.mark.parametrize("release", CELL_RELEASES)
@pytest.mark.parametrize("command", [*ABOUT_A_JOB, "download_job_components"])
def test_a_job_that_is_not_there(desk_of: Any, release: str, command: str) -> None:
    desk, unknown = desk_of(release), str(uuid.uuid4())
    assert desk.ask(f"{command} ABC") == refused("invalid job_id abc", "invalid_job_id", "abc")
    text = f"no such job: {unknown}" if release in FROM_28 else f"Job with ID {unknown} doesn't exist"
    assert desk.ask(f"{command} {unknown}") == refused(text, "invalid_job_id", unknown)
    assert desk.ask(command) == refused("syntax error: missing job_id", "syntax_error", "missing job_id")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_abort_delete_and_download_over_the_life_of_a_job(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    waiting, job_id = desk.job(make_job("waiting")), desk.job(make_job())
    text = f"Aborted the job {waiting} before running it."
    assert desk.ask(f"abort_job {waiting}") == {"data": [string(text), SUCCESS], "meta": OK | {"info": text}}
    clock_of(desk).advance(1)
    text = f"job: {job_id} is running, could not be deleted at this time."
    assert desk.ask(f"delete_job {job_id}") == refused(text, "job_running", job_id)
    early = desk.ask(f"download_job {job_id}")
    if release in FROM_28:
        assert early == refused(f"job {job_id} is not done", "job_running", job_id)
    else:
        assert [name for name, _ in early["meta"]["files"]] == ["meta.json", "job.zip"]
    text = "Abort signal has been sent to the server app."
    assert desk.ask(f"abort_job {job_id}") == {"data": [string(text), SUCCESS], "meta": OK | {"info": text}}
    text = f"Job for {job_id} is already completed."
    assert desk.ask(f"abort_job {job_id}") == {"data": [string(text), SUCCESS], "meta": OK | {"info": text}}
    reply = desk.ask(f"download_job {job_id}")
    assert reply["data"] == [string("OK")]
    assert list(reply["meta"])[:3] == ["source_fqcn", "status", "info"]
    assert (reply["meta"]["source_fqcn"], reply["meta"]["folder_name"]) == ("server", job_id)
    assert sorted(name for name, _ in reply["meta"]["files"]) == ["job.zip", "meta.json", "workspace.zip"]
    reply = desk.ask(f"delete_job {job_id}")
    if release in FROM_28:
        text = f"Job {job_id} deleted. Submit records marked deleted: 0."
        extra: dict[str, Any] = {"job_id": job_id, "submit_records_marked_deleted": 0}
    else:
        text, extra = f"Job {job_id} deleted.", {}
    assert reply == {"data": [string(text), SUCCESS], "meta": OK | extra}


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_job_without_further_components(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.job(make_job())
    word = "no_job_components" if release in FROM_28 else "no_job_compoents"
    if release in FROM_28:
        assert desk.ask(f"list_job {job_id}") == {"data": [SUCCESS], "meta": OK | {"job_components": []}}
    else:
        assert desk.ask(f"list_job {job_id}") == refused("No additional job components found.", word)
    text = "No components to download"
    expected = {"data": [string(text)], "meta": {"status": word, "info": text}}
    assert desk.ask(f"download_job_components {job_id}") == expected
    lead = Desk(desk.server, "lead@nvidia.com", role="lead")
    assert lead.ask(f"download_job_components {job_id}")["meta"]["status"] == "not_authorized"


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_clone_is_the_callers_and_stays_in_the_study(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    source = desk.job(make_job(files={"app/custom/code.py": ""}))
    other = Desk(desk.server, "other@nvidia.com")
    reply = other.ask(f"clone_job {source}")
    clone = reply["meta"]["job_id"]
    text = f"Cloned job {source} as: {clone}"
    assert reply == {"data": [string(text), SUCCESS], "meta": OK | {"job_id": clone}}
    meta = other.ask(f"get_job_meta {clone}")["meta"]["job_meta"]
    assert (meta["submitter_name"], meta["cloned_from"], meta["data_storage_format"]) == ("other@nvidia.com", source, 2)
    assert (meta.get("study"), meta.get("byoc")) == (("default", True) if release in FROM_28 else (None, None))


# --- submission -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_submission_without_a_definition(desk_of: Any, release: str) -> None:
    assert desk_of(release).ask("submit_job hello") == refused("missing upload file", "internal_error", "")


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_an_unsigned_job_is_taken_in_and_fails_to_run(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.submit(make_job(), signed=False)["meta"]["job_id"]
    clock_of(desk).advance(1)
    meta = desk.ask(f"get_job_meta {job_id}")["meta"]["job_meta"]
    assert meta["status"] == "FINISHED:FAILED_TO_RUN"
    text = {"2.7": "job signature verification failed"}.get(
        release, "unsigned job rejected — require_signed_jobs is enabled"
    )
    assert meta["job_deploy_detail"] == [f"server: {text}"]


@pytest.mark.parametrize("release", CELL_RELEASES)
@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"deploy_map": {}}, "deploy_map is empty for job hello"),
        ({"deploy_map": {"app": []}}, "No site is specified in deploy_map for job hello"),
        ({"deploy_map": {"none": ["@ALL"]}}, "App 'none' in deploy_map doesn't exist for job hello"),
        ({"min_clients": 0}, "min_clients 0 must be positive for job hello"),
        ({"resource_spec": [1]}, "Invalid resource_spec for job hello"),
    ],
)
def test_a_definition_that_breaks_a_rule(
    desk_of: Any, make_job: JobMaker, release: str, content: dict[str, Any], text: str
) -> None:
    reply = desk_of(release).submit(make_job(**content))
    assert reply == refused(text, "invalid_job_def")


# --- submit tokens ----------------------------------------------------------------------------------------------

TOKEN_RULE = "submit_token must be non-empty, at most 128 characters, and match ^[A-Za-z0-9._:-]{1,128}$"


@pytest.mark.parametrize("release", FROM_28)
def test_a_token_stands_for_one_definition(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    first = desk.submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    assert desk.submit(make_job(), "--submit-token t1")["meta"] == OK | {"job_id": first}
    reply = desk.submit(make_job(min_clients=1), "--submit-token t1")
    assert reply["data"] == [
        {
            "type": "error",
            "data": "SUBMIT_TOKEN_CONFLICT: submit token was already used for different job content. "
            "Use a new submit token for a new job.",
        }
    ]
    assert reply["meta"] == {
        "status": "submit_token_conflict",
        "info": "submit token was already used for different job content",
        "code": "SUBMIT_TOKEN_CONFLICT",
        "job_id": first,
    }
    assert [job["job_id"] for job in desk.ask("list_jobs --submit-token t1")["meta"]["jobs"]] == [first]
    assert desk.ask("list_jobs --submit-token t1 -n none")["data"] == [
        string("No jobs matching the specified criteria.")
    ]
    assert desk.ask("list_jobs --submit-token other")["data"] == [string("No jobs found."), SUCCESS]


@pytest.mark.parametrize("release", FROM_28)
def test_the_token_of_a_deleted_job(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    job_id = desk.submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    desk.ask(f"abort_job {job_id}")
    deleted = desk.ask(f"delete_job {job_id}")
    assert deleted["data"][0] == string(f"Job {job_id} deleted. Submit records marked deleted: 1.")
    assert deleted["meta"]["submit_records_marked_deleted"] == 1
    replies = [desk.submit(make_job(), "--submit-token t1"), desk.ask("list_jobs --submit-token t1")]
    for reply in replies:
        assert reply["data"][0]["data"] == (
            "SUBMIT_TOKEN_JOB_DELETED: submit token refers to a deleted job. Use a new submit token to submit again."
        )
        assert reply["meta"] == {
            "status": "submit_token_job_deleted",
            "info": "submit token refers to a deleted job",
            "code": "SUBMIT_TOKEN_JOB_DELETED",
            "submit_record_state": "job_deleted",
            "job_id": job_id,
            "deleted_time": reply["meta"]["deleted_time"],
        }
        assert datetime.datetime.fromisoformat(reply["meta"]["deleted_time"]).tzinfo is datetime.timezone.utc


@pytest.mark.parametrize("release", FROM_28)
def test_a_token_is_the_users_own(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    mine = desk.submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    others = Desk(desk.server, "other@nvidia.com").submit(make_job(), "--submit-token t1")["meta"]["job_id"]
    assert mine != others


@pytest.mark.parametrize("release", FROM_28)
@pytest.mark.parametrize("token", ["a/b", "x" * 129, "a,b"])
def test_a_malformed_token(desk_of: Any, make_job: JobMaker, release: str, token: str) -> None:
    desk = desk_of(release)
    assert desk.submit(make_job(), f"--submit-token {token}") == refused(TOKEN_RULE, "syntax_error")
    assert desk.ask(f"list_jobs --submit-token {token}") == refused(TOKEN_RULE, "syntax_error")


@pytest.mark.parametrize("release", FROM_28)
def test_a_token_with_a_file_that_is_too_large_to_compare(desk_of: Any, make_job: JobMaker, release: str) -> None:
    desk = desk_of(release)
    folder = make_job(files={"app/custom/big.txt": "x" * (10 * 1024 * 1024 + 1)})
    text = desk.submit(folder, "--submit-token t1", signed=False)["data"][0]["data"]
    assert text == (
        "Exception occurred trying to submit job: ValueError: zip member exceeds size limit: 'hello/app/custom/big.txt'"
    )
    assert desk.ask("list_jobs --submit-token t1")["meta"]["jobs"] == []


def test_27_knows_no_tokens(desk_of: Any) -> None:
    text = desk_of("2.7").ask("list_jobs --submit-token t1")["data"][0]["data"]
    assert text.startswith("ValueError: unrecognized arguments: --submit-token")
