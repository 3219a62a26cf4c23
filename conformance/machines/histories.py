"""Histories: what several threads saw at the same time, whether a model explains it, and how little of it is needed.

A history cannot be played again, so it is not shrunk by playing but by leaving out: an operation that only looked, or
everything about one job. What is left of a history that can be explained can be explained too, so where the rest cannot
be, the whole could not.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import threading
import time
from collections.abc import Mapping, Sequence

from conformance.machines.calls import Call, CallOnJob, ListJobs, Outcome, Program, Returned, is_read, makes_job
from conformance.machines.linearise import Decision, Explanation, Operation, explain
from conformance.machines.model import Impossible, Model
from conformance.machines.player import Cast, KnownJobs
from conformance.machines.script import Script
from conformance.machines.state import State

Event = tuple[Call, Outcome]
History = list[Operation[Event]]

SEARCH_SECONDS = 10.0
"""Seconds after which a search is given up; a history of a dozen operations needs milliseconds."""
_READY_SECONDS = 30.0
_FIRST_NUMBER = 1000
"""Beyond the numbers of the calls before."""


def record(cast: Cast, known: KnownJobs, programs: Mapping[str, Program]) -> History:
    """Play a program in each session, all at the same time.

    Args:
        cast: the sessions.
        known: the jobs that there are; those that come are added.
        programs: the program of each session.

    Raises:
        ClientFailure: the client crashed or hung.
    """
    together = threading.Barrier(len(programs))
    numbers = itertools.count(_FIRST_NUMBER)  # of calls that make jobs; next() is safe in threads

    def act(program: Program) -> History:
        for drawn in program:
            cast.prepare(drawn)
        together.wait(_READY_SECONDS)
        history: History = []
        for symbolic in program:
            call = cast.real(symbolic, known)
            if call is None:
                continue
            called = time.perf_counter()
            outcome = cast.perform(call)
            history.append(Operation((call, outcome), called, time.perf_counter()))
            if (made := _made(call, outcome)) is not None:
                known.add(next(numbers), made)
        return history

    with concurrent.futures.ThreadPoolExecutor(len(programs)) as pool:
        parts = list(pool.map(act, programs.values()))
    return sorted((operation for part in parts for operation in part), key=lambda operation: operation.called)


def judge(model: Model, state: State, history: Sequence[Operation[Event]]) -> Explanation:
    """Look for an order that explains a history.

    Args:
        model: the model.
        state: what was known before.
        history: the operations.
    """
    deadline = time.monotonic() + SEARCH_SECONDS

    def step(known: State, event: Event) -> State | None:
        try:
            return model.step(known, *event)
        except Impossible:
            return None

    return explain(history, state, step, lambda: time.monotonic() > deadline)


def smallest(model: Model, state: State, history: History) -> tuple[State, History]:
    """Leave out of a history that cannot be explained what is not needed to see that.

    Args:
        model: the model.
        state: what was known before.
        history: the operations, of which no order explains them.

    Returns:
        What need be known before, and the operations that are left.
    """

    def still(known: State, left: History) -> bool:
        return judge(model, known, left).decision is Decision.IMPOSSIBLE

    made = [job for operation in history if (job := _made(*operation.event)) is not None]
    for job in [*made, *(job.id for job in state.jobs)]:
        family = _family(state, history, job)
        known, left = _state_without(state, family), _without(history, family)
        if still(known, left):
            state, history = known, left
    for operation in list(history):
        left = [other for other in history if other is not operation]
        if is_read(operation.event[0]) and still(state, left):
            history = left
    return state, history


def script(before: Script, history: Sequence[Operation[Event]]) -> tuple[str, ...]:
    """A history as lines, each operation with the moments of its call and of its answer, after the calls before it.

    Args:
        before: the script of the calls before.
        history: the operations.
    """
    moments = sorted({moment for operation in history for moment in (operation.called, operation.answered)})
    place = {moment: number for number, moment in enumerate(moments, 1)}
    lines = before.copy()
    for operation in sorted(history, key=lambda operation: operation.called):
        lines.add(*operation.event, when=f"[{place[operation.called]:>2} to {place[operation.answered]:>2}] ")
    return tuple(lines.lines)


def _made(call: Call, outcome: Outcome) -> str | None:
    """The id of a job that a call made."""
    if makes_job(call) and isinstance(outcome, Returned) and isinstance(outcome.value, str):
        return outcome.value
    return None


def _family(state: State, history: History, job: str) -> set[str]:
    """A job, and the clones of it."""
    found = {job}
    # A job is cloned after it was made, so one pass is enough.
    found |= {clone.id for clone in state.jobs if clone.cloned_from in found}
    for operation in history:
        call, outcome = operation.event
        made = _made(call, outcome)
        if made is not None and isinstance(call, CallOnJob) and call.job in found:
            found.add(made)
    return found


def _state_without(state: State, jobs: set[str]) -> State:
    return dataclasses.replace(state, jobs=tuple(job for job in state.jobs if job.id not in jobs))


def _without(history: History, jobs: set[str]) -> History:
    """A history as if some jobs had never been."""
    left: History = []
    for operation in history:
        call, outcome = operation.event
        if _made(call, outcome) in jobs or getattr(call, "job", None) in jobs:
            continue
        if isinstance(call, ListJobs) and isinstance(outcome, Returned) and isinstance(outcome.value, list):
            kept = [entry for entry in outcome.value if not _is_of(entry, jobs)]
            operation = dataclasses.replace(operation, event=(call, Returned(kept)))  # noqa: PLW2901 - a smaller one
        left.append(operation)
    return left


def _is_of(entry: object, jobs: set[str]) -> bool:
    return isinstance(entry, dict) and entry.get("job_id") in jobs
