"""Times of jobs, in metas and lists, and that what is told is of now."""

from __future__ import annotations

import datetime
import re

from conformance.contract import RELEASES, Document, Level, Observed, contract
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.targets import ADMIN
from conformance.trial import Trial
from conformance.verdicts import Violation, holds, same

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
TO_28 = RELEASES[:6]
_DURATION = re.compile(r"(\d+ days?, )?\d+:\d\d:\d\d(\.\d+)?")
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")


def _moment(text: object) -> datetime.datetime:
    """A time with a zone.

    Raises:
        Violation: the text is none.
    """
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError as problem:
        raise Violation("an ISO 8601 time", repr(text)) from problem
    holds(moment.tzinfo is not None, "an ISO 8601 time with a zone", repr(text))
    return moment


@contract(
    "META-TIME-01",
    "When the job was submitted",
    "submit_time is seconds since the epoch, and submit_time_iso the same moment with a zone.",
    Document("meta.returns"),
    Observed(_ALL, "a float, and ISO 8601"),
)
def submitted(trial: Trial) -> None:
    meta = trial.meta(trial.submit())
    seconds = meta["submit_time"]
    holds(isinstance(seconds, float), "a float as submit_time", repr(seconds))
    apart = abs(_moment(meta["submit_time_iso"]).timestamp() - seconds)
    holds(apart < 0.001, "submit_time and submit_time_iso to be one moment", f"{apart} s between them")


@contract(
    "META-START-01",
    "When the job started",
    "start_time of a job that ran is a local time without a zone.",
    Document("meta.returns"),
    Observed("2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3", "2026-11-23 13:27:44.250788"),
    releases=TO_28,
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def started(trial: Trial) -> None:
    text = trial.meta(trial.finished())["start_time"]
    holds(isinstance(text, str) and _LOCAL.fullmatch(text), "a start_time as `2026-11-23 13:27:44.250788`", repr(text))


@contract(
    "META-START-02",
    "When the job started, today",
    "start_time of a job that ran is an ISO 8601 time with a zone, not before the submission.",
    Document("meta.returns"),
    Observed("2.9.0", "2026-11-23T13:40:57.069540+00:00"),
    releases=("2.9",),
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def started_today(trial: Trial) -> None:
    meta = trial.meta(trial.finished())
    start = _moment(meta["start_time"])
    holds(start.timestamp() >= meta["submit_time"], "a start_time after submit_time", meta["start_time"])


@contract(
    "META-DUR-01",
    "How long the job ran",
    "duration is N/A while a job runs, and hours, minutes and seconds once it is over.",
    Document("meta.returns"),
    Observed(_ALL, "N/A; 0:00:05.898501"),
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def duration(trial: Trial) -> None:
    job_id = trial.running()
    same(trial.meta(job_id)["duration"], "N/A", "the duration of a job that runs")
    trial.session.call("abort_job", job_id)
    trial.until(job_id, "FINISHED")
    text = trial.meta(job_id)["duration"]
    holds(isinstance(text, str) and _DURATION.fullmatch(text), "a duration as `0:00:05.898501`", repr(text))


@contract(
    "META-ORG-01",
    "Whose job it is, in full",
    "The meta names organisation and role of the submitter, as the certificate has them.",
    Document("meta.returns"),
    Observed(_ALL, "submitter_org, submitter_role"),
    needs=(Need.CONTROL,),
)
def submitter(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open("lead@acme.org", server.kit("lead@acme.org", org="acme", role="lead"))
        meta = session.call("get_job_meta", session.call("submit_job", str(trial.folder())))
        told = (meta["submitter_name"], meta["submitter_org"], meta["submitter_role"])
        same(told, ("lead@acme.org", "acme", "lead"), "name, organisation and role of the submitter")
        session.close()


@contract(
    "META-FRESH-01",
    "The meta is of now",
    "Each get_job_meta asks the server: it sees what another session did to the job meanwhile.",
    Document("meta"),
    Observed(_ALL, "one request a call"),
)
def fresh(trial: Trial) -> None:
    job_id = trial.submit()
    same(trial.status(job_id), "SUBMITTED", "the status at first")
    with trial.own_session() as other:
        other.call("abort_job", job_id)
    same(trial.status(job_id), "FINISHED:ABORTED", "the status after another session aborted the job")


@contract(
    "LIST-TIME-01",
    "The time of submission in a list",
    "submit_time of a list's entry is the submit_time_iso of the meta.",
    Document("list"),
    Observed(_ALL, "a text, where the meta has a number under that name"),
)
def time_in_list(trial: Trial) -> None:
    job_id = trial.submit()
    (entry,) = trial.session.call("list_jobs", id_prefix=job_id)
    same(entry["submit_time"], trial.meta(job_id)["submit_time_iso"], "the submit_time of the entry")


@contract(
    "LIST-DUR-01",
    "How long a job has been running",
    "duration of a list's entry is N/A for a job that waits, and the time up to now for one that runs.",
    Document("list"),
    Observed(_ALL, "computed for the list, where the meta has N/A"),
    level=Level.SHOULD,
    needs=(Need.RUNNING,),
)
def duration_in_list(trial: Trial) -> None:
    waiting, running = trial.submit(), trial.running()
    (entry,) = trial.session.call("list_jobs", id_prefix=waiting)
    same(entry["duration"], "N/A", "the duration of a job that waits")
    (entry,) = trial.session.call("list_jobs", id_prefix=running)
    text = entry["duration"]
    holds(isinstance(text, str) and _DURATION.fullmatch(text), "a duration as `0:00:05.898501`", repr(text))


@contract(
    "LIST-DETAIL-02",
    "A detailed entry is the meta",
    "An entry of a detailed list is the meta that get_job_meta returns.",
    Document("list.detailed"),
    Document("meta.returns"),
    Observed(_ALL, "the whole meta; only of a running job the duration differs"),
)
def entry_is_meta(trial: Trial) -> None:
    waiting, aborted = trial.submit(), trial.submit()
    trial.session.call("abort_job", aborted)
    for job_id in (waiting, aborted):
        (entry,) = trial.session.call("list_jobs", detailed=True, id_prefix=job_id)
        same(entry, trial.meta(job_id), "the entry of the detailed list")


@contract(
    "LIST-ORDER-02",
    "By time, not by name",
    "Names do not decide the order of a list: jobs are listed by the time of their submission.",
    Document("list.reverse"),
    Observed(_ALL, "ascending submit_time"),
)
def not_by_name(trial: Trial) -> None:
    prefix = f"waiting-{trial.names.word()}-"
    ids = [trial.submit(JobKind.WAITING, f"{prefix}{name}") for name in ("m", "b", "z", "a")]
    found = trial.session.call("list_jobs", name_prefix=prefix)
    same([job["job_id"] for job in found], ids, "the order")


@contract(
    "LIST-NONE-02",
    "A server without jobs",
    "list_jobs returns an empty list where the server has no job, whatever else is asked for.",
    Document("list.returns"),
    Observed(_ALL, "an empty list"),
    needs=(Need.CONTROL,),
)
def no_jobs(trial: Trial) -> None:
    with trial.own_server() as server:
        session = trial.adapter.open(ADMIN, server.kit())
        for options in ({}, {"detailed": True}, {"limit": 3, "reverse": True}, {"name_prefix": "x", "id_prefix": "1"}):
            same(session.call("list_jobs", **options), [], f"the jobs with {options}")
        session.close()


@contract(
    "LIST-LIMIT-04",
    "True is no limit",
    "A limit of True raises InternalError: it is sent as a text, which the server refuses.",
    Document("list.limit"),
    Observed(_ALL, "argument -m: invalid int value: 'True'"),
    level=Level.MAY,
)
def true_as_limit(trial: Trial) -> None:
    trial.submit()
    trial.raises(("InternalError",), "list_jobs(limit=True)", trial.session.call, "list_jobs", limit=True)
