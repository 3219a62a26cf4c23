"""The life of a server: starting, stopping, ports, workspaces, sessions, threads and files left behind."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import zipfile
from pathlib import Path

import pytest

from flare_client import SessionExpired, new_insecure_session, new_secure_session
from flare_client.archives import pack_job_folder
from flare_client.kit import load_kit
from flare_client.signatures import folder_signer
from mock_server import ManualClock, MockServer, ScenarioError, ServerError
from mock_server.jobs.store import Submitter
from tests.support import RELEASES, JobMaker


def test_starting_and_stopping_leaves_no_thread_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = {thread.name for thread in threading.enumerate()}
    with MockServer("2.6") as server:
        kit = server.kit()
        assert (kit / "startup" / "fed_admin.json").is_file()
    assert not kit.exists()
    assert {thread.name for thread in threading.enumerate()} <= threads
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_run_says_so() -> None:
    server = MockServer("2.6")
    with pytest.raises(ServerError, match="a server that runs"):
        server.kit()
    server.stop()
    with server:
        with pytest.raises(ServerError, match="runs already"):
            server.start()
        port = server.admin_port
    server.start()
    assert server.is_running
    assert port
    server.stop()
    server.stop()


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} of 127.0.0.1"):
            MockServer("2.6", admin_port=port).start()


def test_unusable_arguments_are_refused_before_anything_starts() -> None:
    with pytest.raises(ValueError, match="unknown release '1.0'"):
        MockServer("1.0")
    with pytest.raises(ScenarioError, match="jobs"):
        MockServer("2.6", scenario={"jobs": 5})


def test_a_workspace_keeps_certificates_and_kits(tmp_path: Path) -> None:
    with MockServer("2.6", workspace=tmp_path) as first:
        kit = first.kit()
        certificate = (kit / "startup" / "client.crt").read_bytes()
        ports = (first.port, first.admin_port)
    with MockServer("2.6", workspace=tmp_path, port=ports[0], admin_port=ports[1]) as second:
        session = new_secure_session("admin@nvidia.com", str(kit))  # the kit of the first server
        session.close()
        assert (second.kit() / "startup" / "client.crt").read_bytes() == certificate


def test_two_servers_run_side_by_side() -> None:
    with MockServer("2.3") as old, MockServer("2.6") as new:
        for server in (old, new):
            with new_secure_session("admin@nvidia.com", str(server.kit())) as session:
                assert session.release == server.release


def test_a_restart_abandons_what_runs_and_forgets_sessions(make_job: JobMaker) -> None:
    clock = ManualClock()
    with MockServer("2.6", clock=clock) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        running = session.submit_job(str(make_job("running")))
        clock.advance(0.2)
        waiting = session.submit_job(str(make_job("waiting")))
        server.restart()
        with pytest.raises(SessionExpired):
            session.list_jobs()
        session.try_connect(5)
        assert session.get_job_meta(running)["status"] == "FINISHED:ABANDONED"
        assert session.get_job_meta(running)["duration"] == "N/A"
        clock.advance(1)
        assert session.get_job_meta(waiting)["status"] == "FINISHED:COMPLETED"
        session.close()


def test_a_session_expires_when_it_idles_and_commands_refresh_it() -> None:
    clock = ManualClock()
    with MockServer("2.6", clock=clock, scenario={"idle_timeout": "1m"}) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        for _ in range(3):
            clock.advance(59)
            assert session.list_jobs() == []
        clock.advance(61)
        with pytest.raises(SessionExpired, match="session_inactive"):
            session.list_jobs()
        session.close()


def test_sessions_that_nobody_ends_do_not_pile_up() -> None:
    clock = ManualClock()
    with MockServer("2.6", clock=clock) as server:
        kit = server.kit()
        for _ in range(5):
            clock.advance(4000)
            session = new_secure_session("admin@nvidia.com", str(kit))
            assert server.call(lambda context: len(context.sessions)) == 1
            session._conversation.closed = True  # gone without a word, as official clients go
        session._conversation.closed = False
        session.close()
        assert server.call(lambda context: len(context.sessions)) == 0


@pytest.mark.parametrize("release", RELEASES)
def test_an_insecure_server_knows_one_user(release: str, make_job: JobMaker) -> None:
    with MockServer(release, secure=False) as server, new_insecure_session(str(server.kit())) as session:
        meta = session.get_job_meta(session.submit_job(str(make_job())))
        assert (meta["submitter_name"], meta["submitter_org"]) == ("admin", "global")
        assert meta["submitter_role"] == ("super" if release == "2.3" else "project_admin")


def test_a_job_signed_with_a_changed_file_is_not_deployed(make_job: JobMaker, tmp_path: Path) -> None:
    clock = ManualClock()
    with MockServer("2.6", clock=clock) as server:
        kit = load_kit(str(server.kit()), secure=True)
        folder = make_job()
        signed = tmp_path / "signed.zip"
        pack_job_folder(folder, signed, folder_signer(kit))
        changed = tmp_path / "changed.zip"
        with zipfile.ZipFile(signed) as source, zipfile.ZipFile(changed, "w") as target:
            for info in source.infolist():
                content = source.read(info)
                target.writestr(info, content + b" " if info.filename.endswith("server.json") else content)
        submitter = Submitter("admin@nvidia.com", "nvidia", "project_admin")
        jobs = []
        for archive in (signed, changed):
            copy = tmp_path / f"copy-{archive.name}"
            shutil.copy(archive, copy)
            jobs.append(server.call(lambda context, copy=copy: context.engine.submit(copy, "hello", submitter)))
        clock.advance(1)
        metas = {meta["job_id"]: meta for meta in server.job_metas()}
    assert metas[jobs[0].job_id]["status"] == "FINISHED:COMPLETED"
    assert metas[jobs[1].job_id]["status"] == "FINISHED:FAILED_TO_RUN"
    assert metas[jobs[1].job_id]["job_deploy_detail"] == ["server: job signature verification failed"]


@pytest.mark.parametrize(("release", "seconds"), [("2.6", 3600.0), ("2.7", 1800.0), ("2.9", 1800.0)])
def test_sessions_idle_as_long_as_the_release_lets_them(release: str, seconds: float) -> None:
    with MockServer(release) as server:
        assert server.call(lambda context: context.sessions.idle_timeout) == seconds
