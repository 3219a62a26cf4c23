"""Plays programs: each call on the target and in the model, until they part ways."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from conformance.adapters.base import ClientError, ClientSession, ReturnCode
from conformance.machines import calls, phases
from conformance.machines.calls import (
    Call,
    CallOnJob,
    Definition,
    ExpireSessions,
    IdPrefix,
    ListJobs,
    MadeBy,
    Monitored,
    MonitorJob,
    NamePrefix,
    Nth,
    Outcome,
    Raised,
    Returned,
    Steps,
    SubmitJob,
    Until,
    makes_job,
)
from conformance.machines.model import Impossible, Model
from conformance.machines.script import Script
from conformance.machines.shrink import Failure
from conformance.machines.stage import Stage
from conformance.machines.state import Link, State
from conformance.verdicts import Unsuitable, Violation

EXPIRY_SECONDS = 10.0
"""Seconds within which a client has heard that its session is over, where the server tells it."""
_PAUSE = 0.02


class KnownJobs:
    """The jobs of a program, whether or not they are still there."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._makers: dict[str, int] = {}

    def add(self, number: int, job_id: str) -> None:
        """Note that a call made a job, or returned one that there was."""
        if job_id not in self._makers:
            self._makers[job_id] = number
            self.ids.append(job_id)

    def find(self, job: Nth | MadeBy) -> str | None:
        """The id of a job, or ``None`` where there is none."""
        if isinstance(job, MadeBy):
            return next((job_id for job_id, number in self._makers.items() if number == job.number), None)
        return self.ids[-1 - job.back % len(self.ids)] if self.ids else None

    def fixed(self, call: Call) -> Call:
        """A call that names jobs by the calls that made them, so that it means the same if others are left out."""
        if isinstance(call, (CallOnJob, MonitorJob)) and isinstance(call.job, Nth):
            return dataclasses.replace(call, job=self._maker(call.job))
        if isinstance(call, ListJobs) and isinstance(call.id_prefix, IdPrefix):
            prefix = call.id_prefix
            if isinstance(prefix.job, Nth):
                return dataclasses.replace(call, id_prefix=dataclasses.replace(prefix, job=self._maker(prefix.job)))
        return call

    def _maker(self, job: Nth) -> MadeBy:
        return MadeBy(self._makers[self.ids[-1 - job.back % len(self.ids)]])


class Cast:
    """The sessions of a program, and how its calls become real ones. Safe to use from a thread a session.

    Args:
        stage: where it is played.
        model: names the sessions and their users.
        sessions: sessions that are open already, by their names.
    """

    def __init__(self, stage: Stage, model: Model, sessions: Mapping[str, ClientSession] | None = None) -> None:
        self._stage = stage
        self._model = model
        self.mark = stage.new_mark()
        self.sessions = dict(sessions or {})
        self._folders: dict[tuple[str, Definition], str] = {}

    def name(self, definition: Definition) -> str:
        """The real name of a job."""
        return f"{definition.kind.value}-{self.mark}-{definition.tail}"

    def real(self, call: Call, known: KnownJobs) -> Call | None:
        """A call with real ids, names and tokens; ``None`` where it names a job that there never was.

        Args:
            call: the call of a program.
            known: the jobs so far.
        """
        if isinstance(call, SubmitJob):
            return dataclasses.replace(call, name=self.name(call.definition), token=self._token(call.token))
        if isinstance(call, (CallOnJob, MonitorJob)):
            if not isinstance(call.job, (Nth, MadeBy)):
                return call
            job_id = known.find(call.job)
            return dataclasses.replace(call, job=job_id) if job_id is not None else None
        if not isinstance(call, ListJobs):
            return call
        id_prefix, name_prefix = call.id_prefix, call.name_prefix
        if isinstance(id_prefix, IdPrefix):
            job_id = known.find(id_prefix.job)
            if job_id is None:
                return None
            text = job_id[: id_prefix.length]
            id_prefix = text.upper() if id_prefix.upper else text
        if isinstance(name_prefix, NamePrefix):
            text = f"{name_prefix.kind.value}-{self.mark}-{name_prefix.tail}"
            name_prefix = text.upper() if name_prefix.upper else text
        token = self._token(call.token)
        return dataclasses.replace(call, id_prefix=id_prefix, name_prefix=name_prefix, token=token)

    def _token(self, token: Any) -> Any:
        return f"{token}-{self.mark}" if isinstance(token, str) and token.isalnum() else token

    def prepare(self, call: Call) -> None:
        """Open the session of a call, and write its definition."""
        if call.session and call.session not in self.sessions:
            self.sessions[call.session] = self._stage.open(self._model.users[call.session])
        # A folder a session: official clients write into it.
        if isinstance(call, SubmitJob) and (call.session, call.definition) not in self._folders:
            folder = self._stage.write(call.definition, self.name(call.definition))
            self._folders[call.session, call.definition] = folder

    def perform(self, call: Call) -> Outcome:
        """Make a real call.

        Raises:
            ClientFailure: the client crashed or hung.
        """
        try:
            return Returned(self._perform(call))
        except ClientError as problem:
            return Raised(problem.types, problem.text)

    def _perform(self, call: Call) -> Any:
        if isinstance(call, calls.OpenSession):
            self.sessions[call.session] = self._stage.open(self._model.users[call.session])
            return None
        if isinstance(call, ExpireSessions):
            return self._expire()
        session = self.sessions[call.session]
        if isinstance(call, SubmitJob):
            token = {} if call.token is None else {"submit_token": call.token}
            return session.call("submit_job", self._folders[call.session, call.definition], **token)
        if isinstance(call, CallOnJob):
            return session.call(call.method, call.job)
        if isinstance(call, ListJobs):
            return session.call("list_jobs", **_list_options(call))
        if isinstance(call, MonitorJob):
            return self._monitor(session, call)
        if isinstance(call, calls.TryConnect):
            return session.call("try_connect", calls.CONNECT_SECONDS)
        if isinstance(call, calls.CloseSession):
            session.close()
            return None
        return session.call("get_system_info")

    def _monitor(self, session: ClientSession, call: MonitorJob) -> Monitored:
        metas: list[Any] = []

        def callback(_is_same: Any, _job_id: Any, meta: Any) -> bool:
            metas.append(meta)
            if call.until is Until.STARTED:
                return isinstance(meta, dict) and meta.get("status") == phases.Phase.SUBMITTED.status
            return call.until is Until.END

        code = session.monitor(call.job, self._stage.patience, self._stage.poll_interval, cb=callback)
        return Monitored(code.name if isinstance(code, ReturnCode) else repr(code), tuple(metas))

    def _expire(self) -> None:
        """End every session, and wait until the clients know, where they are told.

        Raises:
            Unsuitable: a check has no such power over the server.
        """
        if self._stage.server is None:
            raise Unsuitable("needs a server whose sessions can be ended")
        self._stage.server.expire_sessions()
        if not self._model.rules.tells_expiry:
            return
        deadline = time.monotonic() + EXPIRY_SECONDS
        for session in self.sessions.values():
            while time.monotonic() < deadline and not _is_over(session):
                time.sleep(_PAUSE)

    def leave(self) -> None:
        """Close every session."""
        for session in self.sessions.values():
            with contextlib.suppress(Exception):  # a client that failed may be gone altogether
                session.close()


def _is_over(session: ClientSession) -> bool:
    try:
        session.call("list_jobs", limit=1)
    except ClientError as problem:
        return problem.is_a("SessionClosed")
    return False


def _list_options(call: ListJobs) -> dict[str, Any]:
    options = {
        "detailed": call.detailed,
        "limit": call.limit,
        "id_prefix": call.id_prefix,
        "name_prefix": call.name_prefix,
        "reverse": call.reverse,
    }
    # A client of a release without tokens does not know the argument.
    return options if call.token is None else {**options, "submit_token": call.token}


def play(stage: Stage, model: Model, steps: Steps) -> Failure | None:
    """Play calls in sessions of their own, one after the other.

    Returns:
        The failure that they show, if they do: the first call with an outcome that it cannot have.

    Raises:
        ClientFailure: the client crashed or hung.
    """
    cast, known, made = Cast(stage, model), KnownJobs(), list[tuple[int, Call]]()
    try:
        proceed(cast, model, steps, known, Script(cast.mark), made)
    except Violation as problem:
        return Failure(tuple(made), problem)
    finally:
        cast.leave()
        stage.clean(known.ids)
    return None


def proceed(
    cast: Cast, model: Model, steps: Steps, known: KnownJobs, script: Script, made: list[tuple[int, Call]]
) -> State:
    """Play calls with a cast, from a state in which there are no jobs.

    Args:
        cast: the sessions.
        model: the model.
        steps: the calls.
        known: is told of each job.
        script: is told of each call.
        made: is told of each call that was made, in a form that can be played again.

    Returns:
        What the model knows then.

    Raises:
        Violation: a call had an outcome that it cannot have; the script has the calls up to it.
    """
    state = State()
    for number, symbolic in steps:
        call = cast.real(symbolic, known)
        if call is None or not _is_playable(call, state):
            continue
        cast.prepare(call)
        if call.session:
            state = state.with_link(call.session, state.link(call.session))
        outcome = cast.perform(call)
        made.append((number, known.fixed(symbolic)))
        script.add(call, outcome)
        if makes_job(call) and isinstance(outcome, Returned) and isinstance(outcome.value, str):
            known.add(number, outcome.value)
        try:
            state = model.step(state, call, outcome)
        except Impossible as problem:
            expected = f"{script.line(call)} to give {script.plain(problem.expected)}"
            raise Violation(expected, script.plain(str(outcome)), tuple(script.lines)) from problem
    return state


def _is_playable(call: Call, state: State) -> bool:
    """Whether a call makes sense now: monitors that would wait for ever do not, nor does opening what is open."""
    if isinstance(call, calls.OpenSession):
        return state.link(call.session) is not Link.OPEN
    if isinstance(call, calls.TryConnect):
        return state.link(call.session) is not Link.EXPIRED
    job = state.find(call.job) if isinstance(call, MonitorJob) and isinstance(call.job, str) else None
    if job is None or not isinstance(call, MonitorJob) or state.link(call.session) is not Link.OPEN:
        return True
    if call.until is Until.END:
        return phases.ends(job.kind, job.phases)
    return call.until is Until.FIRST or phases.starts(job.kind)
