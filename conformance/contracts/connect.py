"""Connecting, being refused, staying connected, and closing."""

from __future__ import annotations

import concurrent.futures
from pathlib import Path
from typing import Any

from conformance.contract import CELL_RELEASES, NOT_27, SOCKET_RELEASES, Document, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN, closed_port, silent_port
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"

SILENCE = 60.0
"""Seconds after which even a client that waits for handshakes must have failed; official ones need half of it."""

MARGIN = 1.5
"""Seconds by which a failed connect may overrun its timeout: official clients look every half second."""

THREADS = 8
"""Threads that use one session at the same time."""

CALLS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("list_jobs", ()),
    ("get_job_meta", ("some-id",)),
    ("abort_job", ("some-id",)),
    ("delete_job", ("some-id",)),
    ("clone_job", ("some-id",)),
    ("download_job_result", ("some-id",)),
    ("get_system_info", ()),
    ("monitor_job", ("some-id",)),
    ("try_connect", (1.0,)),
)


@contract(
    "CONN-SECURE-01",
    "A secure session",
    "new_secure_session with a user and a startup kit returns a session that is connected.",
    Document("session"),
    Document("session.username"),
    Document("session.startup_path"),
    Document("session.secure_mode"),
    Document("secure"),
    Document("secure.username"),
    Document("secure.kit"),
    Document("secure.returns"),
)
def secure(trial: Trial) -> None:
    with trial.own_session() as session:
        holds(isinstance(session.call("list_jobs", limit=1), list), "a list of jobs", "something else")


@contract(
    "CONN-DEBUG-01",
    "The debug flag",
    "A session that is opened with debug=True works as any other.",
    Document("secure.debug"),
    Document("insecure.debug"),
    Observed(_SEEN, "debug adds prints, nothing else"),
    needs=(Need.DEBUG,),
    level=Level.SHOULD,
)
def debug(trial: Trial) -> None:
    session = trial.adapter.open(trial.target.user, trial.target.kit(), debug=True)
    holds(isinstance(session.call("list_jobs", limit=1), list), "a list of jobs", "something else")
    session.close()


@contract(
    "CONN-INSECURE-01",
    "An insecure session",
    "new_insecure_session connects to an insecure server, and the user is always admin.",
    Document("session.secure_mode"),
    Document("insecure"),
    Document("insecure.kit"),
    Document("insecure.returns"),
    Document("insecure.username"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def insecure(trial: Trial) -> None:
    with trial.own_server(secure=False) as server:
        session = trial.adapter.open("whoever", server.kit(), secure=False)
        meta = session.call("get_job_meta", session.call("submit_job", str(trial.folder())))
        same(meta["submitter_name"], "admin", "the submitter_name")
        session.close()


@contract(
    "CONN-INSECURE-02",
    "An insecure session of today",
    "new_insecure_session logs in as the user whom the kit's certificate names, on the same secured connection.",
    Document("insecure"),
    Observed(_SEEN_CELL, "insecure only means that the user name is taken from the certificate"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
    level=Level.SHOULD,
)
def insecure_today(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open("", server.kit("lead@nvidia.com", role="lead"), secure=False)
        meta = session.call("get_job_meta", session.call("submit_job", str(trial.folder())))
        same(meta["submitter_name"], "lead@nvidia.com", "the submitter_name")
        session.close()


@contract(
    "CONN-AGAIN-01",
    "try_connect on a connected session",
    "try_connect on a session that is connected returns at once, and the session stays usable.",
    Document("try_connect"),
    Observed(_SEEN, "None"),
)
def connected_already(trial: Trial) -> None:
    with trial.own_session() as session:
        same(session.call("try_connect", 5.0), None, "the result")
        session.call("list_jobs", limit=1)


def refused(
    trial: Trial,
    kit: Path,
    user: str,
    timeout: float,
    *,
    whole: bool,
    names: tuple[str, ...] = ("NoConnection",),
) -> None:
    """Demand that there is no session within the timeout.

    Args:
        trial: the run.
        kit: the startup kit.
        user: the user.
        timeout: seconds.
        whole: whether the client must use up the timeout.
        names: the exceptions, one of which must come.
    """

    def once() -> None:
        with measured() as spent:
            trial.raises(names, "new_secure_session", trial.adapter.open, user, kit, timeout=timeout)
        if whole:
            not_before(spent, timeout, "NoConnection")
        not_after(spent, timeout + MARGIN, "NoConnection")

    confirmed(once)


@contract(
    "CONN-TIMEOUT-01",
    "Nobody listens",
    f"Where nobody listens, the functions raise NoConnection after the timeout and at most {MARGIN} s later.",
    Document("secure.timeout"),
    Document("insecure.timeout"),
    Document("try_connect"),
    releases=NOT_27,
)
def nobody(trial: Trial) -> None:
    with closed_port() as port:
        refused(trial, trial.redirected_kit(trial.target.kit(), port), trial.target.user, 0.7, whole=True)


@contract(
    "CONN-TIMEOUT-02",
    "Nobody answers",
    f"Where a port accepts and stays silent, they raise NoConnection after the timeout and at most {MARGIN} s later.",
    Document("secure.timeout"),
    Document("try_connect"),
    releases=SOCKET_RELEASES,
)
def silence(trial: Trial) -> None:
    with silent_port() as port:
        refused(trial, trial.redirected_kit(trial.target.kit(), port), trial.target.user, 0.7, whole=True)


@contract(
    "CONN-TIMEOUT-04",
    "Nobody listens (2.7)",
    f"Where nobody listens, the functions raise FLCommunicationError after the timeout, at most {MARGIN} s later.",
    Observed("2.7.3", "cannot connect to server for N seconds"),
    releases=("2.7",),
    needs=(Need.CONTROL,),
)
def nobody_27(trial: Trial) -> None:
    kit, _ = trial.kit_of_a_gone_server()
    refused(trial, kit, ADMIN, 0.7, whole=True, names=("FLCommunicationError",))


@contract(
    "CONN-TIMEOUT-05",
    "Nobody answers, today",
    f"Where a port accepts and stays silent, they fail after the timeout and within {SILENCE:g} s.",
    Observed(_SEEN_CELL, "FLCommunicationError in 2.7, NoConnection later; handshakes are waited for"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def silence_today(trial: Trial) -> None:
    names = ("FLCommunicationError",) if trial.release == "2.7" else ("NoConnection",)
    kit, port = trial.kit_of_a_gone_server()
    with silent_port(port), measured() as spent:
        trial.raises(names, "new_secure_session", trial.adapter.open, ADMIN, kit, timeout=0.7)
    not_before(spent, 0.7, names[0])
    not_after(spent, SILENCE, names[0])


@contract(
    "CONN-TIMEOUT-06",
    "A timeout that is none",
    "With a timeout of 0 or less they raise ValueError at once.",
    Observed(_SEEN_CELL, "timeout must be a number > 0"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def no_time_today(trial: Trial) -> None:
    for timeout in (0, -1):
        trial.raises(
            ("ValueError",),
            f"timeout={timeout}",
            trial.adapter.open,
            trial.target.user,
            trial.target.kit(),
            timeout=timeout,
        )


@contract(
    "CONN-TIMEOUT-03",
    "No time at all",
    "With a timeout of 0 or less they raise NoConnection at once, whether or not a server listens.",
    Document("try_connect"),
    Observed(_SEEN, "0 and -1 fail at once"),
    releases=SOCKET_RELEASES,
    level=Level.SHOULD,
)
def no_time(trial: Trial) -> None:
    with closed_port() as port:
        kit = trial.redirected_kit(trial.target.kit(), port)
        for timeout in (0, -1):
            refused(trial, kit, trial.target.user, timeout, whole=False)
            refused(trial, trial.target.kit(), trial.target.user, timeout, whole=False)


@contract(
    "CONN-USER-01",
    "A wrong user name",
    "A user name that is not the one in the certificate ends in NoConnection, within the timeout.",
    Document("secure.username"),
    Observed(_SEEN, "NoConnection after the whole timeout"),
    releases=SOCKET_RELEASES,
)
def wrong_user(trial: Trial) -> None:
    refused(trial, trial.target.kit(), "nobody@example.org", 1.0, whole=False)


@contract(
    "CONN-USER-02",
    "A wrong user name, today",
    f"A user name that is not the one in the certificate ends in FLCommunicationError, within {SILENCE:g} s.",
    Document("secure.username"),
    Observed(_SEEN_CELL, "error:client_registration"),
    releases=CELL_RELEASES,
)
def wrong_user_today(trial: Trial) -> None:
    with measured() as spent:
        trial.raises(
            ("FLCommunicationError",),
            "another's name",
            trial.adapter.open,
            "nobody@example.org",
            trial.target.kit(),
            timeout=2.0,
        )
    not_after(spent, SILENCE, "FLCommunicationError")


@contract(
    "CONN-THREAD-01",
    "Several threads",
    "Calls of several threads on one session are all answered, each with what it asked for.",
    Observed(_SEEN, "eight threads on one session: all answered"),
    needs=(Need.THREADS,),
)
def threads(trial: Trial) -> None:
    session, jobs = trial.session, [trial.submit() for _ in range(4)]

    def ask(number: int) -> list[str]:
        wanted = jobs[number % len(jobs)]
        meta = session.call("get_job_meta", wanted)
        listed = session.call("list_jobs", id_prefix=wanted)
        return [meta["job_id"], *(job["job_id"] for job in listed)]

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for number, answer in enumerate(pool.map(ask, range(4 * THREADS))):
            same(answer, [jobs[number % len(jobs)]] * 2, f"the answers to thread {number}")


@contract(
    "CLOSE-ALL-01",
    "After close",
    "After close every method raises SessionClosed, try_connect too.",
    Document("close"),
    Observed(_SEEN, "SessionClosed for every call"),
)
def after_close(trial: Trial) -> None:
    with trial.own_session() as session:
        session.close()
        for method, args in CALLS:
            trial.raises(("SessionClosed",), f"{method} after close", session.call, method, *args)
        folder = str(trial.folder())
        trial.raises(("SessionClosed",), "submit_job after close", session.call, "submit_job", folder)


@contract(
    "CLOSE-TWICE-01",
    "Closing twice",
    "close may be called twice, and returns None.",
    Document("close"),
    Observed(_SEEN, "silent"),
)
def close_twice(trial: Trial) -> None:
    with trial.own_session() as session:
        same(session.call("close"), None, "the result")
        same(session.call("close"), None, "the result of the second call")
