"""Cloning jobs: what a clone takes over, what is its own, and that it stands alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conformance.contract import Document, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import holds, same

_SEEN = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
_ALL = f"{_SEEN}, 2.7.3, 2.8.3, 2.9.0"

CLONED_KEYS = ("name", "deploy_map", "resource_spec", "min_clients", "job_folder_name")


def _clone(trial: Trial, source: str) -> None:
    clone = trial.session.call("clone_job", source)
    holds(isinstance(clone, str) and clone != source, "a new job id", clone)
    trial.adopt(clone)
    before, after = trial.meta(source), trial.meta(clone)
    same(after.get("cloned_from"), source, "cloned_from")
    same(after.get("submitter_name"), trial.target.user, "the submitter_name")
    for key in CLONED_KEYS:
        same(after.get(key), before.get(key), f"the {key} of the clone")
    jobs = [job["job_id"] for job in trial.session.call("list_jobs", name_prefix=before["name"])]
    same(jobs, [source, clone], "the jobs of that name")


@contract(
    "CLONE-OK-01",
    "A job that waits",
    "clone_job makes a new job with the definition of the old one, and returns its id.",
    Document("clone"),
    Document("clone.returns"),
    Observed(_SEEN, "the keys that a clone takes over"),
)
def clone_waiting(trial: Trial) -> None:
    _clone(trial, trial.submit())


@contract(
    "CLONE-STATE-01",
    "A job in any state",
    "clone_job works on a job that runs, was aborted or is over.",
    Document("clone"),
    Observed(_SEEN, "allowed in any state"),
    needs=(Need.RUNNING,),
)
def clone_any(trial: Trial) -> None:
    aborted = trial.submit()
    trial.session.call("abort_job", aborted)
    sources: tuple[Callable[[], str], ...] = (trial.running, lambda: aborted, trial.finished)
    for source in sources:
        _clone(trial, source())


@contract(
    "CLONE-CLONE-01",
    "A clone of a clone",
    "cloned_from names the job that was cloned, not the first of the line; a job that is no clone has no such key.",
    Document("clone"),
    Observed(_ALL, "cloned_from: the id that was given"),
)
def clone_of_clone(trial: Trial) -> None:
    first = trial.submit()
    second = trial.session.call("clone_job", first)
    trial.adopt(second)
    third = trial.session.call("clone_job", second)
    trial.adopt(third)
    line = [trial.meta(job_id).get("cloned_from") for job_id in (first, second, third)]
    same(line, [None, first, second], "cloned_from of a job, its clone, and the clone of that")


@contract(
    "CLONE-ALONE-01",
    "A clone stands alone",
    "Neither aborting a clone nor deleting its source changes the other.",
    Document("clone"),
    Observed(_ALL, "two jobs"),
)
def stands_alone(trial: Trial) -> None:
    source = trial.submit()
    clone = trial.session.call("clone_job", source)
    trial.adopt(clone)
    trial.session.call("abort_job", clone)
    same(trial.status(source), "SUBMITTED", "the status of the source after its clone was aborted")
    trial.session.call("delete_job", source)
    same(trial.status(clone), "FINISHED:ABORTED", "the status of the clone after its source was deleted")


@contract(
    "CLONE-NEW-01",
    "A clone begins anew",
    "The clone of a job that is over is SUBMITTED like a new one: with its own times, and nothing of the source's run.",
    Document("clone"),
    Observed(_ALL, "the meta of a clone has no schedule fields, no start_time and the duration N/A"),
    needs=(Need.RUNNING,),
)
def begins_anew(trial: Trial) -> None:
    folder = trial.folder(JobKind.QUICK)
    source = trial.submit_folder(folder)
    trial.until(source, "FINISHED")
    clone = trial.session.call("clone_job", source)
    trial.adopt(clone)
    before, after = trial.meta(source), trial.meta(clone)
    holds(after["submit_time"] > before["submit_time"], "a later submit_time of the clone", after["submit_time"])
    trial.until(clone, "FINISHED")
    meta = trial.meta(clone)
    same((meta["status"], meta["job_id"]), ("FINISHED:COMPLETED", clone), "status and job_id of the clone in the end")
    holds(meta["start_time"] != before["start_time"], "a start_time of the clone's own", meta["start_time"])


@contract(
    "CLONE-RESULT-01",
    "The result of a clone",
    "The result of a clone holds the definition of its source, in a folder of the clone's id.",
    Document("clone"),
    Document("download.returns"),
    Observed(_ALL, "definitions are shared or copied"),
)
def result_of_clone(trial: Trial) -> None:
    folder = trial.folder()
    content = (folder / "app" / "config" / "config_fed_server.json").read_bytes()
    clone = trial.session.call("clone_job", trial.submit_folder(folder))
    trial.adopt(clone)
    trial.session.call("abort_job", clone)
    location = Path(str(trial.session.call("download_job_result", clone)))
    same(location.name, clone, "the name of the result's folder")
    back = location / "job" / folder.name / "app" / "config" / "config_fed_server.json"
    same(back.read_bytes() if back.is_file() else None, content, "the configuration in the clone's result")
