"""Sessions that are lost: the server forgets them, restarts, or is gone."""

from __future__ import annotations

import time

from conformance.adapters.base import ClientError, ClientSession
from conformance.contract import CELL_RELEASES, FROM_28, SOCKET_RELEASES, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"

RECONNECT_SECONDS = 30.0
"""Seconds within which a client has its connection back: official ones try after 1, 2, 4 seconds, and wait 5 for an
answer."""
PUSH_SECONDS = 6.0
"""Seconds within which a client has noticed what the server says on its own."""
_PAUSE = 0.05


@contract(
    "CONN-EXPIRE-01",
    "The admin session expires",
    "A call on a session that the server has forgotten raises InternalError.",
    Observed(_SEEN, "`session_inactive` surfaces as InternalError"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def session_expires(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        server.expire_sessions()
        trial.raises(("InternalError",), "list_jobs on an expired session", session.call, "list_jobs")
        session.close()


def _fails_without_a_server(trial: Trial, name: str) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
    trial.raises((name,), "list_jobs without a server", session.call, "list_jobs")
    session.close()


def _fails_in_the_end(session: ClientSession, names: tuple[str, ...], what: str, seconds: float) -> ClientError:
    """Call ``list_jobs`` until it fails as it must: what the server says on its own takes a moment to arrive."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            session.call("list_jobs")
        except ClientError as problem:
            if problem.is_a(*names):
                return problem
            # A call that was under way when the client heard of it may fail as one without an answer.
            if not problem.is_a("ConnectionError"):
                raise Violation(f"{what} to raise {' or '.join(names)}", str(problem)) from problem
        if time.monotonic() > deadline:
            raise Violation(f"{what} to raise {' or '.join(names)} within {seconds:g} s", "no exception")
        time.sleep(_PAUSE)


@contract(
    "CONN-EXPIRE-02",
    "The server says that the session expired",
    "Once the server has told the client that its session is over, every call raises SessionClosed.",
    Observed(_SEEN_CELL, "SESSION_EXPIRED is pushed; the client closes the session (2.9: SessionExpired)"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def session_expires_by_push(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.call("list_jobs")
        server.expire_sessions()
        _fails_in_the_end(session, ("SessionClosed",), "list_jobs after the push", PUSH_SECONDS)
        for method in ("get_system_info", "list_jobs"):
            trial.raises(("SessionClosed",), f"{method} on an expired session", session.call, method)
        session.close()


@contract(
    "CONN-EXPIRE-03",
    "Why the session is over",
    "The SessionExpired that follows the push is a SessionClosed and says what the server said.",
    Observed("2.9.0", "SessionExpired('Your session is closed due to inactivity or cert expiry.')"),
    releases=("2.9",),
    needs=(Need.CONTROL,),
    level=Level.SHOULD,
)
def expiry_says_why(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        server.expire_sessions()
        problem = _fails_in_the_end(session, ("SessionExpired",), "list_jobs after the push", PUSH_SECONDS)
        same(problem.text, "Your session is closed due to inactivity or cert expiry.", "the text of the exception")
        holds(problem.is_a("SessionClosed"), "a SessionClosed", problem.types)
        session.close()


@contract(
    "CONN-RESTART-02",
    "The server restarts under a session",
    "After a restart of the server the session goes on: its calls succeed again, and know the jobs of before.",
    Observed(_SEEN_CELL, "the client connects again, and a token with the server's signature opens its session anew"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def server_restarts_under_session(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(trial.folder()))
        server.restart()
        deadline = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                meta = session.call("get_job_meta", job_id)
            except ClientError as problem:
                holds(problem.is_a("ConnectionError"), "ConnectionError or NoConnection meanwhile", str(problem))
                holds(time.monotonic() < deadline, f"an answer within {RECONNECT_SECONDS:g} s", str(problem))
            else:
                break
        same(meta["job_id"], job_id, "the job_id")
        session.close()


@contract(
    "CONN-RESTART-01",
    "The server restarts",
    "After a restart of the server, a call on a session of before raises InternalError.",
    Observed(_SEEN, "the token is unknown to the new process"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def server_restarts(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        server.restart()
        trial.raises(("InternalError",), "list_jobs after a restart", session.call, "list_jobs")
        session.close()


@contract(
    "CONN-GONE-01",
    "The server is gone",
    "A call on a session whose server is gone raises InternalError.",
    Observed(_SEEN, "`Failed to communicate with Admin Server` surfaces as InternalError"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def server_gone(trial: Trial) -> None:
    _fails_without_a_server(trial, "InternalError")


@contract(
    "CONN-GONE-02",
    "The server is gone from under a session",
    "A call on a session whose server is gone raises ConnectionError.",
    Observed(_SEEN_CELL, "2.7: the builtin ConnectionError; from 2.8 on NoConnection, which is one"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def server_gone_from_under(trial: Trial) -> None:
    _fails_without_a_server(trial, "ConnectionError")


@contract(
    "CONN-GONE-03",
    "NoConnection on a session whose server is gone",
    "A call on a session whose server is gone raises NoConnection.",
    Observed("2.8.3, 2.9.0", "`cannot connect to server: ERROR_SERVER_CONNECTION`"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def server_gone_no_connection(trial: Trial) -> None:
    _fails_without_a_server(trial, "NoConnection")
