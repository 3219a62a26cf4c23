"""The transcript of real sessions, in both dialects: what is in it, in which order, how much, and no secret."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flare_client import JobNotFound, Session, new_insecure_session, new_secure_session
from flare_client.protocol.envelope import request
from flare_client.protocol.hci.text import TextFraming
from mock_server import ManualClock, MockServer, Retention, Transcript
from mock_server.cli import main
from mock_server.transcript.entry import Direction, Entry, Kind
from mock_server.transcript.facts import Commanded, Decided, Injected, ReplySent, RequestCame, Trace
from tests.support import CELL_RELEASES, RELEASES, JobMaker, RawClient, wait_until

Workspace = Callable[[], Path]


def work(server: MockServer, make_job: JobMaker) -> list[str]:
    """Use a session from login to logout, and return every secret that it knew."""
    session = new_secure_session("admin@nvidia.com", str(server.kit()))
    job_id = session.submit_job(str(make_job()))
    session.list_jobs(detailed=True)
    session.download_job_result(job_id) if server.profile.cell is None else session.get_system_info()
    with pytest.raises(JobNotFound):
        session.get_job_meta(f"token {secrets_of(server, session)[0]}")
    found = secrets_of(server, session)
    session.close()
    wait_until(lambda: "closed" in [entry.detail.get("event") for entry in server.transcript.entries()][-1:])
    return found


def secrets_of(server: MockServer, session: Session) -> list[str]:
    connection: Any = session._connection
    found = [*server.call(lambda context: [one.token for one in context.sessions]), connection._logged_in.token]
    if server.profile.cell is not None:
        peer = connection._link._peer
        found += [peer._credentials.token, peer._credentials.signature, peer._nonce]
        if server.profile.release != "2.7":
            connection._ask(connection.envelope("list_sessions"))
    return found


@pytest.mark.parametrize("release", ["2.3", "2.4", "2.6", *CELL_RELEASES])
def test_no_secret_of_a_session_is_ever_shown(
    release: str, workspace: Workspace, make_job: JobMaker, tmp_path: Path
) -> None:
    with MockServer(release, workspace=workspace()) as server:
        found = work(server, make_job)
        assert len(found) >= 2
        key = (server.kit() / "startup" / "client.key").read_text()
        server.transcript.write_jsonl(tmp_path / "transcript.jsonl")
        for shown in (
            server.transcript.as_text(),
            (tmp_path / "transcript.jsonl").read_text(),
            str(list(server.calls)),
        ):
            assert shown
            assert [secret for secret in found if secret in shown] == []
            assert key.splitlines()[1] not in shown
            assert "BEGIN CERTIFICATE" not in shown


def test_no_password_is_ever_shown() -> None:
    with MockServer("2.3", secure=False) as server:
        new_insecure_session(str(server.kit())).close()
        line = next(entry for entry in server.transcript.entries() if entry.kind is Kind.COMMAND)
    assert line.detail["line"] == "_login admin <password>"
    assert "_login admin admin" not in server.transcript.as_text() + str(list(server.calls))


def test_a_command_of_the_socket_dialect_is_told_in_order(workspace: Workspace) -> None:
    clock = ManualClock(1_700_000_000.0)
    with MockServer("2.6", workspace=workspace(), clock=clock) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        session.list_jobs()
        session.close()
        entries = [entry for entry in server.transcript.entries() if entry.connection == 3]
    assert [(entry.kind, entry.direction) for entry in entries] == [
        (Kind.CONNECTION, Direction.NONE),
        (Kind.HANDSHAKE, Direction.NONE),
        (Kind.MESSAGE, Direction.IN),
        (Kind.COMMAND, Direction.NONE),
        (Kind.MESSAGE, Direction.OUT),
        (Kind.CONNECTION, Direction.NONE),
    ]
    opened, tls, request_, command, reply, closed = entries
    assert opened.time == "2023-11-14T22:13:20.000000+00:00"
    assert "CN=admin@nvidia.com" in tls.detail["certificate"]
    assert request_.user == "admin@nvidia.com"
    assert request_.detail["names"] == ["time", "data", "meta"]
    assert request_.detail["framing"]["ends"] == "0304"
    assert request_.detail["data"][0] == {"type": "command", "data": "list_jobs"}
    assert command.detail["status"] == "ok"
    assert reply.detail["meta"]["jobs"] == []
    assert closed.detail["by"] == "server"
    assert request_.session
    assert {entry.session for entry in entries[2:]} == {request_.session}
    assert [entry.number for entry in entries] == sorted(entry.number for entry in entries)


@pytest.mark.parametrize("scheme", ["http", "tcp", "grpc"])
def test_a_session_of_cellnet_is_told_in_order(scheme: str, workspace: Workspace, make_job: JobMaker) -> None:
    with MockServer("2.9", workspace=workspace(), scheme=scheme) as server:
        work(server, make_job)
        entries = server.transcript.entries()
    first = [entry for entry in entries if entry.kind is Kind.MESSAGE][:6]
    assert [(entry.direction, entry.detail["type"]) for entry in first] == [
        (Direction.IN, "HELLO"),
        (Direction.OUT, "READY"),
        (Direction.IN, "DATA"),
        (Direction.OUT, "DATA"),
        (Direction.IN, "DATA"),
        (Direction.OUT, "DATA"),
    ]
    assert first[0].detail["frame"]["sequence"] == 1
    assert first[0].detail["content"]["endpoint_name"].startswith("_admin_")
    assert first[4].detail["headers"]["cn__topic"] == "register"
    assert first[4].detail["registered"] == "admin@nvidia.com"
    assert "CN=admin@nvidia.com" in first[4].detail["content"]["Shareable"]["cert"]
    said = [entry for entry in entries if entry.detail.get("request") == "hci_channel/command"]
    assert said[0].detail["content"]["json"]["data"][0]["data"] == "_cert_login admin@nvidia.com"
    assert next(entry.detail["line"] for entry in entries if entry.kind is Kind.COMMAND).startswith("_cert_login")
    assert {entry.connection for entry in entries} == {1}
    assert entries[-1].detail["by"] == "client"


def test_what_was_refused_is_told_with_its_reason(workspace: Workspace) -> None:
    with MockServer("2.6", workspace=workspace()) as server:
        raw = RawClient(server, server.kit())
        raw.send(b"nonsense\x04")
        raw.send(b'{"data": [{"type": "command", "data": "x"}]}\x03\x04 and more')
        refused, taken = [entry.detail for entry in server.transcript.entries() if entry.direction is Direction.IN]
        wait_until(lambda: len([e for e in server.transcript.entries() if e.detail.get("event") == "closed"]) == 2)
        unread = [e.detail["unread"] for e in server.transcript.entries() if e.detail.get("event") == "closed"]
    assert "JSON" in refused["refused"]
    assert refused["framing"] == {"form": "text", "size": 9, "line_ends": 0, "ends": "04", "ascii": True}
    assert taken["names"] == ["data"]
    assert unread == [0, 9]


def test_a_refused_handshake_is_told(workspace: Workspace) -> None:
    with MockServer("2.6", workspace=workspace()) as server:
        with socket.create_connection((server.host, server.admin_port)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            stranger.recv(1000)
        failed = [entry for entry in server.transcript.entries() if entry.kind is Kind.HANDSHAKE]
    assert failed[0].detail["event"] == "tls failed"


def noted(transcript: Transcript, *facts: Any) -> list[Entry]:
    trace = Trace(transcript)
    for fact in facts:
        trace.note(fact)
    return transcript.entries()


def test_the_oldest_entries_go_first() -> None:
    transcript = Transcript(Retention(entries=3))
    entries = noted(transcript, *[Decided(f"number {number}") for number in range(1, 6)])
    assert [entry.number for entry in entries] == [3, 4, 5]
    assert [entry.number for entry in transcript.entries(since=4)] == [5]
    assert transcript.last == 5
    transcript.clear()
    assert transcript.entries() == []
    assert [entry.number for entry in noted(transcript, Decided("after"))] == [6]


def test_bytes_are_bounded_as_well() -> None:
    transcript = Transcript(Retention(bytes=100_000))
    assert 0 < len(noted(transcript, *[ReplySent(b"x" * 10_000)] * 1000)) <= 10


def test_a_long_message_is_not_kept_whole() -> None:
    transcript = Transcript(Retention(bytes=1_000_000))
    line = "submit_job folder " + "QUJD" * 1_000_000
    envelope = request(line, "t" * 36)
    [first, second] = noted(
        transcript,
        RequestCame(envelope, TextFraming(len(line), 1, True, True, True)),
        Commanded(line, "", None, "reply"),
    )
    assert first.detail["framing"]["size"] == len(line) + 1
    assert len(json.dumps(first.to_json()) + json.dumps(second.to_json())) < 10_000


def test_no_bounds_below_zero() -> None:
    with pytest.raises(ValueError, match="no negative bounds"):
        Retention(entries=-1)


def test_a_transcript_may_keep_nothing(workspace: Workspace) -> None:
    with MockServer("2.6", workspace=workspace(), retention=Retention(entries=0)) as server:
        new_secure_session("admin@nvidia.com", str(server.kit())).close()
        assert server.transcript.entries() == []
        assert [call.name for call in server.calls][:1] == ["_cert_login"]


def test_an_entry_survives_being_written_down(tmp_path: Path) -> None:
    transcript = Transcript()
    entries = noted(transcript, Decided("ä decision", {"n": 1}), Injected("a fault"))
    assert transcript.write_jsonl(tmp_path / "t.jsonl") == 2
    lines = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Entry.from_json(json.loads(line)) for line in lines] == entries
    assert [entry.kind for entry in entries] == [Kind.DECISION, Kind.FAULT]
    for wrong in ({}, {**json.loads(lines[0]), "kind": "other"}, {**json.loads(lines[0]), "more": 1}):
        with pytest.raises(ValueError, match="expected an entry"):
            Entry.from_json(wrong)


def test_a_listener_is_told_until_it_has_enough() -> None:
    transcript, heard = Transcript(), []
    end = transcript.follow(lambda entry: heard.append(entry.summary))
    noted(transcript, Decided("one"), Decided("two"))
    end()
    noted(transcript, Decided("three"))
    assert heard == ["one", "two"]


def test_it_may_be_read_while_it_is_written() -> None:
    transcript, stop = Transcript(Retention(entries=50)), threading.Event()

    def write() -> None:
        trace = Trace(transcript)
        while not stop.is_set():
            trace.note(Decided("again"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            numbers = [entry.number for entry in transcript.entries()]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    finally:
        stop.set()
        writer.join()


def test_the_command_writes_it_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "no" / "such" / "folder.jsonl"
    result = CliRunner().invoke(main, ["serve", "--workspace", str(tmp_path / "lab"), "--transcript", str(path)])
    assert result.exit_code == 2
    assert "folder.jsonl" in result.output


@pytest.mark.parametrize("release", [RELEASES[-1], CELL_RELEASES[-1]])
def test_it_outlives_the_server(release: str, workspace: Workspace) -> None:
    server = MockServer(release, workspace=workspace())
    with server:
        new_secure_session("admin@nvidia.com", str(server.kit())).close()
    assert server.calls.require_once("_logout")
    assert "_cert_login admin@nvidia.com" in server.transcript.as_text()
