"""Every method of ``Session`` on a mock server of each release."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import flare_client
from flare_client import (
    InvalidJobDefinition,
    JobNotDone,
    JobNotFound,
    MonitorReturnCode,
    NotInRelease,
    Session,
    SessionClosed,
    SystemInfo,
    errors,
    new_secure_session,
)
from flare_client.protocol.envelope import Envelope
from mock_server import MockServer
from tests.support import CELL_RELEASES, JobMaker, servers_of_releases

ADMIN = "admin@nvidia.com"
SCENARIO = {
    "jobs": [
        {"match": {"name": "long*"}, "queued": 0, "running": "1h"},
        {"match": {"name": "waiting*"}, "queued": "1h"},
        {"queued": 0, "running": 0, "result": {"files": {"out/model.txt": "weights"}}},
    ],
    "limits": {"max_jobs": 1000},
}


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


FROM_28 = ("2.8", "2.9")


@pytest.fixture
def unconnected(running: Callable[[str], MockServer], tmp_path: Path) -> Session:
    return Session(ADMIN, str(running("2.6").kit(directory=tmp_path / "kits")))


def call(session: Session, method: str, *arguments: Any) -> Any:
    """Call a method by its name, whatever its annotation says it returns."""
    return getattr(session, method)(*arguments)


# --- the methods --------------------------------------------------------------------------------------------------


def test_the_release_is_told_from_the_commands(session: Session, server: MockServer) -> None:
    assert session.release == server.release


def test_a_job_goes_from_submission_to_its_result(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("hello")))
    assert uuid.UUID(job_id).version == 4
    assert session.monitor_job(job_id, timeout=20, poll_interval=0.02) is MonitorReturnCode.JOB_FINISHED
    meta = session.get_job_meta(job_id)
    assert meta["job_id"] == job_id
    assert meta["name"] == "hello"
    assert meta["status"] == "FINISHED:COMPLETED"
    assert meta["submitter_name"] == ADMIN
    result = Path(session.download_job_result(job_id))
    assert result == Path(session.download_dir) / job_id
    assert (result / "workspace" / "out" / "model.txt").read_text() == "weights"
    assert (result / "job" / "hello" / "meta.json").is_file()


def test_a_job_is_aborted(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("long")))
    said = call(session, "abort_job", job_id)
    assert session.get_job_meta(job_id)["status"] == "FINISHED:ABORTED"
    again = call(session, "abort_job", job_id)
    if session.release in CELL_RELEASES:
        assert "abort" in said.lower()
        assert again == f"Job for {job_id} is already completed."
    else:
        assert (said, again) == (None, None)


def test_a_running_job_cannot_be_deleted(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("long")))
    assert session.monitor_job(job_id, cb=lambda _s, _i, meta: meta["status"] != "RUNNING", poll_interval=0.01)
    with pytest.raises(JobNotDone, match=f"job {job_id} is still running"):
        session.delete_job(job_id)
    session.abort_job(job_id)
    session.delete_job(job_id)
    with pytest.raises(JobNotFound, match="no such job"):
        session.get_job_meta(job_id)


def test_a_job_is_cloned(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("waiting")))
    clone = session.clone_job(job_id)
    assert clone != job_id
    assert session.get_job_meta(clone)["cloned_from"] == job_id


def test_the_state_of_the_system_is_told(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("long")))
    assert session.monitor_job(job_id, cb=lambda _s, _i, meta: meta["status"] != "RUNNING", poll_interval=0.01)
    info = session.get_system_info()
    assert isinstance(info, SystemInfo)
    assert info.server_info.status == "started"
    assert info.server_info.start_time > 1e9
    assert {client.name for client in info.client_info} == {"site-1", "site-2"}
    assert all(client.last_connect_time > 1e9 for client in info.client_info)
    assert job_id in {job.job_id for job in info.job_info}
    assert f"job_id: {job_id}" in str(info)
    session.abort_job(job_id)


def test_jobs_are_listed_and_filtered(session: Session, make_job: JobMaker) -> None:
    mark = f"w{uuid.uuid4().hex[:8]}"
    ids = [session.submit_job(str(make_job(f"job{n}", name=f"{mark}-{'ab'[n % 2]}"))) for n in range(4)]

    def listed(**filters: Any) -> list[str]:
        return [job["job_id"] for job in session.list_jobs(**{"name_prefix": mark} | filters)]

    assert listed() == ids
    assert listed(reverse=True) == ids[::-1]
    assert listed(limit=2) == ids[2:]
    assert listed(limit=2, reverse=True) == ids[:1:-1]
    assert listed(limit=0) == listed(limit=None) == ids
    assert listed(name_prefix=f"{mark}-A") == ids[::2]  # case does not matter
    assert listed(id_prefix=ids[1].upper()) == [ids[1]]
    assert listed(name_prefix=f"{mark}-a", id_prefix=ids[1]) == []
    summary = session.list_jobs(id_prefix=ids[0])[0]
    study = {"study"} if session.release in FROM_28 else set()
    assert set(summary) == {"job_id", "job_name", "status", "submit_time", "duration"} | study
    details = session.list_jobs(detailed=True, id_prefix=ids[0])[0]
    assert details["job_id"] == ids[0]
    assert "deploy_map" in details


@pytest.mark.parametrize("method", ["get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result"])
def test_an_unknown_job_is_not_found(session: Session, method: str) -> None:
    with pytest.raises(JobNotFound, match="no such job"):
        getattr(session, method)(str(uuid.uuid4()))


def test_the_definition_is_refused_by_the_server_with_its_reason(session: Session, make_job: JobMaker) -> None:
    with pytest.raises(InvalidJobDefinition, match=r"invalid job definition: .*deploy_map"):
        session.submit_job(str(make_job("bad", deploy_map={})))


def test_the_connectors_of_a_cell_are_of_release_23_only(session: Session, server: MockServer) -> None:
    if server.profile.has_cell_conn_info:
        assert session.get_cell_conn_info("server") is not None
    else:
        with pytest.raises(NotInRelease, match=f"is of {server.release}") as caught:
            session.get_cell_conn_info("server")
        assert isinstance(caught.value, AttributeError)


@pytest.mark.parametrize(("role", "org"), [("member", "nvidia"), ("org_admin", "nvidia")])
def test_who_may_not_submit_is_told_so(server: MockServer, make_job: JobMaker, role: str, org: str) -> None:
    with new_secure_session(f"{role}@x.com", str(server.kit(f"{role}@x.com", org, role))) as session:
        with pytest.raises(errors.AuthorizationError, match="user not authorized for the action 'submit_job"):
            session.submit_job(str(make_job()))
        assert isinstance(session.list_jobs(), list)


# --- job folders --------------------------------------------------------------------------------------------------


def test_a_relative_folder_is_looked_up_in_the_upload_folder_and_in_the_current_one(
    session: Session, make_job: JobMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job("here", name="current")
    upload = Path(session.upload_dir)
    make_job("here", name="current").rename(upload / "here")
    make_job("here", name="other")
    monkeypatch.chdir(tmp_path / "jobs")
    if session.release in FROM_28:
        first, then, gone = "other", "current", tmp_path / "jobs" / "here"
    else:
        first, then, gone = "current", "other", upload / "here"
    assert session.get_job_meta(session.submit_job("here"))["name"] == first
    gone.rename(gone.with_name("away"))
    assert session.get_job_meta(session.submit_job("here"))["name"] == then


def test_a_trailing_slash_and_to_2_7_a_blank_in_the_name_are_fine(session: Session, make_job: JobMaker) -> None:
    folder = f"{make_job('two words')}/"
    if session.release in FROM_28:
        with pytest.raises(InvalidJobDefinition, match="'two words' contains unsupported characters"):
            session.submit_job(folder)
        return
    assert session.get_job_meta(session.submit_job(folder))["job_folder_name"] == "two words"


@pytest.mark.parametrize("path", ["", None])
def test_a_job_folder_is_required(unconnected: Session, path: Any) -> None:
    with pytest.raises(InvalidJobDefinition, match="job_definition_path is required but not specified"):
        unconnected.submit_job(path)


def test_a_job_folder_must_be_text(unconnected: Session, tmp_path: Path) -> None:
    path: Any = tmp_path
    with pytest.raises(InvalidJobDefinition, match="must be str but got"):
        unconnected.submit_job(path)


def test_a_job_folder_must_exist(unconnected: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("nowhere", str(tmp_path / "file")):
        with pytest.raises(InvalidJobDefinition, match=f"'{re.escape(path)}' is not a valid folder"):
            unconnected.submit_job(path)


# --- arguments, without a server ----------------------------------------------------------------------------------

JOB_METHODS = ["get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result", "monitor_job"]


@pytest.mark.parametrize("method", JOB_METHODS)
@pytest.mark.parametrize("job_id", ["", None])
def test_a_job_id_is_required(unconnected: Session, method: str, job_id: Any) -> None:
    with pytest.raises(JobNotFound, match="^job_id is required but not specified.$"):
        getattr(unconnected, method)(job_id)


@pytest.mark.parametrize("method", JOB_METHODS)
def test_a_job_id_must_be_text(unconnected: Session, method: str) -> None:
    with pytest.raises(JobNotFound, match="^invalid job_id 5$"):
        getattr(unconnected, method)(5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"detailed": 1}, "detailed must be bool but got <class 'int'>"),
        ({"reverse": None}, "reverse must be bool but got <class 'NoneType'>"),
        ({"limit": "5"}, "limit must be None or int but got <class 'str'>"),
        ({"limit": 5.0}, "limit must be None or int but got <class 'float'>"),
        ({"id_prefix": 5}, "id_prefix must be None or str but got <class 'int'>"),
        ({"name_prefix": b"x"}, "name_prefix must be None or str but got <class 'bytes'>"),
    ],
)
def test_arguments_of_list_jobs_are_checked(unconnected: Session, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        unconnected.list_jobs(**arguments)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "list_jobs"),
        ({"detailed": True}, "list_jobs -d"),
        ({"reverse": True}, "list_jobs -r"),
        ({"limit": 0}, "list_jobs"),
        ({"limit": 3}, "list_jobs -m 3"),
        ({"limit": -1}, "list_jobs -m -1"),
        ({"limit": True}, "list_jobs -m True"),
        ({"id_prefix": "ab", "name_prefix": ""}, "list_jobs ab"),
        ({"name_prefix": "two words"}, "list_jobs -n two words"),
        (
            {"detailed": True, "limit": 9, "id_prefix": "i", "name_prefix": "n", "reverse": True},
            "list_jobs -d -r -m 9 -n n i",
        ),
    ],
)
def test_the_line_of_list_jobs_is_the_official_one(
    unconnected: Session, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], line: str
) -> None:
    sent: list[str] = []

    def execute(text: str, *, needs_meta: bool, meta: object) -> tuple[Envelope, dict[str, Any]]:
        assert needs_meta
        sent.append(text)
        return Envelope(()), {}

    monkeypatch.setattr(unconnected._connection, "command", lambda name: name)
    monkeypatch.setattr(unconnected._connection, "execute", execute)
    assert unconnected.list_jobs(**arguments) == []
    assert sent == [line]


def test_a_session_that_never_connected_is_closed_on_the_server(unconnected: Session) -> None:
    with pytest.raises(flare_client.NotConnected, match="not logged in") as caught:
        unconnected.list_jobs()
    assert isinstance(caught.value, SessionClosed)


# --- closing ------------------------------------------------------------------------------------------------------

CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("try_connect", (1.0,)),
    ("get_job_meta", ("id",)),
    ("abort_job", ("id",)),
    ("delete_job", ("id",)),
    ("clone_job", ("id",)),
    ("download_job_result", ("id",)),
    ("monitor_job", ("id",)),
    ("list_jobs", ()),
    ("get_system_info", ()),
    ("get_cell_conn_info", ("server",)),
]


@pytest.mark.parametrize(("method", "arguments"), CALLS)
def test_a_closed_session_says_so(unconnected: Session, method: str, arguments: tuple[Any, ...]) -> None:
    unconnected.close()
    with pytest.raises(SessionClosed, match="^session closed$"):
        getattr(unconnected, method)(*arguments)


def test_submitting_to_a_closed_session_says_so(unconnected: Session, make_job: JobMaker) -> None:
    unconnected.close()
    with pytest.raises(SessionClosed, match="^session closed$"):
        unconnected.submit_job(str(make_job()))


def test_closing_tells_the_server_and_closing_twice_is_fine(session: Session, server: MockServer) -> None:
    before = server.call(lambda context: len(context.sessions))
    session.close()
    session.close()
    assert server.call(lambda context: len(context.sessions)) == before - 1


def test_closing_after_the_server_is_gone_is_fine() -> None:
    with MockServer() as server:
        session = new_secure_session(ADMIN, str(server.kit(role="lead")))
    session.close()


def test_a_with_block_closes_even_when_it_fails(unconnected: Session) -> None:
    def fail_inside() -> None:
        with unconnected as entered:
            raise KeyError(entered is unconnected)

    with pytest.raises(KeyError, match="True"):
        fail_inside()
    with pytest.raises(SessionClosed):
        unconnected.list_jobs()


# --- the official shape -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (Session.__init__, "(self, username=None, startup_path=None, secure_mode=True, debug=False, study='default')"),
        (Session.try_connect, "(self, timeout)"),
        (Session.close, "(self)"),
        (Session.submit_job, "(self, job_definition_path, submit_token=None)"),
        (Session.clone_job, "(self, job_id)"),
        (Session.get_job_meta, "(self, job_id)"),
        (
            Session.list_jobs,
            "(self, detailed=False, limit=None, id_prefix=None, name_prefix=None, reverse=False, submit_token=None, "
            "**kwargs)",
        ),
        (Session.download_job_result, "(self, job_id, destination=None)"),
        (Session.abort_job, "(self, job_id)"),
        (Session.delete_job, "(self, job_id)"),
        (Session.get_system_info, "(self)"),
        (Session.get_cell_conn_info, "(self, fqcn)"),
        (Session.monitor_job, "(self, job_id, timeout=0.0, poll_interval=2.0, cb=None, *cb_args, **cb_kwargs)"),
        (
            flare_client.new_secure_session,
            "(username, startup_kit_location, debug=False, timeout=10.0, study='default', command_timeout=None, "
            "auto_login_max_tries=None)",
        ),
        (
            flare_client.new_insecure_session,
            "(startup_kit_location, debug=False, timeout=10.0, study='default')",
        ),
        (flare_client.basic_cb_with_print, "(session, job_id, job_meta, *cb_args, **cb_kwargs)"),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signatures_are_the_official_ones(function: Callable[..., Any], signature: str) -> None:
    found = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    assert str(inspect.Signature(bare)) == signature


def test_everything_public_is_exported() -> None:
    assert sorted(flare_client.__all__) == flare_client.__all__
    assert all(hasattr(flare_client, name) for name in flare_client.__all__)


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_a_command_may_take_for_ever(running: Callable[[str], MockServer], tmp_path: Path, release: str) -> None:
    with new_secure_session(ADMIN, str(running(release).kit(directory=tmp_path / "kits"))) as session:
        session.set_timeout(float("inf"))
        assert [client.name for client in session.get_connected_client_list()] == ["site-1", "site-2"]
