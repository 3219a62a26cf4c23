"""The states of a job and the ways between them, as a table.

Nothing else decides whether a status may follow another. Observed: 2.3.12-2.6.3, both passes.
"""

from __future__ import annotations

from flare_client.protocol.jobs import JobStatus

_S = JobStatus

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    _S.SUBMITTED: frozenset(
        {
            _S.DISPATCHED,  # the scheduler picked it, and it was deployed
            _S.FINISHED_FAILED_TO_RUN,  # it could not be deployed
            _S.FINISHED_CANT_SCHEDULE,  # the scheduler tried too often
            _S.FINISHED_ABORTED,
        }
    ),
    _S.DISPATCHED: frozenset({_S.RUNNING, _S.FINISHED_FAILED_TO_RUN, _S.FINISHED_ABORTED, _S.FINISHED_ABANDONED}),
    _S.RUNNING: frozenset(
        {
            _S.FINISHED_COMPLETED,
            _S.FINISHED_ABORTED,
            _S.FINISHED_EXECUTION_EXCEPTION,
            _S.FINISHED_ABNORMAL,
            _S.FINISHED_ABANDONED,  # the server was restarted
        }
    ),
    **{status: frozenset() for status in JobStatus if status.is_finished},
    _S.APPROVED: frozenset(),  # defined by the official software, never reached
}

LATE_WRITES: dict[JobStatus, frozenset[JobStatus]] = {
    status: frozenset({_S.RUNNING}) for status in JobStatus if status.is_finished
}
"""Steps that no job takes by itself, but that a scenario may ask for: official servers write RUNNING once a job is
deployed, whatever another thread has written meanwhile, so the end of a short or aborted job can be written over."""

TIMED_ENDS = frozenset({_S.FINISHED_COMPLETED, _S.FINISHED_ABORTED, _S.FINISHED_EXECUTION_EXCEPTION})
"""The ends at which the meta gets a duration, if the job had started; the others leave ``N/A``."""


class IllegalTransition(RuntimeError):
    """A job was asked to take a way that the table does not have: a fault of the simulation."""

    def __init__(self, current: JobStatus, wanted: JobStatus) -> None:
        ways = ", ".join(sorted(status.value for status in TRANSITIONS[current])) or "none"
        super().__init__(f"expected a status that follows {current.value} ({ways}), but got {wanted.value}")
        self.current = current
        self.wanted = wanted


def check_transition(current: JobStatus, wanted: JobStatus, *, late: bool = False) -> None:
    """Check a step.

    Args:
        current: where the job is.
        wanted: where it is to go.
        late: whether a scenario asks for it, so that it may be a late write.

    Raises:
        IllegalTransition: the table has no such way.
    """
    if wanted not in TRANSITIONS[current] and not (late and wanted in LATE_WRITES.get(current, ())):
        raise IllegalTransition(current, wanted)
