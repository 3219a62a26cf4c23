"""What a scenario does, moment by moment: plain data, and how it reads as text. Knows no engine and no picture."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Moment:
    """Something that happened.

    Attributes:
        time: seconds after the start.
        subject: the name of the job or the site, or ``server``.
        what: the status of the job, or a word for what else it is.
        detail: lines of a log, a reason; often nothing.
        job: the number of the job in the order of submission, from 1; ``None``: no job.
    """

    time: float
    subject: str
    what: str
    detail: str = ""
    job: int | None = None


@dataclasses.dataclass(frozen=True)
class Span:
    """How long a job had a status.

    Attributes:
        status: the status.
        begin: seconds after the start.
        end: the same; the end of the timeline where the job stayed there.
    """

    status: str
    begin: float
    end: float


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Everything that happened, in order.

    Attributes:
        moments: what happened.
        end: seconds after the start at which it was looked at last.
        sites: the sites, and whether each was connected at the start.
    """

    moments: tuple[Moment, ...]
    end: float
    sites: tuple[tuple[str, bool], ...] = ()

    def jobs(self) -> dict[int, str]:
        """The names of the jobs, by their numbers."""
        return {moment.job: moment.subject for moment in self.moments if moment.job is not None}

    def of_job(self, number: int) -> list[Moment]:
        """What happened to a job."""
        return [moment for moment in self.moments if moment.job == number]

    def of_system(self) -> list[Moment]:
        """What happened to the server and its sites."""
        return [moment for moment in self.moments if moment.job is None]

    def text(self) -> str:
        """A line a moment: the time, who, what."""
        names = self.jobs()
        shared = len(set(names.values())) < len(names)
        subjects = [f"{m.subject} ({m.job})" if shared and m.job else m.subject for m in self.moments]
        width = max((len(subject) for subject in subjects), default=0)
        lines = []
        for moment, subject in zip(self.moments, subjects, strict=True):
            detail = f": {moment.detail}" if moment.detail else ""
            lines.append(f"{moment.time:>12.3f} s  {subject:<{width}}  {moment.what}{detail}\n")
        return "".join(lines)

    def jsonl(self) -> str:
        """A line of JSON a moment."""
        return "".join(json.dumps(dataclasses.asdict(moment)) + "\n" for moment in self.moments)


def spans(moments: list[Moment], end: float) -> Iterator[Span]:
    """The statuses of a job one after the other, as long as it had them.

    Args:
        moments: what happened to the job.
        end: the end of the timeline.
    """
    steps = [moment for moment in moments if is_status(moment.what)]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        yield Span(step.what, step.time, end if following is None else following.time)


def is_status(word: str) -> bool:
    """Whether a word is the status of a job."""
    return word in ("SUBMITTED", "DISPATCHED", "RUNNING") or word.startswith("FINISHED:")
