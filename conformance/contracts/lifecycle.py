"""Aborting and deleting jobs, by the state they are in."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import strategies as st

from conformance.contract import CELL_RELEASES, FROM_28, SOCKET_RELEASES, TO_27, Document, Level, Observed, contract
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_SEEN_CELL = "2.7.3, 2.8.3, 2.9.0"
_ALL = f"{_SEEN}, {_SEEN_CELL}"


def _gone(trial: Trial, job_id: str) -> None:
    for method in ("get_job_meta", "delete_job", "abort_job", "clone_job", "download_job_result"):
        trial.raises(("JobNotFound",), f"{method} of a deleted job", trial.session.call, method, job_id)
    same(trial.session.call("list_jobs", id_prefix=job_id), [], "the jobs of that id in the list")


@contract(
    "ABORT-WAIT-01",
    "A job that waits",
    "abort_job of a job that has not started makes it FINISHED:ABORTED; it is never scheduled.",
    Document("abort"),
    Document("abort.waiting"),
    Observed(_SEEN, "FINISHED:ABORTED at once, without a start_time"),
)
def abort_waiting(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    meta = trial.meta(job_id)
    same((meta["status"], meta["start_time"]), ("FINISHED:ABORTED", ""), "status and start_time")


@contract(
    "ABORT-RUN-01",
    "A job that runs",
    "abort_job of a job that runs stops it: it ends as FINISHED:ABORTED.",
    Document("abort.running"),
    needs=(Need.RUNNING,),
)
def abort_running(trial: Trial) -> None:
    job_id = trial.running()
    trial.session.call("abort_job", job_id)
    seconds = trial.target.patience / 4
    deadline = time.monotonic() + seconds
    while (status := trial.status(job_id)) == "RUNNING":
        # Whether a server needs a while to stop the job is its own affair; a client that does not abort is to blame.
        holds(time.monotonic() < deadline, f"the job to be over within {seconds:g} s", status)
        time.sleep(trial.target.poll_interval)
    same(status, "FINISHED:ABORTED", "the status")


@contract(
    "ABORT-DONE-01",
    "A job that is over",
    "abort_job of a job that is over changes nothing.",
    Document("abort.done"),
    needs=(Need.RUNNING,),
)
def abort_finished(trial: Trial) -> None:
    job_id = trial.finished()
    before = trial.meta(job_id)
    trial.session.call("abort_job", job_id)
    same(trial.meta(job_id), before, "the meta")


@contract(
    "ABORT-RETURN-01",
    "What it returns",
    "abort_job returns None.",
    Document("abort.returns"),
    Observed(_SEEN, "None, where the document says a dict of (status, info)"),
    releases=SOCKET_RELEASES,
    level=Level.MAY,
)
def abort_returns(trial: Trial) -> None:
    job_id = trial.submit()
    same(trial.session.call("abort_job", job_id), None, "the result")
    same(trial.session.call("abort_job", job_id), None, "the result for a job that is over")


@contract(
    "ABORT-RETURN-02",
    "What it returns today",
    "abort_job returns what the server says: of a job that waits, one that runs and one that is over.",
    Observed(_SEEN_CELL, "the info of the reply, as text"),
    releases=CELL_RELEASES,
    needs=(Need.RUNNING,),
    level=Level.SHOULD,
)
def abort_returns_info(trial: Trial) -> None:
    waiting = trial.submit()
    said = trial.session.call("abort_job", waiting)
    same(said, f"Aborted the job {waiting} before running it.", "the result for a job that waits")
    said = trial.session.call("abort_job", waiting)
    same(said, f"Job for {waiting} is already completed.", "the result for a job that is over")
    said = trial.session.call("abort_job", trial.running())
    same(said, "Abort signal has been sent to the server app.", "the result for a job that runs")


@contract(
    "DELETE-OK-01",
    "A job that does not run",
    "delete_job removes a job that waits, was aborted or is over: no method finds it any more.",
    Document("delete"),
    Document("delete.running"),
    Observed(_SEEN, "later calls raise JobNotFound"),
)
def delete(trial: Trial) -> None:
    def check(aborted: bool) -> None:
        job_id = trial.submit()
        if aborted:
            trial.session.call("abort_job", job_id)
        trial.session.call("delete_job", job_id)
        _gone(trial, job_id)

    trial.forall(check, aborted=st.booleans(), examples=4)


@contract(
    "DELETE-OK-02",
    "A job that is over",
    "delete_job removes a job that ran and is over.",
    Document("delete.running"),
    needs=(Need.RUNNING,),
)
def delete_finished(trial: Trial) -> None:
    job_id = trial.finished()
    trial.session.call("delete_job", job_id)
    _gone(trial, job_id)


@contract(
    "DELETE-RUN-01",
    "A job that runs",
    "delete_job raises JobNotDone for a job that runs, and the job stays.",
    Document("delete.running"),
    Observed(_SEEN, "JobNotDone"),
    needs=(Need.RUNNING,),
)
def delete_running(trial: Trial) -> None:
    job_id = trial.running()
    trial.raises(("JobNotDone",), "delete_job of a running job", trial.session.call, "delete_job", job_id)
    same(trial.status(job_id), "RUNNING", "the status after it")


@contract(
    "DELETE-RETURN-01",
    "What it returns",
    "delete_job returns None.",
    Document("delete.returns"),
    releases=TO_27,
    level=Level.MAY,
)
def delete_returns(trial: Trial) -> None:
    same(trial.session.call("delete_job", trial.submit()), None, "the result")


@contract(
    "DELETE-RETURN-02",
    "What it returns from 2.8 on",
    "delete_job returns the job's id and how many submit tokens stood for it.",
    Observed("2.8.3, 2.9.0", "a dict of job_id and submit_records_marked_deleted"),
    releases=FROM_28,
    level=Level.SHOULD,
)
def delete_returns_record(trial: Trial) -> None:
    job_id = trial.submit()
    expected = {"job_id": job_id, "submit_records_marked_deleted": 0}
    same(trial.session.call("delete_job", job_id), expected, "the result for a job without a token")


@contract(
    "DELETE-ROLE-01",
    "Somebody else's job",
    "abort_job, delete_job, clone_job and download_job_result raise AuthorizationError for a lead whose job it is not.",
    Document("delete"),
    Observed(_SEEN, "the default policy: leads manage their own jobs"),
    needs=(Need.CONTROL,),
)
def not_ours(trial: Trial) -> None:
    with trial.own_server() as server:
        admin = trial.adapter.open(ADMIN, server.kit())
        lead = trial.adapter.open("lead@nvidia.com", server.kit("lead@nvidia.com", role="lead"))
        job_id = admin.call("submit_job", str(trial.folder()))
        for method in ("abort_job", "delete_job", "clone_job", "download_job_result"):
            trial.raises(("AuthorizationError",), f"{method} of somebody else's job", lead.call, method, job_id)
        same(lead.call("get_job_meta", job_id)["status"], "SUBMITTED", "the status after all that")
        admin.close()
        lead.close()


@contract(
    "ABORT-TWICE-01",
    "A job that was aborted",
    "abort_job of a job that was aborted before raises nothing and changes nothing.",
    Document("abort.done"),
    Observed(_ALL, "the job is over; 2.7 on: `Job for ... is already completed.`"),
)
def abort_twice(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    before = trial.meta(job_id)
    trial.session.call("abort_job", job_id)
    same(trial.meta(job_id), before, "the meta")


@contract(
    "ABORT-ONE-01",
    "One job alone",
    "abort_job aborts the job of the id, and no other of the same name.",
    Document("abort.job_id"),
    Observed(_ALL, "ids are unique, names are not"),
)
def abort_one(trial: Trial) -> None:
    folder = trial.folder()
    first, second = trial.submit_folder(folder), trial.submit_folder(folder)
    trial.session.call("abort_job", first)
    statuses = (trial.status(first), trial.status(second))
    same(statuses, ("FINISHED:ABORTED", "SUBMITTED"), "the statuses of the aborted job and its namesake")


@contract(
    "DELETE-ONE-01",
    "One job alone",
    "delete_job deletes the job of the id, and no other of the same name.",
    Document("delete.job_id"),
    Observed(_ALL, "ids are unique, names are not"),
)
def delete_one(trial: Trial) -> None:
    folder = trial.folder()
    first, second = trial.submit_folder(folder), trial.submit_folder(folder)
    trial.session.call("delete_job", first)
    same(trial.status(second), "SUBMITTED", "the status of the namesake")
    left = [job["job_id"] for job in trial.session.call("list_jobs", name_prefix=folder.name)]
    same(left, [second], "the jobs of that name")


@contract(
    "DELETE-FILES-01",
    "What was downloaded",
    "delete_job removes the job from the server, not the results that were downloaded before.",
    Document("delete"),
    Document("download.returns"),
    Observed(_ALL, "the client's disk is not touched"),
)
def delete_keeps_results(trial: Trial) -> None:
    job_id = trial.submit()
    trial.session.call("abort_job", job_id)
    location = Path(str(trial.session.call("download_job_result", job_id)))
    before = sorted(path.relative_to(location) for path in location.rglob("*"))
    trial.session.call("delete_job", job_id)
    after = sorted(path.relative_to(location) for path in location.rglob("*"))
    holds(before, "some files in the result", "none")
    same(after, before, "the files of the downloaded result after the job was deleted")
