"""What was seen of jobs in the course of a recording, and the stages that lead a job of the mock the same way.

Times are seconds since the first call. A step of a job lies between the last look that saw the status before and the
first that saw the one after: where in between is told by what the server wrote into the meta, as far as it did.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from conformance.recordings.calls import EDGE, NOT_TOLD, Outcome, noted
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import WATCH
from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.states import LATE_WRITES, TRANSITIONS

_S = JobStatus


@dataclasses.dataclass(frozen=True)
class Sighting:
    """A look at a job.

    Attributes:
        at: when.
        status: it had.
        looked: whether the scheduler had looked at it by then; ``None``: not told.
    """

    at: float
    status: str
    looked: bool | None = None


@dataclasses.dataclass
class SeenJob:
    """All that was seen of a job.

    Attributes:
        name: as ``<job 3>``.
        summary: its last entry in a list.
        meta: its last meta.
        sightings: in order.
        made: when the recording submitted or cloned it; ``None``: it is another's.
        appeared: when another's job was seen first that was not there in the beginning.
        lost: whether it seems to run, and the server does not know that it does.
        stopped: how many of its sightings are from before the recording aborted it; ``None``: it did not.
        definition: which one it was submitted with; empty: it is another's, or a clone.
        logs: the answer about its logs.
        result: the sizes of its files.
    """

    name: str
    summary: dict[str, Any] = dataclasses.field(default_factory=dict)
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    sightings: list[Sighting] = dataclasses.field(default_factory=list)
    made: float | None = None
    appeared: float | None = None
    lost: bool = False
    stopped: int | None = None
    definition: str = ""
    logs: dict[str, Any] = dataclasses.field(default_factory=dict)
    result: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def job_name(self) -> str:
        """What its definition calls it."""
        return str(self.meta.get("name") or self.summary.get("job_name") or self.meta.get("job_folder_name") or "")

    @property
    def ran(self) -> bool:
        """Whether it ever began to run."""
        if self.meta:
            return bool(self.meta.get("start_time"))
        return any(one.status == _S.RUNNING.value for one in self.sightings) or self.duration is not None

    @property
    def queued(self) -> float | None:
        """Seconds from its submission to its start, as the server says."""
        started, submitted = _moment(self.meta, "start_time"), _moment(self.meta, "submit_time_iso")
        return None if started is None or submitted is None else max(0.0, started - submitted)

    @property
    def duration(self) -> float | None:
        """Seconds that it ran, as the server says, once it is over."""
        return seconds_of(str(self.meta.get("duration") or self.summary.get("duration") or ""))

    @property
    def looks(self) -> list[str]:
        """What came of the looks of the scheduler."""
        return [str(line) for line in self.meta.get("schedule_history") or ()]

    @property
    def status(self) -> str:
        """The last one that was seen."""
        return self.sightings[-1].status if self.sightings else ""


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a job: from a status, so many seconds after it got there, to another."""

    origin: JobStatus
    delay: float
    to: JobStatus


class NoCourse(Exception):
    """The mock has no way from one status to another; the text says which."""


def collect(outcomes: Sequence[Outcome], hiding: Hiding) -> list[SeenJob]:
    """All jobs that were seen, in the order of their submission."""
    jobs: dict[str, SeenJob] = {}

    def job(name: str) -> SeenJob:
        return jobs.setdefault(name, SeenJob(name))

    lists = 0
    for outcome in outcomes:
        if outcome.raised is None:
            for name, seen in _told(outcome, hiding):
                is_new = name not in jobs
                found = job(name)
                if is_new and lists:
                    found.appeared = max(0.0, outcome.at - EDGE)
                if "job_name" in seen:
                    found.summary = seen
                elif "submit_time" in seen:
                    found.meta = seen
                if "status" in seen:
                    looked = "schedule_count" in seen if "submit_time" in seen and "job_name" not in seen else None
                    found.sightings.append(Sighting(seen.get("at", outcome.at), str(seen["status"]), looked))
            _note_call(outcome, job, hiding)
            if outcome.call.method == "get_system_info":
                _find_lost(jobs.values(), {hiding.name_of(str(one["job_id"])) for one in outcome.value["job_info"]})
            lists += outcome.call.method == "list_jobs"
    return list(jobs.values())


def _find_lost(jobs: Iterable[SeenJob], running: set[str]) -> None:
    """Note the jobs that seem to run, and do not: their server was restarted, or RUNNING was written late."""
    for job in jobs:
        job.lost |= job.made is None and job.status == _S.RUNNING.value and job.name not in running


def _told(outcome: Outcome, hiding: Hiding) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an answer tells of jobs: the name of each, and a part of a meta."""
    call, value = outcome.call, outcome.value
    if call.method == "list_jobs":
        oldest_first = reversed(value) if call.options.get("reverse") else value
        yield from ((hiding.name_of(str(one["job_id"])), one) for one in oldest_first)
    elif call.method == "get_job_meta":
        yield str(call.args[0]), value
    elif call.method == "get_job_status":
        yield str(call.args[0]), {"status": value}
    elif call.method == WATCH:
        for seen in value:
            for at in dict.fromkeys((seen.first, seen.last) if seen.status != NOT_TOLD else ()):
                yield str(call.args[0]), {"status": seen.status, "at": at}


def _note_call(outcome: Outcome, job: Callable[[str], SeenJob], hiding: Hiding) -> None:
    call, value = outcome.call, outcome.value
    if call.method in ("submit_job", "clone_job"):
        made = job(hiding.name_of(str(value)))
        made.made, made.appeared = outcome.at, None
        made.definition = str(call.args[0]) if call.method == "submit_job" else ""
        made.sightings.insert(0, Sighting(outcome.at, _S.SUBMITTED.value, False))
    elif call.method == "abort_job":
        aborted = job(str(call.args[0]))
        aborted.stopped = len(aborted.sightings) if aborted.stopped is None else aborted.stopped
    elif call.method == "get_job_logs":
        job(str(call.args[0])).logs = value
    elif call.method == "download_job_result" and isinstance(value, dict):
        job(str(call.args[0])).result = value


def course(job: SeenJob) -> list[Step]:
    """The steps of a job from its submission to the last status that it took by itself.

    A job that was there when the recording began takes all steps up to then at once.

    Raises:
        NoCourse: the mock has no such way.
    """
    seen = job.sightings[: job.stopped]
    steps: list[Step] = []
    status, since = _S.SUBMITTED, job.made or job.appeared or 0.0
    if job.made is None and seen:
        for way in _ways(status, _status(seen[0].status), ran=job.ran):
            steps.append(Step(status, 0.0, way))
            status = way
    for before, after in itertools.pairwise(seen):
        if after.status == status.value:
            continue
        ways = _ways(status, _status(after.status), ran=job.ran)
        for number, way in enumerate(ways):
            low = max(before.at, since)
            moment = _between(low, after.at, _estimate(job, way), len(ways) - number)
            steps.append(Step(status, noted(moment - since), way))
            status, since = way, moment
    if job.lost and status is _S.RUNNING:
        steps += [Step(status, 0.0, _S.FINISHED_ABANDONED), Step(_S.FINISHED_ABANDONED, 0.0, _S.RUNNING)]
    return steps


def first_look(job: SeenJob) -> float | None:
    """Seconds from the submission of a job to the first look of the scheduler at it; ``None``: there was none."""
    looked = next((one for one in job.sightings if one.looked), None)
    if looked is None:
        return None
    if job.made is None:
        return 0.0
    before = [one.at for one in job.sightings if one.at < looked.at and one.looked is False]
    return noted(_between(before[-1] if before else job.made, looked.at, None, 1) - job.made)


def _status(word: str) -> JobStatus:
    try:
        return JobStatus(word)
    except ValueError:
        raise NoCourse(f"no job of the mock is ever {word!r}") from None


def _ways(origin: JobStatus, to: JobStatus, *, ran: bool) -> list[JobStatus]:
    """The statuses from one to another, the last among them; through RUNNING where the job ran."""
    if origin is to:
        return []
    begins = {_S.SUBMITTED: _S.DISPATCHED, _S.DISPATCHED: _S.RUNNING}
    through_run = ran and to.is_finished and origin in begins
    if not through_run and to in TRANSITIONS[origin] | LATE_WRITES.get(origin, frozenset()):
        return [to]
    if origin in begins:
        return [begins[origin], *_ways(begins[origin], to, ran=ran)]
    raise NoCourse(f"no job of the mock gets from {origin.value} to {to.value}")


def _estimate(job: SeenJob, way: JobStatus) -> float | None:
    """When a step was taken by the clock of the server, as far as it is told."""
    if job.made is None or job.queued is None:
        return None
    started = job.made + job.queued
    if way in (_S.DISPATCHED, _S.RUNNING):
        return started
    return None if job.duration is None else started + job.duration


def _between(low: float, high: float, estimate: float | None, left: int) -> float:
    """A moment between two looks; the estimate where it fits, otherwise the first of so many even parts."""
    moment = low + (high - low) / (left + 1) if estimate is None else estimate
    return max(min(moment, high - EDGE), low + EDGE) if high - low > 2 * EDGE else (low + high) / 2


def seconds_of(duration: str) -> float | None:
    """The seconds of a duration as metas have it, ``1 day, 0:00:03.5``; ``None`` where it is none."""
    days, _, clock = duration.rpartition(", ")
    try:
        hours, minutes, seconds = (float(part) for part in clock.split(":"))
        return float(days.split()[0] if days else 0) * 86400 + hours * 3600 + minutes * 60 + seconds
    except ValueError:
        return None


def _moment(meta: dict[str, Any], key: str) -> float | None:
    """A time of a meta, in seconds since the epoch; a start without a zone is in that of the submission."""
    try:
        zone = datetime.datetime.fromisoformat(str(meta["submit_time_iso"])).tzinfo
        when = datetime.datetime.fromisoformat(str(meta[key]))
    except (KeyError, ValueError):
        return None
    return (when if when.tzinfo else when.replace(tzinfo=zone)).timestamp()
