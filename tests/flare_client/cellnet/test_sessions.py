"""Sessions over CellNet: what is protected how, what ends them, what they survive, and what they leave."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from flare_client import (
    AuthenticationError,
    CommandTimeout,
    ConfigError,
    ConnectionLost,
    FLCommunicationError,
    LoginRejected,
    NoConnection,
    NotInRelease,
    RegistrationRejected,
    ServerNotReached,
    Session,
    SessionClosed,
    SessionExpired,
    new_insecure_session,
    new_secure_session,
)
from flare_client.cellnet import login
from flare_client.cellnet.link import Link
from mock_server import MockServer
from mock_server.pki import Pki
from tests.support import CELL_RELEASES, JobMaker, wait_until

ADMIN = "admin@nvidia.com"
SCHEMES = ("http", "tcp", "grpc")


@pytest.fixture(params=SCHEMES)
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with MockServer("2.9", scheme=request.param) as running:
        yield running


@pytest.fixture
def session(server: MockServer) -> Iterator[Session]:
    with new_secure_session(ADMIN, str(server.kit())) as opened:
        yield opened


def readers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("flare-_admin_")}


# --- what a session has, and what it leaves ---------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["mtls", "tls", "clear"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_kit_says_what_protects_the_connection(scheme: str, security: str, make_job: JobMaker) -> None:
    with MockServer("2.9", scheme=scheme, connection_security=security) as server:
        kit = server.kit("lead@nvidia.com", role="lead")
        with new_secure_session("lead@nvidia.com", str(kit)) as session:
            job_id = session.submit_job(str(make_job()))
            assert session.get_job_meta(job_id)["submitter_name"] == "lead@nvidia.com"


def test_one_thread_reads_and_none_is_left(server: MockServer) -> None:
    kit, before = str(server.kit()), readers()
    session = new_secure_session(ADMIN, kit)
    assert len(readers() - before) == 1
    session.list_jobs()
    started = time.monotonic()
    session.close()
    assert time.monotonic() - started < 5
    assert readers() == before


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_no_socket_is_left(server: MockServer) -> None:
    with new_secure_session(ADMIN, str(server.kit())):
        pass
    gc.collect()
    wait_until(lambda: server.call(lambda context: len(context.sessions)) == 0)


def test_a_failed_login_leaves_nothing(server: MockServer) -> None:
    before = readers()
    with pytest.raises(RegistrationRejected):
        new_secure_session("nobody@example.org", str(server.kit()), timeout=20)
    assert readers() == before


def test_importing_needs_no_package_of_any_transport() -> None:
    program = "import sys, flare_client; print([m for m in ('h2', 'grpc', 'websockets') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_scheme_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flare_client.cellnet.schemes.grpc", raising=False)
    monkeypatch.setitem(sys.modules, "h2", None)
    monkeypatch.setitem(sys.modules, "h2.config", None)
    with MockServer("2.9", scheme="grpc") as server, pytest.raises(ConfigError, match=r"flare-conformance\[grpc\]"):
        new_secure_session(ADMIN, str(server.kit()))


# --- who may come in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_another_name_than_the_certificates_is_refused_at_once(release: str) -> None:
    with (
        MockServer(release) as server,
        pytest.raises(RegistrationRejected, match="error:client_registration") as caught,
    ):
        new_secure_session("nobody@example.org", str(server.kit()), timeout=60)
    assert isinstance(caught.value, FLCommunicationError)
    assert isinstance(caught.value, LoginRejected)


def test_a_certificate_of_another_ca_is_refused_at_once(server: MockServer) -> None:
    authority = Pki.foreign()
    try:
        with pytest.raises(LoginRejected):
            new_secure_session(ADMIN, str(server.kit(authority=authority)), timeout=60)
    finally:
        authority.close()


@pytest.mark.parametrize(
    ("entry", "name", "reason"),
    [
        ("server_identity", "server", "expected server identity is 'other' but got 'server'"),
        ("project_name", "example_project", "does not match the current server task"),
    ],
)
def test_a_server_or_project_of_another_name_is_refused_at_once(
    server: MockServer, entry: str, name: str, reason: str
) -> None:
    kit = server.kit()
    path = kit / "startup" / "fed_admin.json"
    path.write_text(path.read_text().replace(f'"{entry}": "{name}"', f'"{entry}": "other"'))
    with pytest.raises(RegistrationRejected, match=reason):
        new_secure_session(ADMIN, str(kit), timeout=60)


@pytest.mark.parametrize("release", ["2.8", "2.9"])
def test_an_unknown_study_has_a_code(release: str) -> None:
    with MockServer(release) as server, pytest.raises(AuthenticationError) as caught:
        new_secure_session(ADMIN, str(server.kit()), study="mine")
    assert caught.value.auth_code == "AUTH_STUDY_NOT_CONFIGURED"
    assert "study 'mine' is not configured on the server" in str(caught.value)


def test_a_release_without_studies_says_so() -> None:
    with MockServer("2.7") as server, pytest.raises(LoginRejected, match=r"release 2\.7 knows no studies"):
        new_secure_session(ADMIN, str(server.kit()), study="mine")


def test_the_certificate_names_the_user_of_an_insecure_session(server: MockServer) -> None:
    with new_insecure_session(str(server.kit("lead@nvidia.com", role="lead"))) as session:
        assert session.list_jobs() == []


@pytest.mark.parametrize("timeout", [0, -1])
def test_no_time_is_refused(server: MockServer, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be a number > 0"):
        new_secure_session(ADMIN, str(server.kit()), timeout=timeout)


def test_time_that_ran_out_before_the_connection_is_the_same_as_no_answer(
    server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine may take a try's last moments before it gets to the socket."""
    opened = login.connect

    def late(*args: Any) -> Link:
        return opened(*args[:-1], -0.1)

    monkeypatch.setattr(login, "connect", late)
    with pytest.raises(ServerNotReached, match="expected to be registered|timed out"):
        new_secure_session(ADMIN, str(server.kit()), timeout=0.5)


def test_a_silent_port_and_a_closed_one_fail_when_the_time_is_over(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(directory=tmp_path)
    path = kit / "startup" / "fed_admin.json"
    written = path.read_text()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        path.write_text(written.replace(str(server.admin_port), str(port)))
        with pytest.raises(ServerNotReached, match="cannot connect to server for 0.5 seconds") as caught:
            new_secure_session(ADMIN, str(kit), timeout=0.5)
    assert isinstance(caught.value, NoConnection)
    with pytest.raises(ServerNotReached, match="Connection refused"):
        new_secure_session(ADMIN, str(kit), timeout=0.3)


@pytest.mark.parametrize("words", [b"\0" * 64, b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n" * 10])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_stranger_on_the_port_is_no_server(scheme: str, words: bytes, tmp_path: Path) -> None:
    with MockServer("2.9", scheme=scheme, connection_security="clear") as server:
        kit = server.kit(directory=tmp_path)
        path = kit / "startup" / "fed_admin.json"
        written, own = path.read_text(), str(server.admin_port)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(words)
                while connection.recv(4096):
                    pass

        path.write_text(written.replace(own, str(listener.getsockname()[1])))
        answering = pool.submit(answer)
        with pytest.raises(ServerNotReached):
            new_secure_session(ADMIN, str(kit), timeout=0.5)
        answering.result(10)


# --- what happens to a session ----------------------------------------------------------------------------------------


def test_a_push_ends_the_session_until_the_next_login(server: MockServer, session: Session) -> None:
    server.expire_sessions()
    expected = "Your session is closed due to inactivity or cert expiry."

    def fails() -> bool:
        try:
            session.list_jobs()
        except SessionExpired as problem:
            return str(problem) == expected
        return False

    wait_until(fails)
    with pytest.raises(SessionExpired, match=expected):
        session.get_system_info()
    session.try_connect(10)
    assert session.list_jobs() == []


def test_a_command_that_waits_fails_with_the_connection(server: MockServer, session: Session) -> None:
    server.withhold("list_jobs")
    session.set_timeout(60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(session.list_jobs)
        wait_until(lambda: server.received("list_jobs") == 1)
        started = time.monotonic()
        server.restart()
        with pytest.raises(ConnectionLost):
            waiting.result(30)
    assert time.monotonic() - started < 30


def test_a_restart_is_survived(server: MockServer, session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job()))
    server.restart()

    def is_told() -> bool:
        try:
            return session.get_job_meta(job_id)["job_id"] == job_id
        except ConnectionLost:  # sent just before the client heard that its connection was cut
            return False

    wait_until(is_told)
    assert server.call(lambda context: len(context.sessions)) == 1


def test_a_server_that_is_gone_is_unreachable_until_it_is_back(tmp_path: Path) -> None:
    with MockServer("2.9", workspace=tmp_path / "lab") as first:
        port, kit = first.admin_port, first.kit()
        session = new_secure_session(ADMIN, str(kit))
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="Failed to communicate"):
            session.list_jobs()
    with MockServer("2.9", workspace=tmp_path / "lab", admin_port=port), session:
        assert session.list_jobs() == []


def test_a_command_timeout_leaves_the_session_as_it_was(server: MockServer, session: Session) -> None:
    server.withhold("list_jobs")
    session.set_timeout(0.2)
    with pytest.raises(CommandTimeout, match=r"expected an answer within 0\.2 s"):
        session.list_jobs()
    server.release_command("list_jobs")
    session.unset_timeout()
    assert session.list_jobs() == []


def test_closing_while_others_ask(server: MockServer) -> None:
    session = new_secure_session(ADMIN, str(server.kit()))
    asked = threading.Event()

    def ask() -> Exception:
        while True:
            try:
                session.list_jobs()
            except (SessionClosed, ConnectionLost) as problem:
                return problem
            asked.set()

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        assert asked.wait(20)
        session.close()
        assert all(isinstance(one.result(20), Exception) for one in asking)
    assert server.call(lambda context: len(context.sessions)) == 0


def test_the_end_of_the_server_ends_the_session(server: MockServer, session: Session) -> None:
    server.call(lambda context: [context.engine.set_site_connected(name, False) for name in ("site-1", "site-2")])
    session._conversation.ask("shutdown server", needs_meta=False)
    with pytest.raises((SessionClosed, ConnectionLost)):
        session.list_jobs()


# --- submit tokens ----------------------------------------------------------------------------------------------------


def test_a_release_without_submit_tokens_says_so(make_job: JobMaker) -> None:
    with MockServer("2.7") as server, new_secure_session(ADMIN, str(server.kit())) as session:
        for call in (
            lambda: session.submit_job(str(make_job()), submit_token="one"),
            lambda: session.list_jobs(submit_token="one"),
        ):
            refuse(call)


def refuse(call: Callable[[], object]) -> None:
    with pytest.raises(NotInRelease, match=r"submit_token is of releases from 2\.8, but the server is of 2\.7"):
        call()
