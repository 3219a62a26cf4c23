"""Connecting, failing to connect, and connecting again."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import (
    AuthenticationError,
    InternalError,
    LoginRejected,
    NoConnection,
    ServerUnreachable,
    Session,
    SessionClosed,
    SessionExpired,
    new_insecure_session,
    new_secure_session,
)
from mock_server import MockServer
from mock_server.pki import Pki
from tests.support import RELEASES

ADMIN = "admin@nvidia.com"
LONG = 60.0
"""A time to connect that a test would not survive: what ends sooner did not wait."""
UTC = datetime.timezone.utc


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer("2.6") as running:
        yield running


@pytest.fixture(scope="module")
def foreign() -> Iterator[Pki]:
    authority = Pki.foreign()
    yield authority
    authority.close()


def rejected(user: str, kit: Path) -> LoginRejected:
    started = time.monotonic()
    with pytest.raises(LoginRejected) as caught:
        new_secure_session(user, str(kit), timeout=LONG)
    assert time.monotonic() - started < LONG / 2
    assert isinstance(caught.value, NoConnection)
    assert isinstance(caught.value, AuthenticationError)
    return caught.value


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("user", ["other@nvidia.com", "ADMIN@nvidia.com", "admin@nvidia.com extra", ""])
def test_another_user_than_the_certificate_names_is_rejected_at_once(
    servers: Callable[[str], MockServer], release: str, user: str
) -> None:
    problem = rejected(user, servers(release).kit())
    assert "user name and certificate must agree" in str(problem)
    assert repr(user) in str(problem)


def test_a_server_of_another_authority_is_refused_at_once(server: MockServer, foreign: Pki, tmp_path: Path) -> None:
    assert "certificate" in str(rejected(ADMIN, server.kit(directory=tmp_path, authority=foreign))).lower()


def redirect(kit: Path, from_port: int, to_port: int) -> Path:
    """Make a kit name another port."""
    config = kit / "startup" / "fed_admin.json"
    text = config.read_text()
    assert f":{from_port}" in text
    config.write_text(text.replace(f":{from_port}", f":{to_port}"))
    return kit


def test_a_user_of_another_authority_is_refused_at_once(server: MockServer, foreign: Pki, tmp_path: Path) -> None:
    kit = server.kit(directory=tmp_path, authority=foreign)
    shutil.copy(server.kit() / "startup" / "rootCA.pem", kit / "startup" / "rootCA.pem")
    rejected(ADMIN, kit)


@pytest.mark.parametrize(
    ("not_before", "not_after"), [(-20, -10), (10, 20)], ids=["an expired one", "one that is not valid yet"]
)
def test_a_certificate_out_of_its_time_is_refused_at_once(
    server: MockServer, tmp_path: Path, not_before: int, not_after: int
) -> None:
    now = datetime.datetime.now(UTC)
    start, end = now + datetime.timedelta(not_before), now + datetime.timedelta(not_after)
    rejected(ADMIN, server.kit(directory=tmp_path, not_before=start, not_after=end))


@pytest.fixture
def leaving(server: MockServer) -> Iterator[int]:
    """The port of a server that shakes hands and goes away."""
    context = server.pki.server_context()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                context.wrap_socket(connection, server_side=True).close()

    serving = threading.Thread(target=serve)
    serving.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    serving.join()


def test_a_handshake_without_an_answer_is_no_refusal(server: MockServer, leaving: int, tmp_path: Path) -> None:
    """The certificate is fine, the server merely goes away: it may come back, so the time is used."""
    session = Session(ADMIN, str(redirect(server.kit(directory=tmp_path), server.admin_port, leaving)))
    with pytest.raises(NoConnection) as caught:
        session.try_connect(0.3)
    assert type(caught.value) is NoConnection


def test_a_failed_constructor_function_leaves_no_open_session(server: MockServer) -> None:
    before = server.call(lambda context: len(context.sessions))
    with pytest.raises(LoginRejected):
        new_secure_session("nobody", str(server.kit()))
    assert server.call(lambda context: len(context.sessions)) == before


# --- nobody there -------------------------------------------------------------------------------------------------


def test_nothing_listening_fails_when_the_time_is_over_and_can_be_tried_again(tmp_path: Path) -> None:
    with MockServer("2.6", workspace=tmp_path) as first:
        kit, port, admin_port = first.kit(), first.port, first.admin_port
    session = Session(ADMIN, str(kit))
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(
            NoConnection, match=r"^cannot connect to FLARE in 0\.3 seconds: error: Failed to comm"
        ) as caught:
            session.try_connect(0.3)
        assert time.monotonic() - started >= 0.3
        assert type(caught.value) is NoConnection
        assert isinstance(caught.value.__cause__, ServerUnreachable)
    with MockServer("2.6", workspace=tmp_path, port=port, admin_port=admin_port):
        session.try_connect(10)
        assert session.list_jobs() == []
        session.close()


def test_a_port_that_accepts_and_stays_silent_fails_when_the_time_is_over(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(directory=tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        redirect(kit, server.admin_port, silent.getsockname()[1])
        started = time.monotonic()
        with pytest.raises(NoConnection, match="timed out") as caught:
            new_secure_session(ADMIN, str(kit), timeout=0.4)
        assert 0.4 <= time.monotonic() - started < LONG / 2
        assert type(caught.value) is NoConnection


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -0.5])
def test_no_time_fails_at_once(server: MockServer, timeout: float) -> None:
    session = Session(ADMIN, str(server.kit()))
    with pytest.raises(NoConnection, match=f"^cannot connect to FLARE in {timeout} seconds$"):
        session.try_connect(timeout)
    session.try_connect(10)
    session.close()


def test_the_wrong_security_is_no_connection(server: MockServer, tmp_path: Path) -> None:
    with MockServer("2.6", secure=False) as plain:
        for from_kit, to in ((plain.kit(), server), (server.kit(), plain)):
            kit = tmp_path / f"kit-{to.admin_port}"
            shutil.copytree(from_kit, kit)
            redirect(kit, (plain if to is server else server).admin_port, to.admin_port)
            session = Session(ADMIN, str(kit), secure_mode=to is plain)
            with pytest.raises(NoConnection):
                session.try_connect(0.3)
            session.close()


# --- again --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_a_restarted_server_is_told_and_reconnected(release: str) -> None:
    with MockServer(release) as server, new_secure_session(ADMIN, str(server.kit())) as session:
        server.restart()
        for _ in range(2):
            with pytest.raises(SessionExpired, match="session_inactive") as caught:
                session.list_jobs()
            assert isinstance(caught.value, InternalError)
            assert isinstance(caught.value, SessionClosed)
        session.try_connect(10)
        assert session.list_jobs() == []


@pytest.mark.parametrize("release", RELEASES)
def test_expired_sessions_are_told_and_reconnected(servers: Callable[[str], MockServer], release: str) -> None:
    server = servers(release)
    with new_secure_session(ADMIN, str(server.kit())) as session:
        server.expire_sessions()
        with pytest.raises(SessionExpired):
            session.get_system_info()
        session.try_connect(10)
        assert session.get_system_info().server_info.status == "stopped"


def test_a_server_that_is_gone_is_unreachable_until_it_is_back(tmp_path: Path) -> None:
    with MockServer("2.6", workspace=tmp_path) as first:
        kit, port, admin_port = first.kit(), first.port, first.admin_port
        session = new_secure_session(ADMIN, str(kit))
    with pytest.raises(ServerUnreachable, match="^error: Failed to communicate with Admin Server") as caught:
        session.list_jobs()
    assert isinstance(caught.value, InternalError)
    assert isinstance(caught.value, ConnectionError)
    assert isinstance(caught.value.__cause__, OSError)
    with MockServer("2.6", workspace=tmp_path, port=port, admin_port=admin_port):
        with pytest.raises(SessionExpired):
            session.list_jobs()
        session.try_connect(10)
        assert session.list_jobs() == []
        session.close()


def test_a_failed_reconnect_leaves_the_session_usable(tmp_path: Path) -> None:
    with MockServer("2.6", workspace=tmp_path) as first:
        kit, port, admin_port = first.kit(), first.port, first.admin_port
        session = new_secure_session(ADMIN, str(kit))
        first.expire_sessions()
        with pytest.raises(SessionExpired):
            session.list_jobs()
    with pytest.raises(NoConnection):
        session.try_connect(0.2)
    with MockServer("2.6", workspace=tmp_path, port=port, admin_port=admin_port):
        session.try_connect(10)
        assert session.list_jobs() == []
        session.close()


# --- insecure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_an_insecure_session_is_restarted_too(release: str) -> None:
    with MockServer(release, secure=False) as server, new_insecure_session(str(server.kit())) as session:
        server.restart()
        with pytest.raises(SessionExpired):
            session.list_jobs()
        session.try_connect(10)
        assert session.list_jobs() == []
