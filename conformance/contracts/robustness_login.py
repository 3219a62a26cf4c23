"""What a client does when its login is late, refused, broken or never answered, and when the server is another."""

from __future__ import annotations

from typing import Any

from conformance.contract import CELL_RELEASES, NOT_27, SOCKET_RELEASES, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.timing import Measured, confirmed, measured, not_before
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SOCKETS = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_CELLS = "2.7.3, 2.8.3, 2.9.0"
_ALL = f"{_SOCKETS}, {_CELLS}"
_LATE = 0.25
_SHORT = 0.8
"""Seconds to connect, where the client must not succeed; official clients need half a second for each try."""
_LONGER = 4.0
NO_SESSION = ("NoConnection", "AuthenticationError", "FLCommunicationError")


def _logs_in(trial: Trial, kind: str, **how: Any) -> int:
    """Log in through a fault, which must strike; return how often it did."""
    server = trial.shared
    with server.inject(kind, **how) as fault:
        session = trial.adapter.open(ADMIN, trial.target.kit(), timeout=15.0)
        holds(fault.fired, "a login that the fault struck", "none")
        fired = fault.fired
    holds(isinstance(session.call("list_jobs", limit=1), list), "a session that works", "another result")
    session.close()
    return fired


def _gets_no_session(
    trial: Trial, kind: str, names: tuple[str, ...] = NO_SESSION, **how: Any
) -> tuple[Measured, float]:
    """Try to log in through a fault, which must strike and keep the client out.

    Returns:
        How long it took, and the time to connect that was given.
    """
    what, kit = f"a login through the fault {kind}", trial.target.kit()
    with trial.shared.inject(kind, **how) as fault:
        for timeout in (_SHORT, _LONGER):
            with measured() as spent:
                trial.raises(names, what, trial.adapter.open, ADMIN, kit, timeout=timeout)
            if fault.fired:
                return spent, timeout
            # A busy machine may need longer to get so far.
        raise Violation("a login that the fault struck", "none")


# --- logins that succeed -----------------------------------------------------------------------------------------


@contract(
    "ROBUST-LOGIN-01",
    "A login that is answered late",
    f"A login whose answer is {_LATE} s late succeeds.",
    Observed(_ALL, "a session"),
    needs=(Need.FAULTS,),
)
def login_late(trial: Trial) -> None:
    same(_logs_in(trial, "delay", command="_cert_login", seconds=_LATE), 1, "the number of logins")


@contract(
    "ROBUST-LOGIN-02",
    "Commands that are announced late",
    f"A login whose list of commands is {_LATE} s late succeeds, and the list is asked for once.",
    Observed(_ALL, "a session"),
    needs=(Need.FAULTS,),
)
def commands_late(trial: Trial) -> None:
    same(_logs_in(trial, "delay", command="_commands", seconds=_LATE), 1, "the number of lists of commands")


@contract(
    "ROBUST-LOGIN-03",
    "A first connection that is refused",
    "A first connection that is reset is tried again within the time to connect.",
    Observed(_ALL, "a session"),
    needs=(Need.FAULTS,),
)
def refused_once(trial: Trial) -> None:
    _logs_in(trial, "refuse", times=1)


@contract(
    "ROBUST-LOGIN-04",
    "A login whose connection breaks",
    "A connection that ends under the first login is no refusal: the client logs in again within the time to connect.",
    Observed(_SOCKETS, "a session after one more try"),
    Observed(_CELLS, "a session, after 9 s"),
    needs=(Need.FAULTS,),
)
def closed_once(trial: Trial) -> None:
    _logs_in(trial, "close", command="_cert_login", times=1)


@contract(
    "ROBUST-LOGIN-05",
    "A list of commands whose connection breaks",
    "A connection that ends under the list of commands is no refusal: the client gets it with another try.",
    Observed(_SOCKETS, "a session after one more try"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def commands_closed_once(trial: Trial) -> None:
    _logs_in(trial, "close", command="_commands", times=1)


@contract(
    "ROBUST-LOGIN-06",
    "Unknown fields in the answer to a login",
    "Unknown fields in the answer to the login and in the list of commands change nothing.",
    Observed(_ALL, "a session"),
    needs=(Need.FAULTS,),
)
def login_fields(trial: Trial) -> None:
    _logs_in(trial, "extra_fields", command="_c*")


# --- logins that fail --------------------------------------------------------------------------------------------


@contract(
    "ROBUST-LOGIN-07",
    "A login that is refused",
    "A login that is refused gives NoConnection or AuthenticationError, and no session.",
    Observed(_SOCKETS, "NoConnection, after the time to connect"),
    Observed("2.8.3, 2.9.0", "AuthenticationError: Incorrect user name or password; 2.7.3 returns a session"),
    releases=NOT_27,
    needs=(Need.FAULTS,),
)
def login_refused(trial: Trial) -> None:
    _gets_no_session(trial, "refuse_login")


@contract(
    "ROBUST-LOGIN-08",
    "A login that is never answered",
    "A login that is never answered gives NoConnection, not before the time to connect is over.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def login_silent(trial: Trial) -> None:
    def once() -> None:
        spent, timeout = _gets_no_session(trial, "silence", command="_cert_login")
        not_before(spent, timeout, "the end of the login")

    confirmed(once)


@contract(
    "ROBUST-LOGIN-09",
    "Commands that are never announced",
    "A login whose list of commands never comes gives NoConnection: there is no session without it.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def commands_silent(trial: Trial) -> None:
    _gets_no_session(trial, "silence", command="_commands")


@contract(
    "ROBUST-LOGIN-10",
    "A login answered with something else",
    "An answer to the login that is no envelope, or has no token, is no login: NoConnection.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def login_malformed(trial: Trial) -> None:
    _gets_no_session(trial, "text", command="_cert_login", text="hello")
    _gets_no_session(trial, "reply", command="_cert_login", items=[{"type": "string", "data": "OK"}])


@contract(
    "ROBUST-LOGIN-11",
    "An empty list of commands",
    "A list of commands that is refused or holds nothing gives NoConnection: there is no session without it.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS,),
)
def commands_missing(trial: Trial) -> None:
    _gets_no_session(trial, "reply", command="_commands", error="no")


@contract(
    "ROBUST-LOGIN-12",
    "A command that was not announced",
    "A command that is missing in the list of the server raises an error and is not sent.",
    Observed(_ALL, "InternalError"),
    needs=(Need.FAULTS,),
)
def command_lost(trial: Trial) -> None:
    server = trial.shared
    job_id = trial.submit()
    with server.inject("lose_command", name="clone_job"):
        session = trial.adapter.open(ADMIN, trial.target.kit(), timeout=15.0)
    before = server.received("clone_job")
    trial.raises(("InternalError",), "clone_job that was not announced", session.call, "clone_job", job_id)
    same(server.received("clone_job") - before, 0, "the number of clone_job commands")
    session.close()


# --- another server ----------------------------------------------------------------------------------------------


@contract(
    "ROBUST-CERT-01",
    "A server of another authority",
    "A server whose certificate another authority issued gets no login.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    Observed(_CELLS, "no connection"),
    needs=(Need.FAULTS, Need.TLS),
)
def other_authority(trial: Trial) -> None:
    _unproven(trial, "certificate", wrong="authority")


@contract(
    "ROBUST-CERT-02",
    "A server whose certificate expired",
    "A server whose certificate expired gets no login.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    Observed(_CELLS, "no connection"),
    needs=(Need.FAULTS, Need.TLS),
)
def expired_certificate(trial: Trial) -> None:
    _unproven(trial, "certificate", wrong="expired")


@contract(
    "ROBUST-CERT-03",
    "A server of another name",
    "A server that proves another name than the kit's gets no login.",
    Observed(_CELLS, "expected server identity is 'server'"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS, Need.TLS),
)
def other_name(trial: Trial) -> None:
    _unproven(trial, "certificate", wrong="name")


@contract(
    "ROBUST-CERT-04",
    "The name in the server's certificate",
    "A server of the project's authority is accepted whatever name its certificate bears.",
    Observed(_SOCKETS, "a session: nobody looks at the name"),
    releases=SOCKET_RELEASES,
    needs=(Need.FAULTS, Need.TLS),
    level=Level.MAY,
)
def any_name(trial: Trial) -> None:
    _logs_in(trial, "certificate", wrong="name")


@contract(
    "ROBUST-TLS-01",
    "A server of an old TLS",
    "A server that speaks TLS 1.1 at most gets no login.",
    Observed(_SOCKETS, "NoConnection when the time is over"),
    Observed(_CELLS, "no connection"),
    needs=(Need.FAULTS, Need.TLS),
)
def old_tls(trial: Trial) -> None:
    _unproven(trial, "old_tls")


@contract(
    "ROBUST-SIGN-01",
    "A registration signed by somebody else",
    "A server whose registration token bears a wrong signature gets no login.",
    Observed(_CELLS, "RuntimeError: invalid token or verifier!"),
    releases=CELL_RELEASES,
    needs=(Need.FAULTS,),
)
def wrong_signature(trial: Trial) -> None:
    _unproven(trial, "wrong_signature", ("Exception",))


def _unproven(trial: Trial, kind: str, names: tuple[str, ...] = NO_SESSION, **how: Any) -> None:
    """A server that is not the right one: no session, and above all no login, which would be for the wrong eyes."""
    server = trial.shared
    before = server.received("_cert_login")
    _gets_no_session(trial, kind, names, **how)
    same(server.received("_cert_login") - before, 0, "the number of logins")
