"""How fast jobs go through their lives where nobody waits: on a virtual clock, without a client."""

from __future__ import annotations

import time

from mock_server.play import play
from mock_server.scenarios import Scenario
from tests.benchmarks.figures import Figure, Progress, below
from tests.benchmarks.timing import Samples

JOBS = 10_000
MAX_SECONDS = 2.0

_ROUNDS = 5
_PLACES = 100


def measure(progress: Progress) -> list[Figure]:
    """Measure plays of jobs that are submitted, scheduled, deployed, run and saved."""
    progress(f"playing {JOBS:,} jobs through their lives, {_ROUNDS} times")
    return [life_figure(Samples([seconds_of(JOBS) for _ in range(_ROUNDS)]), JOBS)]


def seconds_of(jobs: int) -> float:
    """How long so many jobs take through their whole lives, in seconds of the CPU: nothing is waited for.

    Raises:
        AssertionError: one of them did not get to its end.
    """
    scenario = Scenario.from_dict(
        {
            "jobs": [{"queued": "1s", "running": "1m"}],
            "limits": {"max_jobs": _PLACES},
            "workload": [{"name": "job", "count": jobs, "every": "100ms"}],
        }
    )
    started = time.process_time()
    timeline = play(scenario)
    seconds = time.process_time() - started
    ended = sum(moment.what == "FINISHED:COMPLETED" for moment in timeline.moments)
    if ended != jobs:
        raise AssertionError(f"expected {jobs} jobs to be completed, but {ended} are")
    return seconds


def life_figure(samples: Samples, jobs: int) -> Figure:
    """The figure of whole lives."""
    name = f"{jobs:,} jobs through their whole life on a virtual clock, CPU time"
    return Figure(name, samples.median, "s", below(MAX_SECONDS), samples.spread("s"))
