"""The model: which answers to a call are possible, and what is known after each.

Pure: no I/O, no clock. ``Model.step`` takes what is known, a call and what came of it, and returns what is known then,
or raises ``Impossible`` with what would have been possible. Where the server may have moved a job on by itself, several
answers are possible, and the one that came tells which it was.

Checks come in the order of the official software: arguments, the session, the job, the right, then the command.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from conformance.machines import calls, phases
from conformance.machines.calls import (
    Call,
    CallOnJob,
    Fault,
    ListJobs,
    MonitorJob,
    Outcome,
    Raised,
    SubmitJob,
)
from conformance.machines.listing import chosen, wrong_arguments
from conformance.machines.phases import Phase
from conformance.machines.release import ReleaseRules
from conformance.machines.state import Job, Link, State, TokenRecord
from conformance.machines.users import User, may

DEFAULT_STUDY = "default"
_SUMMARY_KEYS = ("job_id", "job_name", "status", "submit_time", "duration")


class Impossible(Exception):
    """No server that keeps the contracts can answer so.

    Attributes:
        expected: what would have been possible.
    """

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


@dataclasses.dataclass(frozen=True)
class Model:
    """A server as its clients see it.

    Attributes:
        rules: what the release does differently.
        users: the user of each session, by its name.
        is_ordered: whether the order of jobs in a list is looked at; it is not where they came at the same time.
    """

    rules: ReleaseRules
    users: Mapping[str, User]
    is_ordered: bool = True

    def step(self, state: State, call: Call, outcome: Outcome) -> State:
        """What is known after a call.

        Args:
            state: what was known before.
            call: the call, with real ids, names and tokens.
            outcome: what came of it.

        Raises:
            Impossible: the outcome is none that the call can have.
        """
        refusal = self.refusal(state, call)
        if refusal is not None:
            return _refused(state, outcome, refusal)
        if isinstance(call, SubmitJob):
            return self._submitted(state, call, outcome)
        if isinstance(call, ListJobs):
            return self._listed(state, call, outcome)
        if isinstance(call, CallOnJob):
            job = _existing(state, call.job)
            return _ON_JOB[call.method](self, state, call, job, outcome)
        if isinstance(call, MonitorJob):
            return self._monitored(state, call, outcome)
        if isinstance(call, calls.GetSystemInfo):
            return _informed(state, outcome)
        return _link_changed(state, call, outcome)

    # --- refusals ---------------------------------------------------------------------------------------------

    def refusal(self, state: State, call: Call) -> str | None:
        """The exception that a call must raise whatever the phases of jobs, or ``None``."""
        if isinstance(call, (calls.OpenSession, calls.ExpireSessions, calls.CloseSession)):
            return None
        early = _bad_arguments(call)
        if early is not None:
            return early
        link = state.link(call.session)
        if link is not Link.OPEN:
            return "SessionClosed" if link is Link.CLOSED else self.rules.expired
        if isinstance(call, calls.TryConnect):
            return None
        user = self.users[call.session]
        if isinstance(call, (CallOnJob, MonitorJob)):
            job = state.find(call.job)
            if job is None:
                return "JobNotFound"
            method = call.method if isinstance(call, CallOnJob) else "monitor_job"
            return None if may(user, method, job.submitter) else "AuthorizationError"
        if isinstance(call, SubmitJob):
            if not may(user, "submit_job"):
                return "AuthorizationError"
            if call.definition.fault is not None:
                return "InvalidJobDefinition"
            return self._token_refusal(state, user, call.token, call.definition)
        return self._token_refusal(state, user, call.token, None) if isinstance(call, ListJobs) else None

    def _token_refusal(
        self, state: State, user: User, token: str | None, definition: calls.Definition | None
    ) -> str | None:
        record = _record(state, user, token)
        if record is None:
            return None
        if state.find(record.job_id) is None:
            return "SubmitTokenJobDeleted"
        return "SubmitTokenConflict" if definition not in (None, record.definition) else None

    # --- commands ---------------------------------------------------------------------------------------------

    def _submitted(self, state: State, call: SubmitJob, outcome: Outcome) -> State:
        user = self.users[call.session]
        record = _record(state, user, call.token)
        job_id = _value(outcome, "the id of the job" if record is None else f"the id {record.job_id!r}")
        if record is not None:
            _demand(job_id == record.job_id, f"the id {record.job_id!r}, for which the token stands")
            return state
        _new_id(state, job_id)
        job = Job(job_id, call.name, call.definition.kind, user).moved({Phase.SUBMITTED})
        state = state.with_job(job)
        if call.token is None:
            return state
        added = TokenRecord(user.name, call.token, call.definition, job_id)
        return dataclasses.replace(state, tokens=(*state.tokens, added))

    def _cloned(self, state: State, call: CallOnJob, source: Job, outcome: Outcome) -> State:
        job_id = _value(outcome, "the id of the clone")
        _new_id(state, job_id)
        clone = Job(job_id, source.name, source.kind, self.users[call.session], cloned_from=source.id)
        return state.with_job(clone.moved({Phase.SUBMITTED}))

    def _listed(self, state: State, call: ListJobs, outcome: Outcome) -> State:
        record = _record(state, self.users[call.session], call.token)
        tokened = None if call.token is None else {record.job_id} if record is not None else set()
        jobs = chosen(state, call, tokened)
        found = _value(outcome, "a list of jobs")
        _demand(isinstance(found, list) and all(isinstance(one, dict) for one in found), "a list of dicts")
        ids = [entry.get("job_id") for entry in found]
        expected = [job.id for job in jobs]
        fits = ids == expected if self.is_ordered else sorted(map(str, ids)) == sorted(expected)
        _demand(fits, f"the jobs {', '.join(expected) or 'none at all'}" + (", in this order" if expected[1:] else ""))
        for entry in found:
            job = _existing(state, entry["job_id"])
            seen = self._seen(job, entry) if call.detailed else self._summarised(job, entry)
            state = state.with_job(seen)
        return state

    def _asked(self, state: State, _call: CallOnJob, job: Job, outcome: Outcome) -> State:
        return state.with_job(self._seen(job, _value(outcome, f"the meta of {job.id}")))

    def _aborted(self, state: State, _call: CallOnJob, job: Job, outcome: Outcome) -> State:
        if isinstance(outcome, Raised) and "InternalError" in outcome.types and _may_be_ending(job):
            # The server shows it as running, and has no process of it any more.
            return state.with_job(job.moved(job.phases & (phases.BUSY | phases.FINAL)))
        said = _value(outcome, "no exception")
        following = {phase: phases.ABORTS[phase] for phase in job.phases}
        if not self.rules.abort_says:
            _demand(said is None, "None")
            return state.with_job(job.moved({phase for phase, _ in following.values()}))
        possible = {text: text.value.format(job.id) for _, text in following.values()}
        _demand(said in possible.values(), " or ".join(map(repr, sorted(possible.values()))))
        left = {phase for phase, text in following.values() if possible[text] == said}
        return state.with_job(job.moved(left))

    def _deleted(self, state: State, _call: CallOnJob, job: Job, outcome: Outcome) -> State:
        busy = job.phases & phases.BUSY
        if isinstance(outcome, Raised):
            _demand(busy and "JobNotDone" in outcome.types, "JobNotDone" if busy else f"{job.id} to be deleted")
            return state.with_job(job.moved(busy))
        _demand(job.phases - busy, "JobNotDone, as it runs")
        count = sum(record.job_id == job.id for record in state.tokens)
        expected = {"job_id": job.id, "submit_records_marked_deleted": count} if self.rules.delete_counts else None
        _demand(outcome.value == expected, repr(expected))
        return state.with_job(dataclasses.replace(job, is_deleted=True))

    def _downloaded(self, state: State, call: CallOnJob, job: Job, outcome: Outcome) -> State:
        running = job.phases - phases.FINAL if self.rules.download_needs_end else phases.NO_PHASES
        if isinstance(outcome, Raised):
            _demand(running and "JobNotDone" in outcome.types, "JobNotDone" if running else "a folder")
            return state.with_job(job.moved(running))
        _demand(job.phases - running, "JobNotDone, as it is not over")
        download = (self.users[call.session].name, job.id)
        count = state.downloads.count(download) if self.rules.renames_downloads else 0
        name = f"{job.id}__{count}" if count else job.id
        folder = outcome.value
        _demand(isinstance(folder, str) and PurePath(folder).name == name, f"a folder {name}")
        state = dataclasses.replace(state, downloads=(*state.downloads, download))
        return state.with_job(job.moved(job.phases - running))

    def _monitored(self, state: State, call: MonitorJob, outcome: Outcome) -> State:
        job = _existing(state, call.job)
        came = _value(outcome, "no exception")
        for meta in came.metas:
            job = self._seen(job, meta)
        count, codes = len(came.metas), _codes(call.until, job, came.metas)
        _demand(came.code in codes, " or ".join(codes) + f" after {count} calls of the callback")
        return state.with_job(job)

    # --- what is shown of a job -------------------------------------------------------------------------------

    def _seen(self, job: Job, meta: Any) -> Job:
        """A job after its meta was seen."""
        _demand(isinstance(meta, dict), f"the meta of {job.id}")
        expected = {
            "job_id": job.id,
            "name": job.name,
            "job_folder_name": job.name,
            "submitter_name": job.submitter.name,
            "submitter_org": job.submitter.org,
            "submitter_role": job.submitter.role,
            "cloned_from": job.cloned_from,
        }
        if self.rules.has_studies:
            expected["study"] = DEFAULT_STUDY
        for key, value in expected.items():
            _demand(meta.get(key) == value, f"{key}={value!r} in the meta of {job.id}, not {meta.get(key)!r}")
        return _dated(_shown(job, meta.get("status")), meta.get("submit_time_iso"))

    def _summarised(self, job: Job, entry: dict[str, Any]) -> Job:
        """A job after its entry in a short list was seen."""
        missing = [key for key in _SUMMARY_KEYS if key not in entry]
        _demand(not missing, f"{', '.join(_SUMMARY_KEYS)} in the entry of {job.id}, not {sorted(entry)}")
        _demand(entry["job_name"] == job.name, f"job_name={job.name!r} in the entry of {job.id}")
        if self.rules.has_studies:
            _demand(entry.get("study") == DEFAULT_STUDY, f"study={DEFAULT_STUDY!r} in the entry of {job.id}")
        return _dated(_shown(job, entry["status"]), entry["submit_time"])


def _bad_arguments(call: Call) -> str | None:
    """The exception for arguments that a client refuses by itself, before it looks at its session."""
    if isinstance(call, (CallOnJob, MonitorJob)) and (not isinstance(call.job, str) or not call.job):
        return "JobNotFound"
    if isinstance(call, SubmitJob) and call.definition.fault is Fault.NO_FOLDER:
        return "InvalidJobDefinition"
    if isinstance(call, ListJobs) and wrong_arguments(call):
        return "ValueError"
    if isinstance(call, (SubmitJob, ListJobs)) and call.token is not None and not _is_token(call.token):
        return "InvalidArgumentError"
    return None


def _is_token(token: object) -> bool:
    return isinstance(token, str) and 0 < len(token) <= 128 and all(c.isalnum() or c in "._:-" for c in token)


def _record(state: State, user: User, token: str | None) -> TokenRecord | None:
    return next((one for one in state.tokens if (one.user, one.token) == (user.name, token)), None)


def _refused(state: State, outcome: Outcome, expected: str) -> State:
    _demand(isinstance(outcome, Raised) and expected in outcome.types, expected)
    return state


def _link_changed(state: State, call: Call, outcome: Outcome) -> State:
    _demand(_value(outcome, "no exception") is None, "None")
    if isinstance(call, calls.ExpireSessions):
        for session, link in state.links:
            state = state.with_link(session, Link.EXPIRED if link is Link.OPEN else link)
        return state
    if isinstance(call, calls.TryConnect):
        return state
    return state.with_link(call.session, Link.CLOSED if isinstance(call, calls.CloseSession) else Link.OPEN)


def _informed(state: State, outcome: Outcome) -> State:
    info = _value(outcome, "the state of the server")
    parts = ("server_info", "client_info", "job_info")
    _demand(isinstance(info, dict) and all(part in info for part in parts), ", ".join(parts))
    never = {job.id for job in state.jobs if not phases.starts(job.kind)}
    running = {job.get("job_id") for job in info["job_info"]}
    _demand(not running & never, f"no job among the running ones that is never started ({', '.join(running & never)})")
    return state


def _codes(until: calls.Until, job: Job, metas: tuple[Any, ...]) -> tuple[str, ...]:
    """The return codes that a monitor may have, which saw these metas and left the job so."""
    if not metas:
        return ("TIMEOUT",)
    is_over = str(metas[-1]["status"]).startswith("FINISHED")
    if until is calls.Until.FIRST and len(metas) == 1:
        return ("ENDED_BY_CB",)
    if until is calls.Until.STARTED and str(metas[-1]["status"]) != Phase.SUBMITTED.status:
        return ("ENDED_BY_CB",)
    if until is calls.Until.END and is_over:
        return ("JOB_FINISHED",)
    return ("TIMEOUT",) if until is not calls.Until.FIRST and not job.phases <= phases.FINAL else ()


def _may_be_ending(job: Job) -> bool:
    ends_itself = Phase.RUNNING in job.phases and phases.ends(job.kind, job.phases)
    return ends_itself or Phase.STOPPING in job.phases


def _existing(state: State, job_id: str) -> Job:
    job = state.find(job_id)
    if job is None:
        raise Impossible("a job that there is")
    return job


def _shown(job: Job, status: object) -> Job:
    possible = {phase for phase in job.phases if phase.status == status}
    statuses = " or ".join(sorted({phase.status for phase in job.phases}))
    _demand(possible, f"{statuses} as the status of {job.id}, not {status}")
    return job.moved(possible)


def _dated(job: Job, submitted: object) -> Job:
    _demand(isinstance(submitted, str) and submitted, f"a time of submission of {job.id}, not {submitted!r}")
    _demand(job.submitted in (None, submitted), f"{job.submitted} as the time of submission of {job.id}, as before")
    return dataclasses.replace(job, submitted=str(submitted))


def _new_id(state: State, job_id: object) -> None:
    _demand(isinstance(job_id, str) and job_id, "a job id")
    _demand(all(job.id != job_id for job in state.jobs), "the id of a new job")


def _value(outcome: Outcome, expected: str) -> Any:
    if isinstance(outcome, Raised):
        raise Impossible(expected)
    return outcome.value


def _demand(condition: object, expected: str) -> None:
    if not condition:
        raise Impossible(expected)


_ON_JOB: dict[str, Callable[[Model, State, CallOnJob, Job, Outcome], State]] = {
    "get_job_meta": Model._asked,
    "abort_job": Model._aborted,
    "delete_job": Model._deleted,
    "clone_job": Model._cloned,
    "download_job_result": Model._downloaded,
}
