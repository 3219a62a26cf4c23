"""Methods that came after 2.3, on a mock server of each release: who has them, and that the wire carries them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flare_client import (
    CommandError,
    InternalError,
    JobNotDone,
    JobTimeout,
    MonitorReturnCode,
    NotInRelease,
    Session,
    SessionClosed,
    new_session,
)
from flare_client.operations import state_changes
from flare_client.presence import EVERY_RELEASE, FROM_24, FROM_27, FROM_28, releases_of
from mock_server import MockServer
from tests.support import JobMaker, servers_of_releases

ADMIN = "admin@nvidia.com"
SCENARIO = {"jobs": [{"match": {"name": "long*"}, "queued": 0, "running": "1h"}, {"queued": 0, "running": 0}]}


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


@pytest.fixture
def job_id(session: Session, make_job: JobMaker) -> Iterator[str]:
    """A job that runs."""
    job = session.submit_job(str(make_job("long")))
    session.monitor_job(job, cb=lambda _s, _i, meta: meta["status"] != "RUNNING", poll_interval=0.01)
    yield job
    session.abort_job(job)


LATER: list[tuple[str, tuple[Any, ...]]] = [
    ("get_available_apps_to_upload", ()),
    ("get_connected_client_list", ()),
    ("get_client_job_status", ()),
    ("get_client_env", ()),
    ("list_sp", ()),
    ("get_active_sp", ()),
    ("check_status", ("all",)),
    ("report_resources", ("server",)),
    ("report_version", ("all",)),
    ("disable_client", ("site-9",)),
    ("enable_client", ("site-9",)),
    ("configure_site_log", ("INFO",)),
    ("list_studies", ()),
    ("do_command", ("list_jobs",)),
    ("set_timeout", (5.0,)),
    ("unset_timeout", ()),
]


@pytest.mark.parametrize(("name", "arguments"), LATER, ids=[name for name, _ in LATER])
def test_a_method_is_there_from_its_release_on(session: Session, name: str, arguments: tuple[Any, ...]) -> None:
    method = getattr(session, name)
    if session.release in releases_of(getattr(Session, name)):
        method(*arguments)
        return
    with pytest.raises(NotInRelease, match=f"{name} is of release.* but the server is of {session.release}") as caught:
        method(*arguments)
    assert isinstance(caught.value, AttributeError)


def test_every_method_says_which_releases_have_it() -> None:
    found = {name: releases_of(method) for name, method in vars(Session).items() if callable(method) and name[0] != "_"}
    assert found["submit_job"] == EVERY_RELEASE
    assert found["restart"] == FROM_24
    assert found["get_job_status"] == FROM_27
    assert found["wait_for_job"] == FROM_28
    assert all(set(releases) <= set(EVERY_RELEASE) and releases for releases in found.values())


def test_before_the_first_login_nobody_knows_the_release(server: MockServer, tmp_path: Path) -> None:
    unconnected = Session(ADMIN, str(server.kit(directory=tmp_path / "kits")))
    unconnected.set_timeout(5)  # 2.3 has no such method, but who is to say that it is 2.3?
    assert unconnected.get_available_apps_to_upload() == []
    with pytest.raises(SessionClosed, match="not logged in"):
        unconnected.get_client_env()


def test_a_closed_session_is_closed_whatever_the_release_has(session: Session) -> None:
    session.close()
    for call in (session.get_client_env, session.list_studies, session.list_sp):
        with pytest.raises(SessionClosed, match="^session closed$"):
            call()


@pytest.mark.parametrize("release", FROM_24)
def test_what_runs_on_sites(
    running: Callable[[str], MockServer], release: str, tmp_path: Path, make_job: JobMaker
) -> None:
    with new_session(ADMIN, str(running(release).kit(directory=tmp_path / "kits"))) as session:
        idle = session.get_client_job_status(["site-1"])
        assert [one["client_name"] for one in idle] == ["site-1"]
        job_id = session.submit_job(str(make_job("long")))
        session.monitor_job(job_id, cb=lambda _s, _i, meta: meta["status"] != "RUNNING", poll_interval=0.01)
        busy = session.get_client_job_status()
        assert {one["client_name"] for one in busy} == {"site-1", "site-2"}
        assert {one["job_id"] for one in busy} == {job_id}
        assert session.show_errors(job_id, "client", ["site-1"]) == {"site-1": {}}
        session.reset_errors(job_id)
        for refused in ("client", "server"):
            with pytest.raises(JobNotDone):
                session.restart(refused)
        session.abort_job(job_id)


def test_logs_studies_and_waiting_from_2_8_on(
    running: Callable[[str], MockServer], tmp_path: Path, make_job: JobMaker
) -> None:
    for release in FROM_28:
        with new_session(ADMIN, str(running(release).kit(directory=tmp_path / f"kits-{release}"))) as session:
            job_id = session.submit_job(str(make_job("long")))
            with pytest.raises(JobTimeout, match=f"job {job_id} did not finish within"):
                session.wait_for_job(job_id, 0.1, 0.01)
            assert session.monitor_job_and_return_job_meta(job_id, 0.1, 0.01) == (MonitorReturnCode.TIMEOUT, None)
            assert "server" in session.get_job_logs(job_id)["logs"]
            session.configure_job_log(job_id, "DEBUG", "site-1")
            session.abort_job(job_id)
            assert session.wait_for_job(job_id)["status"] == "FINISHED:ABORTED"
            assert session.get_job_status(job_id) == "FINISHED:ABORTED"
            assert session.list_job_components(job_id) == []
            with pytest.raises(InternalError, match="No components to download"):
                session.download_job_components(job_id)
            assert session.register_study("cancer", site_orgs=["nvidia:site-1"])["sites"] == ["site-1"]
            assert session.show_study("cancer")["name"] == "cancer"
            assert "cancer" in session.list_studies()["studies"]
            session.remove_study("cancer")
            with pytest.raises(CommandError) as caught:
                session.show_study("cancer")
            assert caught.value.error_code == "STUDY_NOT_FOUND"


def test_a_callback_ends_it_without_a_meta(
    running: Callable[[str], MockServer], tmp_path: Path, make_job: JobMaker
) -> None:
    with new_session(ADMIN, str(running("2.7").kit(directory=tmp_path / "kits"))) as session:
        job_id = session.submit_job(str(make_job("quick")))
        assert session.monitor_job_and_return_job_meta(job_id, 9, 0.01, lambda *_: False) == (
            MonitorReturnCode.ENDED_BY_CB,
            None,
        )
        code, meta = session.monitor_job_and_return_job_meta(job_id, 9, 0.01)
        assert (code, meta["status"]) == (MonitorReturnCode.JOB_FINISHED, "FINISHED:COMPLETED")


# --- machines -----------------------------------------------------------------------------------------------------


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often at what changes."""
    monkeypatch.setattr(state_changes, "POLL_SECONDS", 0.02)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("release", FROM_28)
def test_a_restarted_server_is_there_again(release: str) -> None:
    with MockServer(release) as server:
        session = new_session(ADMIN, str(server.kit()))
        assert session.restart("server")["status"] == "ok"
        assert session.api.closed
        with new_session(ADMIN, str(server.kit())) as again:
            assert again.get_system_info().server_info.status == "stopped"


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("release", FROM_24)
def test_the_system_is_shut_down_in_two_steps(release: str) -> None:
    with MockServer(release) as server:
        session = new_session(ADMIN, str(server.kit()))
        told = session.shutdown("client", ["site-1"])
        assert [one.name for one in session.get_connected_client_list()] == ["site-2"]
        session.shutdown("client")
        assert session.get_connected_client_list() == []
        meta = session.shutdown("server")
        assert (told is None, meta is None) == ((True, True) if release not in FROM_28 else (False, False))
        assert session.api.closed
        with pytest.raises(SessionClosed):
            session.list_jobs()
        session.close()
        assert server.wait(10)


@pytest.mark.parametrize("release", FROM_24)
def test_shutting_down_the_system_ends_as_in_the_release(release: str) -> None:
    with MockServer(release) as server:
        session = new_session(ADMIN, str(server.kit()))
        kind = RuntimeError if release not in FROM_27 else SessionClosed if release == "2.7" else ConnectionError
        with pytest.raises(kind):
            session.shutdown_system()
        session.close()
        if release in FROM_27:
            assert server.wait(10)
        else:
            assert server.is_running
