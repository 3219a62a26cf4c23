"""Faults in the transcript and among the calls, in both dialects."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import Session, errors, new_secure_session
from mock_server import MockServer
from mock_server.faults import Close, Cut, Refuse, ReplyText, ReplyWith, Reset, Throttle
from mock_server.transcript import Direction, Entry, Kind
from tests.mock_server.transcript.test_transcript import secrets_of
from tests.support import JobMaker, wait_until

ADMIN = "admin@nvidia.com"


@pytest.fixture(params=["2.6", "2.9"])
def server(request: pytest.FixtureRequest, workspace: Callable[[], Path]) -> Iterator[MockServer]:
    with MockServer(request.param, workspace=workspace()) as running:
        yield running


@pytest.fixture
def session(server: MockServer) -> Iterator[Session]:
    with new_secure_session(ADMIN, str(server.kit()), timeout=10.0) as opened:
        yield opened


def faults_of(server: MockServer) -> list[Entry]:
    return [entry for entry in server.transcript.entries() if entry.kind is Kind.FAULT]


def closed(server: MockServer, connection: int) -> Entry:
    def found() -> list[Entry]:
        entries = [entry for entry in server.transcript.entries() if entry.connection == connection]
        return [entry for entry in entries if entry.detail.get("event") == "closed"]

    wait_until(lambda: bool(found()))
    return found()[0]


def test_a_fault_is_told_with_its_rule_on_its_connection(server: MockServer, session: Session) -> None:
    with server.faults.inject(Cut(keep=7), command="list_*", nth=2):
        session.list_jobs()
        with pytest.raises(errors.ServerUnreachable):
            session.list_jobs()
    (fault,) = faults_of(server)
    assert fault.summary == "cut strikes list_jobs (answer)"
    assert fault.detail["action"] == {"keep": 7, "reset": False, "kind": "cut"}
    assert fault.detail["rule"] == {"command": "list_*", "nth": 2}
    assert fault.detail["strikes"] == {"at": "command", "direction": "answer", "command": "list_jobs", "file": ""}
    assert fault.detail["fired"] == 1
    before = [entry for entry in server.transcript.entries() if entry.number < fault.number]
    message = [entry for entry in before if entry.kind is Kind.MESSAGE and "list_jobs" in entry.summary][-1]
    assert (fault.connection, fault.user, fault.session) == (message.connection, ADMIN, session_mark(server))
    end = closed(server, fault.connection)
    assert (end.detail["by"], end.detail["reason"]) == ("server", "a fault")


def session_mark(server: MockServer) -> str:
    return server.calls.of("list_jobs")[-1].session


def test_an_answer_is_told_as_it_leaves(server: MockServer, session: Session) -> None:
    with server.faults.inject(ReplyText("no envelope"), command="list_jobs"), pytest.raises(errors.InternalError):
        session.list_jobs()
    mark = server.transcript.last
    with server.faults.inject(Throttle(20_000), command="list_jobs"):
        session.list_jobs()
    texts = [json.dumps(entry.detail) for entry in server.transcript.entries() if entry.direction is Direction.OUT]
    assert any("no envelope" in text for text in texts)
    since = server.transcript.entries(since=mark)
    assert [entry.kind for entry in since if entry.kind is Kind.FAULT] == [Kind.FAULT]
    assert any(entry.direction is Direction.OUT and "status" in json.dumps(entry.detail) for entry in since)


def test_what_leaves_before_a_cut_is_all_that_is_told(workspace: Callable[[], Path]) -> None:
    with (
        MockServer("2.6", workspace=workspace()) as server,
        new_secure_session(ADMIN, str(server.kit())) as session,
        server.faults.inject(Cut(keep=7), command="list_jobs"),
    ):
        with pytest.raises(errors.ServerUnreachable):
            session.list_jobs()
        (fault,) = faults_of(server)
        sent = [one for one in server.transcript.entries() if one.connection == fault.connection]
        assert [one.detail["size"] for one in sent if one.direction is Direction.OUT] == [7]


@pytest.mark.parametrize(("action", "answer"), [(Close(), "close"), (Reset(), "reset")])
def test_a_call_that_a_fault_took_is_told_with_its_end(
    server: MockServer, session: Session, action: Close | Reset, answer: str
) -> None:
    with server.faults.inject(action, command="list_jobs", times=1), pytest.raises(errors.ServerUnreachable):
        session.list_jobs()
    call = server.calls.require_once("list_jobs", user=ADMIN)
    assert (call.answer, call.status, call.error) == (answer, None, "")
    assert call.session.startswith("<session ")


def submit_in_vain(session: Session, job: Path) -> None:
    with contextlib.suppress(errors.ServerUnreachable):
        session.submit_job(str(job))


def test_a_withheld_command_is_a_call_without_an_answer(
    server: MockServer, session: Session, make_job: JobMaker
) -> None:
    server.withhold("submit_job")
    # To 2.6 a client waits for ever; from 2.7 on until the server that cut the connection is there again.
    waiting = threading.Thread(target=lambda: submit_in_vain(session, make_job("hello")), daemon=True)
    waiting.start()
    wait_until(lambda: bool(server.calls.of("submit_job")))
    server.release_command("submit_job")
    server.restart()
    waiting.join(20.0)
    assert not waiting.is_alive()
    call = server.calls.require("submit_job", "hello")[0]
    assert (call.answer, call.status, call.user) == ("silence", None, ADMIN)
    assert call.upload_size is not None
    assert call.upload_size > 0
    assert server.received("submit_job") == len(server.calls.of("submit_job"))
    assert server.job_metas() == []


def test_a_call_that_gets_another_answer_is_told_with_that(server: MockServer, session: Session) -> None:
    with (
        server.faults.inject(ReplyWith(status="not_authorized", info="no", error="no way"), command="list_jobs"),
        pytest.raises(errors.AuthorizationError),
    ):
        session.list_jobs()
    call = server.calls.require_once("list_jobs")
    assert (call.answer, call.status, call.error, call.is_refused) == ("reply", "not_authorized", "no way", True)


def test_a_lost_answer_does_not_undo_the_call(server: MockServer, session: Session, make_job: JobMaker) -> None:
    fault = server.faults.inject(Close(), command="submit_job", direction="answer")
    with fault, pytest.raises(errors.ServerUnreachable):
        session.submit_job(str(make_job("hello")))
    assert [call.status for call in server.calls.of("submit_job")] == ["ok"] * fault.fired
    assert len(server.job_metas()) == fault.fired == len(faults_of(server))


def test_a_refused_connection_is_told_from_its_beginning(server: MockServer) -> None:
    with server.faults.inject(Refuse(), times=1) as fault:
        kit = server.kit()
        with new_secure_session(ADMIN, str(kit), timeout=10.0) as session:
            session.list_jobs()
        assert fault.fired == 1
    (struck,) = faults_of(server)
    assert struck.summary == "refuse strikes a connection (request)"
    end = closed(server, struck.connection)
    told = [entry for entry in server.transcript.entries() if entry.connection == struck.connection]
    assert [entry.kind for entry in told] == [Kind.CONNECTION, Kind.FAULT, Kind.CONNECTION]
    assert told[0].detail["event"] == "opened"
    assert (end.detail["by"], end.detail["reason"]) == ("server", "a fault")


def test_no_secret_is_shown_by_a_fault(server: MockServer, session: Session) -> None:
    secrets = secrets_of(server, session)
    planted = {"type": "token", "data": "short-secret"}
    text = json.dumps({"data": [planted], "meta": {}}) + f" {secrets[0]}"
    server.faults.inject(ReplyText(text), command="list_jobs", times=1)
    server.faults.inject(ReplyWith(items=(planted,), error=f"of {secrets[0]}"), command="get_job_meta", times=1)
    server.faults.inject(ReplyText("x", acts=False), command="abort_job", user="*", times=1)
    for call in (session.list_jobs, lambda: session.get_job_meta("a"), lambda: session.abort_job("a")):
        with pytest.raises((errors.InternalError, errors.JobNotFound)):
            call()
    assert len(faults_of(server)) == 3
    shown = server.transcript.as_text() + json.dumps([entry.to_json() for entry in server.transcript.entries()])
    assert [secret for secret in [*secrets, "short-secret"] if secret in shown] == []
    assert secrets[0] not in "".join(map(str, server.calls))
