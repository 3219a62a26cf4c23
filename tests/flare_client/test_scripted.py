"""A session against answers that no well-behaved server gives, and against unusual pieces of good ones."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flare_client import (
    InternalError,
    LoginRejected,
    MalformedReply,
    NoConnection,
    NotInRelease,
    ServerUnreachable,
    Session,
    SessionClosed,
    SessionExpired,
    new_insecure_session,
)
from flare_client.hci import login
from flare_client.hci.transport import SocketTransport
from tests.flare_client.scripted_server import END, Answer, ScriptedServer, item, reply
from tests.support import RELEASES

FINE = reply(jobs=[], status="ok")

Connect = Callable[..., tuple[ScriptedServer, Session]]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Start a scripted server and log in to it; everything is closed at the end."""
    opened: list[tuple[ScriptedServer, Session]] = []

    def make(release: str = "2.6", **answers: Answer | Callable[[str], Answer]) -> tuple[ScriptedServer, Session]:
        server = ScriptedServer(release, **answers).__enter__()
        try:
            session = new_insecure_session(str(server.kit(tmp_path / f"kit-{len(opened)}")))
        except BaseException:
            server.__exit__(None, None, None)
            raise
        opened.append((server, session))
        return server, session

    yield make
    for server, session in opened:
        session.close()
        server.__exit__(None, None, None)


# --- replies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "answer",
    [
        b"\x04",
        b"\x03\x04",
        b"not json" + END,
        b"[]" + END,
        b'{"data": "text"}' + END,
        b'{"data": [{"type": "unheard", "data": ""}]}' + END,
        b'{"data": [{"type": "string", "data": 5}], "meta": {"status": "ok"}}' + END,
        b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}" + END,
        b"\xff\xfe" + END,
    ],
    ids=["0x04", "empty line", "no json", "no object", "no items", "unknown item", "number item", "deep", "no utf-8"],
)
def test_an_answer_that_is_no_reply_is_a_connection_error(connect: Connect, release: str, answer: bytes) -> None:
    server, session = connect(release, list_jobs=answer)
    with pytest.raises(MalformedReply) as caught:
        session.list_jobs()
    assert isinstance(caught.value, ConnectionError)
    server.answers["list_jobs"] = FINE
    assert session.list_jobs() == []  # the session goes on


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("answer", [b"", b"{", FINE[:-1], FINE[:-2]])
def test_an_answer_that_is_cut_short_is_an_unreachable_server(connect: Connect, release: str, answer: bytes) -> None:
    server, session = connect(release, list_jobs=answer)
    with pytest.raises(
        ServerUnreachable, match=r"^error: Failed to communicate with Admin Server 127\.0\.0\.1 on"
    ) as caught:
        session.list_jobs()
    assert isinstance(caught.value, InternalError)
    assert isinstance(caught.value, ConnectionError)
    server.answers["list_jobs"] = FINE
    assert session.list_jobs() == []


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_reply_may_come_in_any_pieces(connect: Connect, size: int) -> None:
    text = reply(item("string", "x" * 50), jobs=[{"job_id": "é"}], status="ok")
    _, session = connect(list_jobs=[text[start : start + size] for start in range(0, len(text), size)])
    assert session.list_jobs() == [{"job_id": "é"}]


def test_a_reply_may_come_late(connect: Connect) -> None:
    released = threading.Event()

    def late(line: str) -> bytes:
        assert released.wait(10)
        return FINE

    _, session = connect(list_jobs=late)
    results: list[object] = []
    waiting = threading.Thread(target=lambda: results.append(session.list_jobs()))
    waiting.start()
    released.set()
    waiting.join(10)
    assert results == [[]]


def test_what_follows_the_end_of_a_reply_is_not_read(connect: Connect) -> None:
    _, session = connect(list_jobs=FINE + b"garbage \x04\xff")
    assert session.list_jobs() == []


def test_the_line_end_may_be_missing(connect: Connect) -> None:
    _, session = connect(list_jobs=FINE.replace(b"\x03", b""))
    assert session.list_jobs() == []


def test_the_last_line_wins_and_the_meta_of_an_earlier_one_is_kept(connect: Connect) -> None:
    first = reply(jobs=[{"job_id": "1"}], status="ok")[:-1]
    _, session = connect(list_jobs=first + b'{"data": [{"type": "success", "data": ""}]}' + END)
    assert session.list_jobs() == [{"job_id": "1"}]


@pytest.mark.parametrize("release", RELEASES)
def test_a_meta_without_status_counts_as_the_release_says(connect: Connect, release: str) -> None:
    _, session = connect(release, list_jobs=reply(jobs=[]))
    assert session.release == release
    if release == "2.3":
        with pytest.raises(InternalError, match=r"^server internal error \(None\): $"):
            session.list_jobs()
    else:
        assert session.list_jobs() == []


def test_ids_that_the_server_leaves_out_are_internal_errors(connect: Connect) -> None:
    _, session = connect(clone_job=reply(status="ok"), get_job_meta=reply(status="ok"))
    with pytest.raises(InternalError, match="server failed to return job id"):
        session.clone_job("x")
    with pytest.raises(InternalError, match="server failed to return job meta"):
        session.get_job_meta("x")


def test_a_server_that_falls_silent_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "IDLE_SECONDS", 0.2)
    released = threading.Event()

    def silent(line: str) -> bytes:
        released.wait(10)
        return b""

    _, session = connect(list_jobs=silent)
    with pytest.raises(ServerUnreachable, match="timed out"):
        session.list_jobs()
    released.set()


def test_a_refusal_in_the_middle_of_an_upload_is_still_read(connect: Connect, tmp_path: Path) -> None:
    refusal = reply(item("error", "no"), status="not_authorized", info="user 'a' is not authorized for 'submit_job'")
    _, session = connect("2.6", submit_job=refusal)
    (tmp_path / "job").mkdir()
    with pytest.raises(Exception, match="is not authorized for 'submit_job'"):
        session.submit_job(str(tmp_path / "job"))


# --- the shutdown item --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_a_shutdown_item_closes_the_session_after_the_command_returned(connect: Connect, release: str) -> None:
    server, session = connect(release, list_jobs=reply(item("shutdown", "Bye bye"), item("success", ""), status="ok"))
    assert session.list_jobs() == []
    with pytest.raises(SessionClosed, match="^session closed$"):
        session.list_jobs()
    with pytest.raises(SessionClosed, match="^session closed$"):
        session.try_connect(1)
    session.close()
    assert server.lines == ["_login admin admin", "_commands", "list_jobs"]  # nobody is left to log out from


def test_a_shutdown_item_closes_the_session_even_when_the_command_fails(connect: Connect) -> None:
    _, session = connect(list_jobs=reply(item("shutdown", "Goodbye!"), status="error", info="boom"))
    with pytest.raises(InternalError, match="error: boom"):
        session.list_jobs()
    with pytest.raises(SessionClosed, match="^session closed$"):
        session.list_jobs()


def test_a_shutdown_item_after_an_error_is_not_read(connect: Connect) -> None:
    _, session = connect(list_jobs=reply(item("error", "x"), item("shutdown", "Goodbye!"), status="ok"))
    assert session.list_jobs() == []
    assert session.list_jobs() == []


# --- the session --------------------------------------------------------------------------------------------------


EXPIRED = reply(
    item("error", "session_inactive"), item("string", "logged out"), status="error", info="session_inactive"
)


def test_an_expired_session_can_log_in_again(connect: Connect) -> None:
    server, session = connect(list_jobs=EXPIRED)
    for _ in range(2):
        with pytest.raises(SessionExpired):
            session.list_jobs()
    server.answers["list_jobs"] = FINE
    session.try_connect(5)
    assert session.list_jobs() == []
    assert server.lines.count("_commands") == 2


def test_connecting_a_connected_session_asks_the_server_nothing(connect: Connect) -> None:
    server, session = connect()
    session.try_connect(5)
    session.try_connect(0)
    assert server.lines == ["_login admin admin", "_commands"]


def test_a_session_that_expires_between_two_files_can_log_in_again(connect: Connect) -> None:
    """The refusal comes as text where file data is expected."""
    files = reply(status="ok", files=["meta.json"], tx_id="t", cmd_name="download_job_file")
    server, session = connect(download_job=files, download_job_file=EXPIRED, list_jobs=FINE)
    with pytest.raises(SessionExpired):
        session.download_job_result("id")
    session.try_connect(5)
    assert server.lines.count("_commands") == 2


@pytest.mark.parametrize(
    "answers",
    [
        {"_login": b""},
        {"_login": b"\x04"},
        {"_login": reply(item("string", "OK"))},
        {"_login": reply(item("token", "t"))},
        {"_login": reply(item("string", "OK"), item("token", {}))},
        {"_commands": b""},
        {"_commands": reply(item("string", "OK"))},
        {"_commands": reply(item("table", []))},
    ],
    ids=["eof", "0x04", "no token", "no OK", "token object", "no commands", "no table", "empty table"],
)
def test_a_login_that_makes_no_sense_ends_with_the_time(
    connect: Connect, tmp_path: Path, answers: dict[str, bytes]
) -> None:
    with ScriptedServer("2.6", **answers) as server:
        session = Session("admin", str(server.kit(tmp_path / "kit")), secure_mode=False)
        with pytest.raises(NoConnection, match=r"^cannot connect to FLARE in 0\.3 seconds: ") as caught:
            session.try_connect(0.3)
        assert type(caught.value) is NoConnection
        assert server.lines.count("_login admin admin") > 1  # it tried again
        session.close()


def test_a_rejected_password_ends_at_once(tmp_path: Path) -> None:
    with ScriptedServer("2.3", _login=reply(item("string", "REJECT"))) as server:
        with pytest.raises(LoginRejected, match="rejects the login"):
            new_insecure_session(str(server.kit(tmp_path / "kit")), timeout=60)
        assert server.lines == ["_login admin admin"]


def test_a_server_that_comes_up_slowly_is_waited_for(connect: Connect, tmp_path: Path) -> None:
    tries: list[str] = []
    good = reply(item("string", "OK"), item("token", "t"))

    def slow(line: str) -> bytes:
        tries.append(line)
        return good if len(tries) > 2 else b""

    _, session = connect(_login=slow, list_jobs=FINE)
    assert session.list_jobs() == []
    assert len(tries) == 3


def test_the_time_to_connect_holds_over_all_steps_of_the_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the login took is not left for the question after it."""
    allowed: list[float] = []
    exchange = SocketTransport.exchange

    def spy(self: SocketTransport, *args: Any, idle_timeout: float, **kwargs: Any) -> None:
        allowed.append(idle_timeout)
        exchange(self, *args, idle_timeout=idle_timeout, **kwargs)

    monkeypatch.setattr(SocketTransport, "exchange", spy)

    def late(line: str) -> bytes:
        threading.Event().wait(0.2)  # a server that needs a moment is the subject here
        return reply(item("string", "OK"), item("token", "t"))

    with (
        ScriptedServer("2.6", _login=late) as server,
        new_insecure_session(str(server.kit(tmp_path / "kit")), timeout=9),
    ):
        assert len(allowed) == 2
        assert allowed[0] <= 9
        assert allowed[1] <= allowed[0] - 0.2


def test_a_command_that_the_server_did_not_announce_is_not_in_the_release(connect: Connect) -> None:
    rows = [["SCOPE", "COMMAND", "D", "U", "C"], ["job_mgmt", "list_jobs", "", "", "none"]]
    server, session = connect(_commands=reply(item("table", rows)), list_jobs=FINE)
    assert session.list_jobs() == []
    with pytest.raises(NotInRelease, match="'clone_job'") as caught:
        session.clone_job("id")
    assert isinstance(caught.value, InternalError)
    assert "clone_job id" not in server.lines


def test_a_reset_connection_is_an_unreachable_server(connect: Connect, tmp_path: Path) -> None:
    _, session = connect()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            accepted, _ = listener.accept()
            accepted.recv(1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.close()

        resetting = threading.Thread(target=reset)
        resetting.start()
        endpoint = session._connection._transport.endpoint
        session._connection._transport.endpoint = type(endpoint)("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(ServerUnreachable):
            session.list_jobs()
        resetting.join()
        session._connection._transport.endpoint = endpoint
