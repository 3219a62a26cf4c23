"""Connecting, being refused, staying connected, and closing."""

from __future__ import annotations

import concurrent.futures
import datetime
import time
from pathlib import Path
from typing import Any

from conformance.adapters.base import ClientError, ClientSession
from conformance.contract import CELL_RELEASES, FROM_28, NOT_27, SOCKET_RELEASES, Document, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN, closed_port, silent_port
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"

SILENCE = 60.0
"""Seconds after which even a client that waits for handshakes must have failed; official ones need half of it."""

RECONNECT_SECONDS = 30.0
"""Seconds within which a client has its connection back: official ones try after 1, 2, 4 seconds, and wait 5 for an
answer."""
PUSH_SECONDS = 6.0
"""Seconds within which a client has noticed what the server says on its own."""
_PAUSE = 0.05

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


def _refused(
    trial: Trial,
    kit: Path,
    user: str,
    timeout: float,
    *,
    whole: bool,
    names: tuple[str, ...] = ("NoConnection",),
) -> None:
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
        _refused(trial, trial.redirected_kit(trial.target.kit(), port), trial.target.user, 0.7, whole=True)


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
        _refused(trial, trial.redirected_kit(trial.target.kit(), port), trial.target.user, 0.7, whole=True)


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
    _refused(trial, kit, ADMIN, 0.7, whole=True, names=("FLCommunicationError",))


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
)
def no_time(trial: Trial) -> None:
    with closed_port() as port:
        kit = trial.redirected_kit(trial.target.kit(), port)
        for timeout in (0, -1):
            _refused(trial, kit, trial.target.user, timeout, whole=False)
            _refused(trial, trial.target.kit(), trial.target.user, timeout, whole=False)


@contract(
    "CONN-USER-01",
    "A wrong user name",
    "A user name that is not the one in the certificate ends in NoConnection, within the timeout.",
    Document("secure.username"),
    Observed(_SEEN, "NoConnection after the whole timeout"),
    releases=SOCKET_RELEASES,
)
def wrong_user(trial: Trial) -> None:
    _refused(trial, trial.target.kit(), "nobody@example.org", 1.0, whole=False)


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
    "CONN-CERT-01",
    "A certificate of another CA",
    "A kit whose certificates are of another CA ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "each side refuses the other's certificate"),
    releases=NOT_27,
    needs=(Need.CONTROL,),
)
def foreign(trial: Trial) -> None:
    with trial.own_server() as server, trial.own_server() as other:
        kit = trial.redirected_kit(other.kit(), server.admin_port)
        _refused(trial, kit, ADMIN, 1.0, whole=False)


@contract(
    "CONN-CERT-02",
    "A certificate that is over",
    "A kit whose certificate has expired, or does not hold yet, ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "the server refuses the certificate"),
    releases=SOCKET_RELEASES,
    needs=(Need.CONTROL,),
)
def expired(trial: Trial) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    with trial.own_server() as server:
        for dates in ((now - 3 * day, now - day), (now + day, now + 3 * day)):
            kit = server.kit("late@nvidia.com", not_before=dates[0], not_after=dates[1])
            _refused(trial, kit, "late@nvidia.com", 1.0, whole=False)


@contract(
    "CONN-KIT-01",
    "No startup kit",
    "A startup kit that is not there is an error at once, before any server is looked for.",
    Document("secure.kit"),
    Observed(_SEEN, "AssertionError"),
)
def no_kit(trial: Trial) -> None:
    trial.raises(
        ("AssertionError",),
        "a kit that is not there",
        trial.adapter.open,
        trial.target.user,
        Path("/no/such/kit"),
        timeout=5.0,
    )


@contract(
    "CONN-KIT-02",
    "A kit without its certificate",
    "A kit without client.crt is a ConfigError.",
    Document("secure.kit"),
    Observed(_SEEN, "ConfigError"),
    releases=SOCKET_RELEASES,
)
def no_certificate(trial: Trial) -> None:
    with closed_port() as port:
        kit = trial.redirected_kit(trial.target.kit(), port)
    (kit / "startup" / "client.crt").unlink()
    trial.raises(("ConfigError",), "a kit without client.crt", trial.adapter.open, trial.target.user, kit)


@contract(
    "CONN-CERT-03",
    "A certificate that is over, today",
    f"A kit whose certificate has expired, or does not hold yet, gives no session, and an error within {SILENCE:g} s.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "the client refuses it itself, or the server does"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def expired_today(trial: Trial) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    with trial.own_server() as server:
        for dates in ((now - 3 * day, now - day), (now + day, now + 3 * day)):
            kit = server.kit("late@nvidia.com", not_before=dates[0], not_after=dates[1])
            with measured() as spent:
                trial.raises(
                    ("Exception",),
                    "a certificate that is over",
                    trial.adapter.open,
                    "late@nvidia.com",
                    kit,
                    timeout=2.0,
                )
            not_after(spent, SILENCE, "an exception")


@contract(
    "CONN-KIT-03",
    "A kit without its certificate, today",
    "A kit without client.crt is a FileNotFoundError.",
    Document("secure.kit"),
    Observed(_SEEN_CELL, "FileNotFoundError"),
    releases=CELL_RELEASES,
)
def no_certificate_today(trial: Trial) -> None:
    kit = trial.copied_kit(trial.target.kit())
    (kit / "startup" / "client.crt").unlink()
    trial.raises(("FileNotFoundError",), "a kit without client.crt", trial.adapter.open, trial.target.user, kit)


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
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
    trial.raises(("InternalError",), "list_jobs without a server", session.call, "list_jobs")
    session.close()


@contract(
    "CONN-GONE-02",
    "The server is gone from under a session",
    "A call on a session whose server is gone raises ConnectionError.",
    Observed(_SEEN_CELL, "2.7: the builtin ConnectionError; from 2.8 on NoConnection, which is one"),
    releases=CELL_RELEASES,
    needs=(Need.CONTROL,),
)
def server_gone_from_under(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
    trial.raises(("ConnectionError",), "list_jobs without a server", session.call, "list_jobs")
    session.close()


@contract(
    "CONN-GONE-03",
    "NoConnection on a session whose server is gone",
    "A call on a session whose server is gone raises NoConnection.",
    Observed("2.8.3, 2.9.0", "`cannot connect to server: ERROR_SERVER_CONNECTION`"),
    releases=FROM_28,
    needs=(Need.CONTROL,),
)
def server_gone_no_connection(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
    trial.raises(("NoConnection",), "list_jobs without a server", session.call, "list_jobs")
    session.close()


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


@contract(
    "SYS-INFO-01",
    "The state of the system",
    "get_system_info returns the server's status and start time, the connected sites and the running jobs.",
    Document("system"),
    Observed(_SEEN, "SystemInfo with server_info, client_info and job_info"),
)
def system_info(trial: Trial) -> None:
    info = trial.session.call("get_system_info")
    holds(set(info) >= {"server_info", "client_info", "job_info"}, "server_info, client_info and job_info", info)
    server = info["server_info"]
    holds(server["status"] in ("started", "stopped") and server["start_time"] > 0, "status and start_time", server)
    sites = info["client_info"]
    holds(all(site["name"] and site["last_connect_time"] > 0 for site in sites), "names and times of sites", sites)


@contract(
    "SYS-SITES-01",
    "The connected sites",
    "get_system_info names every connected site, each with the time at which it was heard of last.",
    Document("system"),
    Observed(_SEEN, "client_info: name and last_connect_time of each"),
    needs=(Need.CONTROL,),
)
def sites(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        for connected in (True, False):
            server.set_site_connected("site-2", connected)
            info = session.call("get_system_info")
            found = sorted(site["name"] for site in info["client_info"])
            same(found, ["site-1", "site-2"] if connected else ["site-1"], "the names of the sites")
        same(info["job_info"], [], "the jobs of a server on which none runs")
        session.close()


@contract(
    "SYS-JOBS-01",
    "The running jobs",
    "While a job runs, the server is started and the job is among the running ones.",
    Document("system"),
    Observed(_SEEN, "started while a job runs; app_name and job_id"),
    needs=(Need.RUNNING,),
)
def running_jobs(trial: Trial) -> None:
    job_id = trial.running()
    info = trial.session.call("get_system_info")
    same(info["server_info"]["status"], "started", "the status")
    found = [job for job in info["job_info"] if job["job_id"] == job_id]
    same([job["app_name"] for job in found], ["app"], "the app_name of the job")


@contract(
    "SYS-CELL-01",
    "The cells",
    "get_cell_conn_info returns what the server tells of a cell (release 2.3 alone).",
    Observed("2.3.12", "the data of the first item of `conns`"),
    releases=("2.3",),
)
def cell_info(trial: Trial) -> None:
    holds(trial.session.call("get_cell_conn_info", "server") is not None, "something about the server's cell", None)
