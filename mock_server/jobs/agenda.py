"""What is going to happen: one queue, ordered by time and, at the same time, by when it was planned."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Iterator

from mock_server.jobs.store import Again, Job
from mock_server.scenarios.system import Happening, Work


@dataclasses.dataclass(frozen=True)
class OfSystem:
    """What is due for the server or a site."""

    happens: Happening
    site: str


@dataclasses.dataclass(frozen=True)
class OwnJob:
    """A job of the workload that is due to be submitted.

    Attributes:
        work: what it is a part of.
        number: which of its jobs, from 0.
        name: what tells the work from others, in every process.
    """

    work: Work
    number: int
    name: str


Due = int | Again | OfSystem | OwnJob
"""A stage, by its place in the plan of the job; or another look; or what concerns no job that is there."""


class Agenda:
    """The events to come. Those of a job are void once its future was cancelled."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Due, Job | None, int]] = []
        self._order = itertools.count()
        self._happenings: list[float] = []

    def plan(self, when: float, due: Due, job: Job | None = None) -> None:
        """Add an event.

        Args:
            when: seconds since the epoch.
            due: what it is.
            job: whose it is; ``None``: of no job that is there.
        """
        if job is None:
            heapq.heappush(self._happenings, when)
        elif isinstance(due, (int, Again)):
            job.planned = when, due
        heapq.heappush(self._queue, (when, next(self._order), due, job, job.events if job is not None else 0))

    def due(self, now: float) -> Iterator[tuple[float, Due, Job | None]]:
        """Take out what is due by now, one after the other, with the time at which it was."""
        while self._queue and self._queue[0][0] <= now:
            when, _, due, job, count = heapq.heappop(self._queue)
            if job is None:
                heapq.heappop(self._happenings)
                yield when, due, None
            elif not is_void(job, count):
                yield when, due, job

    def next_at(self) -> float | None:
        """When something is due next; ``None``: never."""
        while self._queue and is_void(*self._queue[0][3:]):
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def next_happening_at(self) -> float | None:
        """When something is due next that concerns no job that is there; ``None``: never."""
        return self._happenings[0] if self._happenings else None


def is_void(job: Job | None, count: int) -> bool:
    """Whether a job was aborted, deleted, replaced or abandoned since an event of that count was planned."""
    return job is not None and count != job.events
