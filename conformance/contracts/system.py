"""What is known of the system: the server, its sites, the jobs that run."""

from __future__ import annotations

from conformance.contract import Document, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
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
