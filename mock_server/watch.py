"""Waiting for a job of a server: on a virtual clock by moving it, on any other by waiting for what comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flare_client.protocol.jobs import JobMetaKey, JobStatus
from mock_server.clock import Clock, ManualClock
from mock_server.context import ServerContext

_T = TypeVar("_T")

ANY_END = "FINISHED"
_LONGEST_PAUSE = 0.05
"""Seconds of the clock between two looks at a job that clients may abort or delete at any time."""


class Call(Protocol):
    """Runs a function on the state of a server."""

    def __call__(self, function: Callable[[ServerContext], _T]) -> _T:
        """Run it, and return what it returns."""


def check_awaited(status: str) -> None:
    """Check that a status can be waited for.

    Raises:
        ValueError: there is no such status.
    """
    known = [ANY_END, *(one.value for one in JobStatus)]
    if status not in known:
        raise ValueError(f"expected a status of {', '.join(known)}, but got {status!r}")


class JobWatch:
    """Waits for jobs.

    Args:
        call: runs a function on the state of the server.
        clock: the time of the server.
    """

    def __init__(self, call: Call, clock: Clock) -> None:
        self._call = call
        self._clock = clock

    def wait(self, job_id: str, status: str, seconds: float) -> dict[str, Any]:
        """Let time pass until a job has a status, and return its meta.

        Raises:
            KeyError: there is no such job.
            TimeoutError: it does not get there in time, or ends otherwise.
        """
        deadline = self._clock.time() + seconds
        while True:
            meta, following = self._call(lambda context: _look(context, job_id))
            current = str(meta[JobMetaKey.STATUS.value])
            if current == status or (status == ANY_END and JobStatus(current).is_finished):
                return meta
            # An end is the end, unless a scenario writes over it.
            is_stuck = following is None and isinstance(self._clock, ManualClock)
            if is_stuck or self._clock.time() >= deadline:
                why = "nothing more will happen by itself" if is_stuck else f"after {seconds:g} s"
                raise TimeoutError(f"expected job {job_id} to be {status}, but it is {current}: {why}")
            self._pass(deadline if following is None else min(following, deadline))

    def _pass(self, until: float) -> None:
        if isinstance(self._clock, ManualClock):
            self._clock.advance_to(until)
        else:
            self._clock.sleep(min(_LONGEST_PAUSE, max(0.001, until - self._clock.time())))


def _look(context: ServerContext, job_id: str) -> tuple[dict[str, Any], float | None]:
    job = context.engine.get(job_id)
    if job is None:
        raise KeyError(job_id)
    return dict(job.meta), context.engine.next_event_at()
