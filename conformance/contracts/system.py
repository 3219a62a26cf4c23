"""What is known of the system: the server, its sites, the jobs that run."""

from __future__ import annotations

from conformance.contract import Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_ALL = f"{_SEEN}, 2.7.3, 2.8.3, 2.9.0"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"


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
    level=Level.MAY,
)
def cell_info(trial: Trial) -> None:
    holds(trial.session.call("get_cell_conn_info", "server") is not None, "something about the server's cell", None)


@contract(
    "SYS-START-01",
    "Since when the server runs",
    "The server's start_time is a number of seconds since the epoch, the same at every call and not in the future.",
    Document("system"),
    Observed(_ALL, "a float, set once when the server starts"),
)
def start_time(trial: Trial) -> None:
    times = [trial.session.call("get_system_info")["server_info"]["start_time"] for _ in range(2)]
    holds(isinstance(times[0], float), "a float as start_time", repr(times[0]))
    same(times[0], times[1], "start_time of a second call")
    contact = [site["last_connect_time"] for site in trial.session.call("get_system_info")["client_info"]]
    holds(all(isinstance(one, float) for one in contact), "floats as last_connect_time", contact)


@contract(
    "SYS-STOP-01",
    "A server on which no job runs",
    "Where no job runs, the status of the server is stopped; while one runs, it is started.",
    Document("system"),
    Observed(_ALL, "the status of the training engine, not of the process"),
    needs=(Need.CONTROL,),
)
def stopped(trial: Trial) -> None:
    with trial.own_server({"jobs": [{"queued": 0, "running": "1d"}]}) as server:
        session = trial.adapter.open(ADMIN, server.kit())

        def status() -> str:
            return str(session.call("get_system_info")["server_info"]["status"])

        same(status(), "stopped", "the status before any job")
        job_id = session.call("submit_job", str(trial.folder(JobKind.LONG)))
        same(status(), "started", "the status while a job runs")
        session.call("abort_job", job_id)
        same(status(), "stopped", "the status after the job")
        session.close()


@contract(
    "SYS-JOBS-02",
    "Jobs that run no more",
    "A job that is over, or waits, is not among the running jobs.",
    Document("system"),
    Observed(_ALL, "the jobs that the server runs now"),
    needs=(Need.RUNNING,),
)
def not_running(trial: Trial) -> None:
    waiting, over = trial.submit(), trial.finished()
    running = [job["job_id"] for job in trial.session.call("get_system_info")["job_info"]]
    holds(waiting not in running, "no waiting job among the running ones", running)
    holds(over not in running, "no finished job among the running ones", running)


@contract(
    "SYS-JOBS-03",
    "Several running jobs",
    "Every job that runs is named, each with its app.",
    Document("system"),
    Observed(_ALL, "one entry a job"),
    needs=(Need.CONTROL,),
)
def several(trial: Trial) -> None:
    with trial.own_server({"jobs": [{"queued": 0, "running": "1d"}], "limits": {"max_jobs": 3}}) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        jobs = [session.call("submit_job", str(trial.folder(JobKind.LONG))) for _ in range(3)]
        told = sorted((job["job_id"], job["app_name"]) for job in session.call("get_system_info")["job_info"])
        same(told, sorted((job_id, "app") for job_id in jobs), "ids and apps of the running jobs")
        session.close()
