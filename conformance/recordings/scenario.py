"""From what a server answered to a scenario under which the mock answers the same.

Owns how each fact is put into the form of scenarios, and the list of what that form cannot say. Must not know how a
recording is made or played.
"""

from __future__ import annotations

import dataclasses
import datetime
import glob
import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.jobs import JobKind
from conformance.recordings.calls import Outcome, noted
from conformance.recordings.hiding import Hiding
from conformance.recordings.machines import machines
from conformance.recordings.probes import OWN_NAMES, definition_of
from conformance.recordings.sightings import NoCourse, SeenJob, Step, collect, course, first_look
from flare_client.protocol.formats import is_job_folder_name
from flare_client.protocol.jobs import SERVER_SITE, JobMetaKey, JobStatus
from mock_server.policy import DEFAULT_AUTHORIZATION, ORG_ADMIN, plain
from mock_server.scenarios.jobs import FIXED_META
from mock_server.scenarios.system import OFFICIAL_MAX_JOBS, ROLES

LEAD = 1.0
"""Seconds from the start of the mock to the first call; what was so before happens within them."""
_FOREVER = "30d"
_FIRST_WAIT = 10.0
"""Seconds between the first two looks of an official scheduler."""
_SECOND = 1.0
"""How exactly a schedule history tells the time, and how often an official scheduler looks."""

_KEY = JobMetaKey
_WRITTEN = frozenset(
    key.value
    for key in (
        *(_KEY.SUBMITTER_NAME, _KEY.SUBMITTER_ORG, _KEY.SUBMITTER_ROLE, _KEY.SUBMIT_TIME_ISO, _KEY.START_TIME),
        *(_KEY.DURATION, _KEY.JOB_DEPLOY_DETAIL),
    )
)
"""What the server writes into a meta, apart from what no stage may change."""
_AT_ONCE = (_KEY.JOB_FOLDER_NAME.value, _KEY.DATA_STORAGE_FORMAT.value, _KEY.CLONED_FROM.value)
"""What the mock would write otherwise for a job that no client submits."""
_OF_DEFINITION = (_KEY.DEPLOY_MAP.value, _KEY.MIN_CLIENTS.value, _KEY.MANDATORY_CLIENTS.value)
_ALWAYS = {_KEY.RESOURCE_SPEC.value: {}, _KEY.MIN_CLIENTS.value: 1}
"""What the definition of such a job says in any case."""
_REFUSED = re.compile("is not authorized for '([^']+)'")
"""How every release says which command a user may not give."""
_NATURAL_REASONS = ("connected sites (", "missing required site ")


@dataclasses.dataclass(frozen=True)
class Gap:
    """What the form of scenarios cannot say: fields of a job that are not compared.

    Attributes:
        job: as ``<job 3>``.
        fields: of its meta.
        reason: why.
    """

    job: str
    fields: tuple[str, ...]
    reason: str


@dataclasses.dataclass(frozen=True)
class Person:
    """Who made the recording."""

    name: str
    org: str
    role: str


@dataclasses.dataclass(frozen=True)
class Written:
    """A scenario, as the content of its file, and what it lacks."""

    content: dict[str, Any]
    gaps: tuple[Gap, ...]


def write(outcomes: Sequence[Outcome], person: Person, hiding: Hiding, description: str) -> Written:
    """Make the scenario of a recording.

    Args:
        outcomes: what was answered, as it came.
        person: who asked.
        hiding: takes away what may not stand in it.
        description: a sentence.
    """
    jobs = collect(outcomes, hiding)
    gaps: list[Gap] = []
    rules: list[dict[str, Any]] = []
    workload: list[dict[str, Any]] = []
    for job in jobs:
        if job.made is None:
            workload.append(_work(job, person, hiding, gaps))
            rules.append(_rule_of_other(job, hiding, gaps))
    rules += _rules_of_own(jobs, hiding, gaps)
    content: dict[str, Any] = {"description": description, "jobs": [*rules, *_usual(jobs)]}
    content["limits"] = {"max_jobs": _max_jobs(jobs)}
    content |= {"scheduler": scheduler} if (scheduler := _scheduler(jobs)) else {}
    users = _users(jobs, person)
    content["users"] = [dataclasses.asdict(user) for user in users]
    told = machines(outcomes, person.org, LEAD, hiding)
    content["sites"] = [*told.sites, *_left_sites(jobs, {site["name"] for site in told.sites}, person.org)]
    content |= {"events": told.events} if told.events else {}
    server = told.server | _policy(
        {user.role for user in users} | {work["role"] for work in workload}, person.role, outcomes
    )
    content |= {"server": server} if server else {}
    content |= {"studies": told.studies} if told.studies else {}
    content |= {"workload": workload} if workload else {}
    return Written(content, tuple(gaps))


# --- jobs of others ---------------------------------------------------------------------------------------------


def _work(job: SeenJob, person: Person, hiding: Hiding, gaps: list[Gap]) -> dict[str, Any]:
    """The submission of a job that another made."""
    meta = {
        key: hiding.value(value)
        for key, value in job.meta.items()
        if key not in FIXED_META | _WRITTEN | set(_AT_ONCE) or key in _OF_DEFINITION
    }
    usable = is_job_folder_name(job.job_name)
    if usable:
        meta.pop(_KEY.NAME.value, None)
    elif job.job_name:
        meta[_KEY.NAME.value] = job.job_name
    surplus = [key for key in _ALWAYS if job.meta and key not in job.meta]
    if surplus:
        gaps.append(Gap(job.name, tuple(surplus), "the mock writes them into the meta of each job"))
    meta = {key: value for key, value in meta.items() if _ALWAYS.get(key, ...) != value}
    work: dict[str, Any] = {
        "at": 0.0 if job.appeared is None else noted(LEAD + job.appeared),
        "name": job.job_name if usable else "job",
        "submitter": str(job.meta.get(_KEY.SUBMITTER_NAME.value) or person.name),
        "org": str(job.meta.get(_KEY.SUBMITTER_ORG.value) or person.org),
        "role": str(job.meta.get(_KEY.SUBMITTER_ROLE.value) or person.role),
    }
    return work | ({"meta": meta} if meta else {})


def _rule_of_other(job: SeenJob, hiding: Hiding, gaps: list[Gap]) -> dict[str, Any]:
    """How a job fares that was there when the recording began."""
    stages: list[dict[str, Any]] = []
    at_once = {key: hiding.value(job.meta[key]) for key in _AT_ONCE if key in job.meta}
    if at_once:
        stages.append({"from": JobStatus.SUBMITTED.value, "meta": at_once})
    try:
        steps = course(job)
    except NoCourse as problem:
        gaps.append(Gap(job.name, ("status", "duration", "start_time"), str(problem)))
        steps = []
    last = steps[-1].to if steps else JobStatus.SUBMITTED
    for number, step in enumerate(steps):
        # The mock is there a moment before the first call.
        is_first = job.appeared is None and step.delay and not any(before.delay for before in steps[:number])
        since = LEAD if is_first else 0.0
        stages.append(_stage(step, since))
    if last is JobStatus.SUBMITTED:
        stages.append(_waiting_stage(job, gaps))
    told = {
        key: hiding.value(job.meta[key])
        for key in (_KEY.JOB_DEPLOY_DETAIL.value, *(_ended_keys(job) if last.is_finished else ()))
        if key in job.meta
    }
    if told and last is not JobStatus.SUBMITTED:
        stages.append({"from": last.value, "meta": told})
    return {"match": {"name": glob.escape(job.job_name), "occurrence": 1}, "stages": stages, **_logs(job, hiding)}


def _ended_keys(job: SeenJob) -> Iterator[str]:
    """What the meta of a job that is over says of its time: the mock lets it be over at once."""
    if job.ran:
        yield _KEY.START_TIME.value
    yield _KEY.DURATION.value


def _waiting_stage(job: SeenJob, gaps: list[Gap]) -> dict[str, Any]:
    """How a job waits: for sites, which the mock finds out by itself, or for something that it does not know."""
    look = first_look(job)
    if look is not None and job.made is None and job.appeared is None:
        look = 3 * LEAD / 4  # once the sites that are gone have left
    reason = job.looks[-1].split(": ", 1)[-1] if job.looks else ""
    if look is not None and not reason.startswith(_NATURAL_REASONS):
        fields = (_KEY.SCHEDULE_COUNT.value, _KEY.SCHEDULE_HISTORY.value, _KEY.LAST_SCHEDULE_TIME.value)
        gaps.append(Gap(job.name, fields, f"no job of the mock waits because of {reason!r}"))
        look = None
    return {
        "from": JobStatus.SUBMITTED.value,
        "delay": _FOREVER if look is None else look,
        "to": JobStatus.DISPATCHED.value,
    }


def _stage(step: Step, since: float = 0.0) -> dict[str, Any]:
    stage: dict[str, Any] = {"from": step.origin.value, "to": step.to.value}
    delay = noted(step.delay + since)
    return stage if not delay else {"from": stage["from"], "delay": delay, "to": stage["to"]}


def _logs(job: SeenJob, hiding: Hiding) -> dict[str, Any]:
    """The result of a job, as far as its logs tell it."""
    files = _log_files(job, hiding)
    return {"result": {"files": files}} if files else {}


def _log_files(job: SeenJob, hiding: Hiding) -> dict[str, str]:
    logs = job.logs.get("logs") if isinstance(job.logs, dict) else None
    return {
        ("log.txt" if site == SERVER_SITE else f"{site}/log.txt"): hiding.text(text)
        for site, text in (logs.items() if isinstance(logs, dict) else ())
        if isinstance(text, str)
    }


# --- jobs of the recording ----------------------------------------------------------------------------------------


def _rules_of_own(jobs: Sequence[SeenJob], hiding: Hiding, gaps: list[Gap]) -> Iterator[dict[str, Any]]:
    """How the recording's own jobs fared: so will those of their names."""
    own = {kind: [job for job in jobs if job.definition == definition_of(kind)] for kind in JobKind}
    for kind, found in own.items():
        if not found:
            continue
        job = found[0]
        try:
            steps = course(job)
        except NoCourse as problem:
            gaps.append(Gap(job.name, ("status",), str(problem)))
            steps = []
        rule: dict[str, Any] = {"match": {"name": OWN_NAMES[kind]}}
        rule["stages"] = [_stage(step) for step in steps] or [_waiting_stage(job, gaps)]
        result = _result(job, hiding)
        yield rule | ({"result": result} if result else {})


def _result(job: SeenJob, hiding: Hiding) -> dict[str, Any]:
    """What a job left in the workspace of the server."""
    texts = _log_files(job, hiding)
    below = "workspace/"
    sizes = {
        path.removeprefix(below): size
        for path, size in job.result.items()
        if path.startswith(below) and path.removeprefix(below) not in texts
    }
    return ({"files": texts} if texts else {}) | ({"sizes": sizes} if sizes else {})


# --- the system around them ---------------------------------------------------------------------------------------


def _usual(jobs: Sequence[SeenJob]) -> Iterator[dict[str, Any]]:
    """How further jobs fare: as those that were seen did."""
    queued = [job.queued for job in jobs if job.queued is not None]
    durations = [
        job.duration for job in jobs if job.duration is not None and job.status == JobStatus.FINISHED_COMPLETED
    ]
    if queued and durations:
        yield {"queued": round(statistics.median(queued), 3), "running": round(statistics.median(durations), 3)}


def _max_jobs(jobs: Sequence[SeenJob]) -> int:
    """How many jobs run at the same time: as many as did while others waited for a place, otherwise what is usual."""
    running = sum(job.status == JobStatus.RUNNING for job in jobs if job.made is None)
    waiting = [job for job in jobs if job.made is None and job.status == JobStatus.SUBMITTED]
    own = any(job.made is not None for job in jobs)
    if running and waiting and not own and not any(job.looks for job in waiting) and not _ran_beside(jobs):
        return running
    return max(OFFICIAL_MAX_JOBS, running + 1)


def _ran_beside(jobs: Sequence[SeenJob]) -> bool:
    """Whether a job that was submitted after one that still runs is over: there was a place beside it."""
    others = [job for job in jobs if job.made is None]
    first = next((place for place, job in enumerate(others) if job.status == JobStatus.RUNNING), len(others))
    return any(job.ran and JobStatus(job.status).is_finished for job in others[first:])


def _scheduler(jobs: Sequence[SeenJob]) -> dict[str, Any]:
    """How patient the scheduler is, where it is otherwise than usual."""
    found: dict[str, Any] = {}
    for job in jobs:
        *_, last = ["", *job.looks]
        words = last.rpartition("exceeded max schedule count ")
        if words[1] and words[2].isdigit():
            found["max_schedule_count"] = int(words[2])
    waits = [wait for job in jobs if (wait := _first_wait(job.looks)) is not None]
    if waits and abs(min(waits) - _FIRST_WAIT) > 2 * _SECOND:
        found["min_schedule_interval"] = round(min(waits), 1)
    return found


def _first_wait(looks: Sequence[str]) -> float | None:
    try:
        first, second = (datetime.datetime.fromisoformat(look[:19]) for look in looks[:2])  # both of one clock
    except ValueError:
        return None
    return (second - first).total_seconds()


def _users(jobs: Sequence[SeenJob], person: Person) -> list[Person]:
    """Whoever was seen."""
    found = {person.name: person}
    for job in jobs:
        name, org, role = (
            str(job.meta.get(key.value) or "") for key in (_KEY.SUBMITTER_NAME, _KEY.SUBMITTER_ORG, _KEY.SUBMITTER_ROLE)
        )
        if name and org and role:
            found.setdefault(name, Person(name, org, role))
    return list(found.values())


def _policy(roles: set[str], own: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The policy of a server on which there are roles that the usual one does not know.

    Args:
        roles: all that were seen.
        own: that of who made the recording, which may do what was not refused; the others may do everything, as nobody
            told their rights.
        outcomes: what was answered.
    """
    unknown = sorted(roles.difference(ROLES))
    if not unknown:
        return {}
    usual = DEFAULT_AUTHORIZATION["permissions"]
    # A role may be an official one in other letters, which scenarios tell apart and policies do not.
    permissions: dict[str, Any] = usual | {role: usual.get(plain(role), "any") for role in unknown}
    refused = {
        command
        for outcome in outcomes
        if outcome.raised is not None
        for command in _REFUSED.findall(outcome.raised.text)
    }
    if own in unknown and plain(own) not in usual and refused:
        permissions[own] = dict.fromkeys(usual[ORG_ADMIN], "any") | dict.fromkeys(sorted(refused), "none")
    return {"authorization": {**DEFAULT_AUTHORIZATION, "permissions": permissions}}


def _left_sites(jobs: Sequence[SeenJob], connected: set[str], org: str) -> list[dict[str, Any]]:
    """Sites that jobs ran on, or asked for, and that are gone."""
    names: dict[str, None] = {}
    needed = 0
    for job in jobs:
        if job.made is not None or not job.ran:
            continue
        for line in job.meta.get(_KEY.JOB_DEPLOY_DETAIL.value) or ():
            names[str(line).partition(":")[0]] = None
        names |= dict.fromkeys(map(str, job.meta.get(_KEY.MANDATORY_CLIENTS.value) or ()))
        least = job.meta.get(_KEY.MIN_CLIENTS.value)
        needed = max(needed, least if isinstance(least, int) else 1)
    gone = [name for name in names if name not in connected and name != SERVER_SITE]
    gone += [f"gone-{number + 1}" for number in range(needed - len(connected) - len(gone))]
    return [{"name": name, "org": org, "leaves": LEAD / 2} for name in gone]
