"""Which stage of its plan a job takes next, and what a stage leaves behind. Knows no time but delays."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

from mock_server.jobs.store import Job
from mock_server.scenarios.jobs import Stage


@dataclasses.dataclass(frozen=True)
class Choice:
    """The next stage.

    Attributes:
        index: its place in the plan.
        delay: seconds until then.
    """

    index: int
    delay: float


def choose(job: Job, seed: int) -> Choice | None:
    """The next stage of a job: the first from its status that is not used up and not passed over; ``None``: it stays.

    Args:
        job: the job; what is passed over is noted in it.
        seed: that of the scenario.
    """
    for index, stage in job.plan.by_origin.get(job.status, ()):
        while job.taken[index] < stage.repeat:
            if stage.probability >= 1.0 and stage.delay.is_fixed:
                return Choice(index, stage.delay.fixed)
            # A chance of its own for each draw, so that nothing depends on the order in which jobs come to theirs.
            key = f"{seed}/{job.sequence}/{index}/{job.taken[index]}"
            chance = random.Random(key)  # noqa: S311 - a repeatable one is wanted
            if chance.random() < stage.probability:
                return Choice(index, stage.delay.draw(chance))
            job.taken[index] += 1
    return None


def leave(stage: Stage, job: Job) -> Iterator[tuple[str, str]]:
    """Let a stage leave its traces in a job, and yield what they are: a word, and more about it."""
    job.meta.update(stage.meta)
    for name, lines in stage.lines.items():
        job.logs.setdefault(name, []).extend(lines)
        for line in lines:
            yield "log", f"{name}: {line}"
    for name, components in stage.errors.items():
        job.errors[name] = {**job.errors.get(name, {}), **components}
        for component, texts in components.items():
            for kind, text in texts.items():
                yield "error", f"{name}: {component}: {kind}: {text}"
    if stage.result is not None:
        job.result = job.result.extended(stage.result)
        yield "result", ""
    if stage.target is None and stage.saves is not None and stage.saves is not job.is_saved:
        job.is_saved = stage.saves
        yield ("workspace" if stage.saves else "no workspace"), ""
