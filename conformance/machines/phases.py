"""Where a job may stand, as a table: the server moves jobs on by itself, so it is a set of phases that is known.

A phase is what the server knows; a status is what it shows. What is observed narrows the set; time widens it again,
but only ahead: a job never goes back.

Source: observed on 2.3.12-2.9.0; see the module ``mock_server.jobs.states`` for the mock's own table.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from conformance.jobs import JobKind


class Phase(enum.Enum):
    """Where a job stands."""

    SUBMITTED = enum.auto()
    DISPATCHED = enum.auto()
    RUNNING = enum.auto()
    STOPPING = enum.auto()
    """It was aborted while it ran: official servers need seconds to stop it, and show RUNNING meanwhile."""
    COMPLETED = enum.auto()
    ABORTED = enum.auto()

    @property
    def status(self) -> str:
        """What the server shows."""
        return _STATUS[self]


_P = Phase
_STATUS = {
    _P.SUBMITTED: "SUBMITTED",
    _P.DISPATCHED: "DISPATCHED",
    _P.RUNNING: "RUNNING",
    _P.STOPPING: "RUNNING",
    _P.COMPLETED: "FINISHED:COMPLETED",
    _P.ABORTED: "FINISHED:ABORTED",
}
Phases = frozenset[Phase]

NO_PHASES: Phases = frozenset()
FINAL: Phases = frozenset({_P.COMPLETED, _P.ABORTED})
BUSY: Phases = frozenset({_P.DISPATCHED, _P.RUNNING, _P.STOPPING})
"""The phases in which a job cannot be deleted."""

_MOVES: dict[JobKind, dict[Phase, tuple[Phase, ...]]] = {
    JobKind.WAITING: {},
    JobKind.LONG: {_P.SUBMITTED: (_P.DISPATCHED,), _P.DISPATCHED: (_P.RUNNING,), _P.STOPPING: (_P.ABORTED,)},
    JobKind.QUICK: {
        _P.SUBMITTED: (_P.DISPATCHED,),
        _P.DISPATCHED: (_P.RUNNING,),
        _P.RUNNING: (_P.COMPLETED,),
        # It may be over before the signal arrives.
        _P.STOPPING: (_P.ABORTED, _P.COMPLETED),
    },
}
"""The steps that the server takes by itself."""


class AbortText(enum.Enum):
    """What the server says of an abort, from 2.7 on; ``{}`` stands for the job's id."""

    BEFORE_RUN = "Aborted the job {} before running it."
    SIGNALLED = "Abort signal has been sent to the server app."
    DONE = "Job for {} is already completed."


ABORTS: dict[Phase, tuple[Phase, AbortText]] = {
    _P.SUBMITTED: (_P.ABORTED, AbortText.BEFORE_RUN),
    _P.DISPATCHED: (_P.ABORTED, AbortText.BEFORE_RUN),
    _P.RUNNING: (_P.STOPPING, AbortText.SIGNALLED),
    _P.STOPPING: (_P.STOPPING, AbortText.SIGNALLED),
    _P.COMPLETED: (_P.COMPLETED, AbortText.DONE),
    _P.ABORTED: (_P.ABORTED, AbortText.DONE),
}
"""What an abort makes of a job, and what the server says."""


def settle(kind: JobKind, phases: Iterable[Phase]) -> Phases:
    """The phases that a job may have reached since it was in one of these."""
    reached = set(phases)
    waiting = list(reached)
    while waiting:
        for following in _MOVES[kind].get(waiting.pop(), ()):
            if following not in reached:
                reached.add(following)
                waiting.append(following)
    return frozenset(reached)


def ends(kind: JobKind, phases: Phases) -> bool:
    """Whether a job that is in any of these phases will be over without anybody's doing."""
    return all(settle(kind, {phase}) & FINAL for phase in phases)


def starts(kind: JobKind) -> bool:
    """Whether a job of this kind is ever scheduled."""
    return bool(_MOVES[kind])
