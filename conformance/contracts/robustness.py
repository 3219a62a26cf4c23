"""What a client does when an answer is late, broken, strange or missing, when its connection or its session ends."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from conformance.adapters.base import ClientError, ClientSession
from conformance.contract import CELL_RELEASES, FROM_24, SOCKET_RELEASES, Observed, contract
from conformance.needs import Need
from conformance.targets import ControlledServer
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SOCKETS = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_CELLS = "2.7.3, 2.8.3, 2.9.0"
_ALL = f"{_SOCKETS}, {_CELLS}"
_LATE = 0.25
"""Seconds; more than any client's pause between two looks, and less than any time limit."""
_PATIENCE = 1.0
"""Seconds that a command may take, where the release lets a client say so."""


_AGAIN_SECONDS = 20.0
"""How long a client may take to connect again."""


def patient(trial: Trial, server: ControlledServer | None = None) -> ClientSession:
    """A session of one's own whose commands give up soon, where the release has such a limit.

    It is left to the adapter to close it: official clients of 2.9 hang in ``close`` while they connect again.

    Args:
        trial: the trial.
        server: the server; the shared one by default.
    """
    kit = trial.target.kit() if server is None else server.kit()
    session = trial.adapter.open(trial.target.user, kit, timeout=15.0)
    if trial.release in CELL_RELEASES:
        session.call("set_timeout", _PATIENCE)
    return session


def lost(trial: Trial) -> tuple[str, ...]:
    """What is raised where the connection breaks."""
    return ("ConnectionError",) if trial.release in CELL_RELEASES else ("InternalError",)


def _strikes(trial: Trial, session: ClientSession, names: tuple[str, ...], kind: str, **how: Any) -> ClientError:
    """Make list_jobs fail once by a fault: it must raise, be sent once, and leave the session as it was."""
    server = trial.shared
    before = server.received("list_jobs")
    with server.inject(kind, command="list_jobs", times=1, **how) as fault:
        problem = trial.raises(names, f"list_jobs that meets the fault {kind}", session.call, "list_jobs", limit=1)
        same(fault.fired, 1, "the number of list_jobs commands that the fault struck")
    same(server.received("list_jobs") - before, 1, "the number of list_jobs commands")
    return problem


def _same_as_ever(trial: Trial, session: ClientSession, kind: str, **how: Any) -> None:
    """Make something happen to an answer that must change nothing."""
    server = trial.shared
    job_id = trial.submit()
    expected = session.call("get_job_meta", job_id)
    with server.inject(kind, command="get_job_meta", times=1, **how) as fault:
        found = session.call("get_job_meta", job_id)
        same(fault.fired, 1, "the number of commands that the fault struck")
    same(found, expected, f"the job meta under the fault {kind}")
    listed = [entry["job_id"] for entry in session.call("list_jobs", id_prefix=job_id)]
    same(listed, [job_id], "the ids in the answer to the next command")


# --- answers that are fine ---------------------------------------------------------------------------------------


@contract(
    "ROBUST-LATE-01",
    "A late answer",
    f"An answer that is {_LATE} s late is waited for, and nothing is sent twice meanwhile.",
    Observed(_ALL, "returned what the server answered; one command"),
    needs=(Need.FAULTS,),
)
def late(trial: Trial) -> None:
    server = trial.shared
    before = server.received("list_jobs")
    with server.inject("delay", seconds=_LATE, command="list_jobs"):
        holds(isinstance(trial.session.call("list_jobs", limit=1), list), "a list of jobs", "something else")
    same(server.received("list_jobs") - before, 1, "the number of list_jobs commands")


@contract(
    "ROBUST-SLOW-01",
    "A slow answer",
    "An answer that arrives a few bytes at a time is put together.",
    Observed(_ALL, "returned what the server answered"),
    needs=(Need.FAULTS,),
)
def slow(trial: Trial) -> None:
    _same_as_ever(trial, trial.session, "throttle", rate=8000)


@contract(
    "ROBUST-TWICE-01",
    "The same answer twice",
    "A second copy of an answer changes nothing, and is not taken for the answer to the next command.",
    Observed(_ALL, "to 2.6 what follows the end marker is dropped; from 2.7 on an answer that nobody waits for"),
    needs=(Need.FAULTS,),
)
def twice(trial: Trial) -> None:
    _same_as_ever(trial, trial.session, "duplicate")


@contract(
    "ROBUST-FIELDS-01",
    "Fields that nobody knows",
    "Unknown fields of the envelope, of its items and of the meta change nothing.",
    Observed(_ALL, "passed over"),
    needs=(Need.FAULTS,),
)
def unknown_fields(trial: Trial) -> None:
    _same_as_ever(trial, trial.session, "extra_fields")


@contract(
    "ROBUST-ACK-01",
    "Acknowledgements that are lost",
    "Commands work where no acknowledgement of what the client sent arrives: the answer is enough.",
    Observed(_CELLS, "acknowledgements matter beyond a window of 16 MiB alone"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS,),
)
def no_acknowledgements(trial: Trial) -> None:
    with trial.shared.inject("lose_acknowledgements") as fault, trial.own_session() as session:
        holds(fault.fired, "a connection that the fault struck", "none")
        holds(isinstance(session.call("list_jobs", limit=1), list), "a list of jobs", "something else")


# --- answers that are none ---------------------------------------------------------------------------------------


def _no_answer(trial: Trial, kind: str, **how: Any) -> None:
    session = patient(trial)
    _strikes(trial, session, ("ConnectionError",), kind, **how)
    holds(isinstance(session.call("list_jobs", limit=1), list), "a session that still works", "another result")


@contract(
    "ROBUST-GARBAGE-01",
    "An answer that is no JSON",
    "An answer that is no JSON raises ConnectionError; the command is not sent again, and the session goes on.",
    Observed(_ALL, "ConnectionError; the next command works"),
    needs=(Need.FAULTS,),
)
def garbage(trial: Trial) -> None:
    _no_answer(trial, "text", text="garbage")


@contract(
    "ROBUST-GARBAGE-02",
    "An answer that is another JSON",
    "An answer that is JSON without a list of items raises ConnectionError, and the session goes on.",
    Observed(_ALL, "{} and a number for the data: ConnectionError"),
    needs=(Need.FAULTS,),
)
def other_json(trial: Trial) -> None:
    _no_answer(trial, "text", text="{}")
    _no_answer(trial, "text", text='{"data": 5, "meta": {"status": "ok", "jobs": []}}')


@contract(
    "ROBUST-TRUNC-01",
    "An answer that is too short",
    "An answer whose text ends too early raises ConnectionError, and the session goes on.",
    Observed(_ALL, "ConnectionError"),
    needs=(Need.FAULTS,),
)
def truncated(trial: Trial) -> None:
    _no_answer(trial, "truncate", keep=40)


@contract(
    "ROBUST-CORRUPT-01",
    "An answer with a broken byte",
    "An answer whose first byte is broken raises InternalError (to 2.6) or ConnectionError, and the session goes on.",
    Observed(_SOCKETS, "InternalError: bytes that are no text are as good as a lost connection"),
    Observed(_CELLS, "ConnectionError: the text is no JSON"),
    needs=(Need.FAULTS,),
)
def corrupt(trial: Trial) -> None:
    session = patient(trial)
    _strikes(trial, session, lost(trial), "corrupt")
    holds(isinstance(session.call("list_jobs", limit=1), list), "a session that still works", "another result")


@contract(
    "ROBUST-ITEM-01",
    "An item that nobody knows",
    "An answer with an item of an unknown type raises ConnectionError: the whole of it counts as no answer.",
    Observed(_ALL, "ConnectionError, whatever else is in the answer"),
    needs=(Need.FAULTS,),
)
def unknown_item(trial: Trial) -> None:
    _no_answer(trial, "unknown_item")


@contract(
    "ROBUST-EMPTY-01",
    "An answer without items",
    "An answer without items and meta raises RuntimeError, and the session goes on.",
    Observed(_ALL, "RuntimeError: runtime error encountered"),
    needs=(Need.FAULTS,),
)
def empty(trial: Trial) -> None:
    session = patient(trial)
    _strikes(trial, session, ("RuntimeError",), "reply")


# --- answers that say strange things -----------------------------------------------------------------------------


@contract(
    "ROBUST-STATUS-01",
    "A status that nobody knows",
    "A meta status that no release defines raises InternalError with status and info in its text.",
    Observed(_ALL, "on_fire: smoke"),
    needs=(Need.FAULTS,),
)
def unknown_status(trial: Trial) -> None:
    text = _strikes(trial, trial.session, ("InternalError",), "reply", status="on_fire", info="smoke").text
    holds("on_fire" in text and "smoke" in text, "status and info in the text", text)


@contract(
    "ROBUST-STATUS-02",
    "An internal error of the server",
    "The status internal_error raises InternalError with the info in its text, and the session goes on.",
    Observed(_ALL, "server internal error: boom"),
    needs=(Need.FAULTS,),
)
def internal_error(trial: Trial) -> None:
    text = _strikes(
        trial, trial.session, ("InternalError",), "reply", status="internal_error", info="boom", error="boom"
    ).text
    holds("boom" in text, "the info in the text", text)
    trial.session.call("list_jobs", limit=1)


@contract(
    "ROBUST-STATUS-03",
    "A meta without a status",
    "A meta without a status counts as one that is fine.",
    Observed("2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0", "returned the jobs in it"),
    releases=FROM_24,
    needs=(Need.FAULTS,),
)
def no_status(trial: Trial) -> None:
    items = [{"type": "string", "data": "x"}]
    with trial.shared.inject("reply", command="list_jobs", items=items, meta={"jobs": [{"job_id": "a"}]}):
        same(trial.session.call("list_jobs"), [{"job_id": "a"}], "the jobs")


@contract(
    "ROBUST-META-01",
    "An error without a meta",
    "An answer without a meta raises InternalError, whatever its items say.",
    Observed(_ALL, "missing meta from result"),
    needs=(Need.FAULTS,),
)
def no_meta(trial: Trial) -> None:
    _strikes(trial, trial.session, ("InternalError",), "reply", items=[{"type": "error", "data": "boom"}])


# --- connections that end ----------------------------------------------------------------------------------------


def _breaks(trial: Trial, kind: str, **how: Any) -> None:
    session = patient(trial)
    _strikes(trial, session, lost(trial), kind, **how)


@contract(
    "ROBUST-CLOSE-01",
    "A connection that ends under a command",
    "A connection that ends before the answer raises InternalError (to 2.6) or ConnectionError; nothing is sent again.",
    Observed(_SOCKETS, "InternalError: Failed to communicate with Admin Server"),
    Observed(_CELLS, "ConnectionError or NoConnection, when the time for the command is over"),
    needs=(Need.FAULTS,),
)
def closed(trial: Trial) -> None:
    _breaks(trial, "close")


@contract(
    "ROBUST-CLOSE-02",
    "A connection that ends instead of the answer",
    "Where the server acted and the answer is lost, the client raises as if it had not acted; nothing is sent again.",
    Observed(_ALL, "as ROBUST-CLOSE-01: a client cannot tell"),
    needs=(Need.FAULTS,),
)
def closed_after(trial: Trial) -> None:
    server = trial.shared
    job_id = trial.submit()
    session = patient(trial)
    before = server.received("delete_job")
    with server.inject("close", command="delete_job", direction="answer", times=1):
        trial.raises(lost(trial), "delete_job whose answer is lost", session.call, "delete_job", job_id)
    same(server.received("delete_job") - before, 1, "the number of delete_job commands")
    trial.raises(("JobNotFound",), "get_job_meta of the job", trial.session.call, "get_job_meta", job_id)


@contract(
    "ROBUST-RESET-01",
    "A connection that is reset",
    "A connection that is reset makes the command raise InternalError (to 2.6) or ConnectionError, sent once.",
    Observed(_ALL, "as ROBUST-CLOSE-01"),
    needs=(Need.FAULTS,),
)
def was_reset(trial: Trial) -> None:
    _breaks(trial, "reset")


@contract(
    "ROBUST-CUT-01",
    "A connection that ends in the middle of the answer",
    "Half an answer raises InternalError (to 2.6) or ConnectionError; nothing of it is taken for an answer.",
    Observed(_ALL, "as ROBUST-CLOSE-01"),
    needs=(Need.FAULTS,),
)
def cut(trial: Trial) -> None:
    _breaks(trial, "cut", keep=40)


@contract(
    "ROBUST-AFTER-01",
    "The session after a lost connection",
    "After a connection that ended under a command the session works again, within seconds and without a login.",
    Observed(_SOCKETS, "at once: each command has a connection of its own"),
    Observed(_CELLS, "after seconds: connected again in the background; commands before that fail; the token holds"),
    needs=(Need.FAULTS,),
)
def after_a_loss(trial: Trial) -> None:
    session = patient(trial)
    logins = trial.shared.received("_cert_login")
    _strikes(trial, session, lost(trial), "close")
    deadline = time.monotonic() + _AGAIN_SECONDS
    while True:
        try:
            found = session.call("list_jobs", limit=1)
            break
        except ClientError:
            if trial.release in SOCKET_RELEASES or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    holds(isinstance(found, list), "a session that works", "another result")
    same(trial.shared.received("_cert_login") - logins, 0, "the number of logins")


@contract(
    "ROBUST-RESTART-01",
    "A restart under a command",
    "A server that restarts under a command makes it raise InternalError (to 2.6) or ConnectionError.",
    Observed(_ALL, "as ROBUST-CLOSE-01; to 2.6 the session is gone, too"),
    needs=(Need.FAULTS, Need.CONTROL),
)
def restarted(trial: Trial) -> None:
    with trial.own_server() as server:
        session = patient(trial, server)
        with server.inject("restart", command="list_jobs", times=1):
            trial.raises(lost(trial), "list_jobs of a server that restarts", session.call, "list_jobs")


# --- sessions that end -------------------------------------------------------------------------------------------


@contract(
    "ROBUST-FORGET-01",
    "A token that the server forgot",
    "A token that the server does not know any more raises InternalError with session_inactive in its text.",
    Observed(_ALL, "error: session_inactive"),
    needs=(Need.FAULTS,),
)
def forgotten(trial: Trial) -> None:
    with trial.own_session() as session:
        text = _strikes(trial, session, ("InternalError",), "forget_token").text
        holds("session_inactive" in text, "session_inactive in the text", text)


@contract(
    "ROBUST-EXPIRE-01",
    "A session that expires under a command",
    "A session that expires before a command is carried out makes it raise InternalError, and nothing is carried out.",
    Observed(_SOCKETS, "InternalError: session_inactive; no login of its own accord"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def expired(trial: Trial) -> None:
    job_id = trial.submit()
    server = trial.shared
    with trial.own_session() as session:
        logins = server.received("_cert_login")
        with server.inject("expire_session", command="delete_job", times=1):
            trial.raises(("InternalError",), "delete_job of a session that expires", session.call, "delete_job", job_id)
        same(server.received("_cert_login") - logins, 0, "the number of logins")
    same(trial.meta(job_id)["job_id"], job_id, "the job, which is still there")


@contract(
    "ROBUST-EXPIRE-02",
    "A session whose end is announced under a command",
    "After the server said that the session is over, the next command raises SessionClosed, and nothing is sent.",
    Observed("2.7.3, 2.8.3", "SessionClosed"),
    Observed("2.9.0", "SessionExpired, which is a SessionClosed"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS,),
)
def expiry_announced(trial: Trial) -> None:
    server = trial.shared
    session = patient(trial)
    with (
        server.inject("expire_session", command="get_system_info", times=1),
        server.inject("expire_session", command="check_status", times=1),
        contextlib.suppress(ClientError),
    ):
        session.call("get_system_info")
    before = server.received("list_jobs")
    trial.raises(("SessionClosed",), "list_jobs of a session that is over", session.call, "list_jobs")
    same(server.received("list_jobs") - before, 0, "the number of list_jobs commands")
