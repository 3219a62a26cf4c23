"""Connecting, being refused, staying connected, and closing."""

from __future__ import annotations

import concurrent.futures
import datetime
from pathlib import Path
from typing import Any

from conformance.contract import Document, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN, closed_port, silent_port
from conformance.timing import confirmed, measured, not_after, not_before
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"

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
    needs=(Need.CONTROL,),
)
def insecure(trial: Trial) -> None:
    with trial.own_server(secure=False) as server:
        session = trial.adapter.open("whoever", server.kit(), secure=False)
        meta = session.call("get_job_meta", session.call("submit_job", str(trial.folder())))
        same(meta["submitter_name"], "admin", "the submitter_name")
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


def _refused(trial: Trial, kit: Path, user: str, timeout: float, *, whole: bool) -> None:
    def once() -> None:
        with measured() as spent:
            trial.raises(("NoConnection",), "new_secure_session", trial.adapter.open, user, kit, timeout=timeout)
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
)
def silence(trial: Trial) -> None:
    with silent_port() as port:
        _refused(trial, trial.redirected_kit(trial.target.kit(), port), trial.target.user, 0.7, whole=True)


@contract(
    "CONN-TIMEOUT-03",
    "No time at all",
    "With a timeout of 0 or less they raise NoConnection at once, whether or not a server listens.",
    Document("try_connect"),
    Observed(_SEEN, "0 and -1 fail at once"),
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
)
def wrong_user(trial: Trial) -> None:
    _refused(trial, trial.target.kit(), "nobody@example.org", 1.0, whole=False)


@contract(
    "CONN-CERT-01",
    "A certificate of another CA",
    "A kit whose certificates are of another CA ends in NoConnection, within the timeout.",
    Document("secure.kit"),
    Observed(_SEEN, "each side refuses the other's certificate"),
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
)
def no_certificate(trial: Trial) -> None:
    with closed_port() as port:
        kit = trial.redirected_kit(trial.target.kit(), port)
    (kit / "startup" / "client.crt").unlink()
    trial.raises(("ConfigError",), "a kit without client.crt", trial.adapter.open, trial.target.user, kit)


@contract(
    "CONN-EXPIRE-01",
    "The admin session expires",
    "A call on a session that the server has forgotten raises InternalError.",
    Observed(_SEEN, "`session_inactive` surfaces as InternalError"),
    needs=(Need.CONTROL,),
)
def session_expires(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        server.expire_sessions()
        trial.raises(("InternalError",), "list_jobs on an expired session", session.call, "list_jobs")
        session.close()


@contract(
    "CONN-RESTART-01",
    "The server restarts",
    "After a restart of the server, a call on a session of before raises InternalError.",
    Observed(_SEEN, "the token is unknown to the new process"),
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
    needs=(Need.CONTROL,),
)
def server_gone(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
    trial.raises(("InternalError",), "list_jobs without a server", session.call, "list_jobs")
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
