"""What somebody who watches a job has seen of it so far. Neither draws nor asks; time is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.jobs import JobMetaKey, JobStatus, is_finished

LAST_LINES = 8
"""How many lines of logs are kept, for who looks at them later."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """A status that the job was seen in.

    Attributes:
        status: the status.
        since: when it was first seen, in seconds since the epoch: at most one poll late.
    """

    status: str
    since: float


class Course:
    """A job, poll by poll.

    Args:
        job_id: the job.

    Attributes:
        job_id: likewise.
        meta: its last meta; empty before the first.
        phases: the statuses that it was seen in, one after the other.
        lines: the last lines of its logs, where somebody looks at them.
        polls: how many metas came.
    """

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.meta: Mapping[str, Any] = {}
        self.phases: list[Phase] = []
        self.lines: list[str] = []
        self.polls = 0

    @property
    def status(self) -> str:
        """Where it stands; empty before the first poll."""
        return self.phases[-1].status if self.phases else ""

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.meta.get(JobMetaKey.NAME.value) or self.job_id)

    @property
    def is_over(self) -> bool:
        """Whether no other status follows."""
        return is_finished(self.status)

    @property
    def is_good(self) -> bool:
        """Whether it is over, and did what it should."""
        return self.status == JobStatus.FINISHED_COMPLETED.value

    def take(self, meta: Mapping[str, Any], now: float) -> bool:
        """Take the meta of a poll.

        Args:
            meta: the meta.
            now: seconds since the epoch.

        Returns:
            Whether the status is another one than before.
        """
        self.meta = meta
        self.polls += 1
        status = str(meta.get(JobMetaKey.STATUS.value) or "")
        if status == self.status:
            return False
        self.phases.append(Phase(status, now))
        return True

    def add_lines(self, lines: list[str]) -> None:
        """Keep the newest lines of a log."""
        self.lines = [*self.lines, *lines][-LAST_LINES:]

    def spans(self, now: float) -> list[tuple[str, float]]:
        """Each status and the seconds that it lasted, as far as was seen; one in which a job ends lasts none.

        Args:
            now: seconds since the epoch.
        """
        ends = [phase.since for phase in self.phases[1:]] + [now]
        return [
            (phase.status, 0.0 if is_finished(phase.status) else max(0.0, end - phase.since))
            for phase, end in zip(self.phases, ends, strict=True)
        ]

    def as_result(self) -> dict[str, Any]:
        """The answer for programs."""
        return {
            "job_id": self.job_id,
            "job_status": self.status or None,
            "finished": self.is_over,
            "meta": dict(self.meta),
        }
