"""The life of a job as a client sees it: which status follows which, and what keeps a job waiting."""

from __future__ import annotations

import time

from conformance.contract import FROM_28, TO_27, Document, Level, Observed, contract
from conformance.jobs import JobKind, edit_meta
from conformance.needs import Need
from conformance.targets import ADMIN, SHARED_SCENARIO
from conformance.trial import FINISHED, Trial
from conformance.verdicts import Unsuitable, holds, same

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"

ORDER = ("SUBMITTED", "DISPATCHED", "RUNNING", FINISHED)
"""The statuses in the only order in which a job takes them; it may skip some, and a poll may miss some."""
LOOKS = 3
"""How often a job that is over is looked at again."""


def _rank(status: str) -> int:
    known = [place for place, begin in enumerate(ORDER) if status.startswith(begin)]
    holds(known, f"a status that is one of {', '.join(ORDER)}", status)
    return known[0]


@contract(
    "LIFE-ORDER-01",
    "Only forward",
    "A job is SUBMITTED, DISPATCHED, RUNNING and FINISHED, in this order: no look sees an earlier status again.",
    Document("meta.returns"),
    Observed(_ALL, "SUBMITTED, RUNNING, FINISHED:COMPLETED; DISPATCHED is often missed"),
    needs=(Need.RUNNING,),
)
def forward(trial: Trial) -> None:
    job_id = trial.submit(JobKind.QUICK)
    deadline = time.monotonic() + trial.target.patience
    seen = [trial.status(job_id)]
    while not seen[-1].startswith(FINISHED):
        if time.monotonic() > deadline:
            raise Unsuitable(f"the server did not finish job {job_id}: it is {seen[-1]}")
        time.sleep(trial.target.poll_interval / 2)
        seen.append(trial.status(job_id))
        holds(_rank(seen[-1]) >= _rank(seen[-2]), f"no status before {seen[-2]} again", seen)
    same(seen[-1], "FINISHED:COMPLETED", "the last status")


@contract(
    "LIFE-FINAL-01",
    "The end is the end",
    "Once a job is over, its status and all of its meta stay as they are.",
    Document("meta.returns"),
    Observed(_ALL, "the meta of a finished job does not change"),
    needs=(Need.RUNNING,),
)
def final(trial: Trial) -> None:
    job_id = trial.finished()
    first = trial.meta(job_id)
    for _ in range(LOOKS):
        same(trial.meta(job_id), first, "the meta of a job that is over")


@contract(
    "LIFE-SAME-01",
    "One status for all",
    "get_job_meta, list_jobs and a detailed list_jobs tell the same status of a job.",
    Document("meta"),
    Document("list"),
    Observed(_ALL, "all are read from the same store"),
)
def one_status(trial: Trial) -> None:
    waiting, aborted = trial.submit(), trial.submit()
    trial.session.call("abort_job", aborted)
    for job_id, expected in ((waiting, "SUBMITTED"), (aborted, "FINISHED:ABORTED")):
        (entry,) = trial.session.call("list_jobs", id_prefix=job_id)
        (whole,) = trial.session.call("list_jobs", id_prefix=job_id, detailed=True)
        told = (trial.status(job_id), entry["status"], whole["status"])
        same(told, (expected,) * 3, "the status in the meta, the list and the detailed list")


@contract(
    "LIFE-WAIT-01",
    "A job waits for its sites",
    "A job is SUBMITTED while no site is connected, and runs once enough are.",
    Document("abort.waiting"),
    Observed(_ALL, "the scheduler does not look at jobs while no site is connected"),
    needs=(Need.CONTROL,),
)
def waits_for_sites(trial: Trial) -> None:
    with trial.own_server({"jobs": [{"queued": 0, "running": "1d"}]}) as server:
        for name in ("site-1", "site-2"):
            server.set_site_connected(name, False)
        session = trial.adapter.open(ADMIN, server.kit())
        job_id = session.call("submit_job", str(edit_meta(trial.folder(JobKind.LONG), min_clients=1)))
        meta = session.call("get_job_meta", job_id)
        same((meta["status"], meta["start_time"]), ("SUBMITTED", ""), "status and start_time without a site")
        server.set_site_connected("site-2", True)
        deadline = time.monotonic() + trial.target.patience
        while (status := session.call("get_job_meta", job_id)["status"]) != "RUNNING":
            same(status, "SUBMITTED", "the status until the job runs")
            if time.monotonic() > deadline:
                raise Unsuitable("the server did not start the job once the site was back")
            time.sleep(trial.target.poll_interval)
        session.close()


@contract(
    "LIFE-QUEUE-01",
    "A job waits for its turn",
    "Where no more jobs may run at the same time, a job is SUBMITTED until one is over, and then runs.",
    Document("abort.waiting"),
    Observed(_ALL, "max_jobs of the server's scheduler"),
    needs=(Need.CONTROL,),
)
def waits_for_turn(trial: Trial) -> None:
    scenario = {"jobs": [{"queued": 0, "running": "1d"}], "limits": {"max_jobs": 1}}
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        first, second = (session.call("submit_job", str(trial.folder(JobKind.LONG))) for _ in range(2))

        def statuses() -> list[str]:
            return [session.call("get_job_meta", job_id)["status"] for job_id in (first, second)]

        same(statuses(), ["RUNNING", "SUBMITTED"], "the statuses while the first job runs")
        session.call("abort_job", first)
        same(statuses(), ["FINISHED:ABORTED", "RUNNING"], "the statuses once the first job is over")
        session.close()


def _after_restart(trial: Trial) -> tuple[str, str]:
    """The statuses of a job that ran and of one that waited when the server was restarted."""
    with trial.own_server(SHARED_SCENARIO) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        ran, waited = (session.call("submit_job", str(trial.folder(kind))) for kind in (JobKind.LONG, JobKind.WAITING))
        deadline = time.monotonic() + trial.target.patience
        while session.call("get_job_meta", ran)["status"] != "RUNNING":
            if time.monotonic() > deadline:
                raise Unsuitable("the server did not start the job")
            time.sleep(trial.target.poll_interval)
        session.close()
        server.restart()
        session = trial.adapter.open(ADMIN, server.kit(), timeout=15.0)
        statuses = tuple(str(session.call("get_job_meta", job_id)["status"]) for job_id in (ran, waited))
        session.close()
        return statuses[0], statuses[1]


@contract(
    "LIFE-RESTART-01",
    "Jobs and a restart of the server",
    "A job that ran when the server was restarted is FINISHED:ABANDONED, one that waited waits on.",
    Document("meta.returns"),
    Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3", "FINISHED:ABANDONED"),
    releases=TO_27,
    level=Level.SHOULD,
    needs=(Need.CONTROL,),
)
def abandoned(trial: Trial) -> None:
    same(_after_restart(trial), ("FINISHED:ABANDONED", "SUBMITTED"), "the statuses after the restart")


@contract(
    "LIFE-RESTART-02",
    "Jobs and a restart of the server, today",
    "A job that ran when the server was restarted seems to run on, one that waited waits on.",
    Observed("2.8.3, 2.9.0", "nothing marks a job of before as abandoned"),
    releases=FROM_28,
    level=Level.MAY,
    needs=(Need.CONTROL,),
)
def seems_to_run(trial: Trial) -> None:
    same(_after_restart(trial), ("RUNNING", "SUBMITTED"), "the statuses after the restart")


@contract(
    "META-SCHED-01",
    "How the job came to run",
    "Once a job was scheduled, its meta counts the looks of the scheduler, dates the last and tells of each.",
    Document("meta.returns"),
    Observed(_ALL, "schedule_count, last_schedule_time, schedule_history"),
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def schedule(trial: Trial) -> None:
    meta = trial.meta(trial.finished())
    history = meta.get("schedule_history")
    holds(isinstance(history, list) and history, "a schedule_history with an entry", history)
    same(meta.get("schedule_count"), len(history or []), "the schedule_count")
    holds(str((history or [""])[-1]).endswith(": scheduled"), "a last entry that says `scheduled`", history)
    holds(meta.get("last_schedule_time", 0) >= meta["submit_time"], "a last_schedule_time after submit_time", meta)


@contract(
    "META-SCHED-02",
    "Why the job waits",
    "The meta of a job that cannot be scheduled yet says why in its schedule_history.",
    Document("meta.returns"),
    Observed(_ALL, "connected sites (2) < min_sites (50)"),
    level=Level.SHOULD,
    needs=(Need.CONTROL,),
)
def why_it_waits(trial: Trial) -> None:
    with trial.own_server({"jobs": [{"queued": 0}]}) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        folder = edit_meta(trial.folder(), min_clients=50)
        meta = session.call("get_job_meta", session.call("submit_job", str(folder)))
        same((meta["status"], meta.get("schedule_count")), ("SUBMITTED", 1), "status and schedule_count")
        said = meta.get("schedule_history") or [""]
        holds(said[-1].endswith(": connected sites (2) < min_sites (50)"), "the reason in schedule_history", said)
        session.close()


@contract(
    "META-DEPLOY-01",
    "Where the job was deployed",
    "The job_deploy_detail of a job that ran names the server and every site, each as OK.",
    Document("meta.returns"),
    Observed(_ALL, "server: OK, site-1: OK, site-2: OK; the order of the sites varies"),
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def deployed(trial: Trial) -> None:
    detail = trial.meta(trial.finished()).get("job_deploy_detail")
    sites = [site["name"] for site in trial.session.call("get_system_info")["client_info"]]
    same(sorted(detail or []), sorted(f"{name}: OK" for name in ("server", *sites)), "the job_deploy_detail")
