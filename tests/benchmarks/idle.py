"""What a server costs that does nothing, however many jobs it has: the CPU time of its process while nobody asks."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

from mock_server import MockServer
from tests.benchmarks.figures import Figure, Progress, below
from tests.benchmarks.processes import RELEASE

JOBS = 100_000
MAX_PERCENT = 0.5
_SECONDS = 20.0
_FILL_SECONDS = 600.0


def scenario(count: int) -> dict[str, Any]:
    """A server with so many jobs, which others submitted: half of them over, half of them waiting."""
    return {
        "jobs": [
            {"match": {"name": "done*"}, "queued": 0, "running": 0},
            {"match": {"name": "waits*"}, "queued": "7d"},  # for a look of the scheduler that is due next week
        ],
        "workload": [{"name": name, "count": count // 2, "every": 0} for name in ("done", "waits")],
    }


def measure(progress: Progress) -> list[Figure]:
    """Measure a server that keeps nothing, and one with a state."""
    figures = []
    for durable in (False, True):
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
            state = scratch / "state" if durable else None
            server = stack.enter_context(MockServer(RELEASE, scenario=scenario(JOBS), state=state))
            progress(f"filling a server{' with a state' if durable else ''} with {JOBS:,} jobs")
            wait_for(server, JOBS)
            progress(f"looking on for {_SECONDS:g} s")
            figures.append(idle_figure(*idle_seconds(_SECONDS), JOBS, durable=durable))
    return figures


def wait_for(server: MockServer, count: int) -> None:
    """Wait until a server has all jobs of its scenario.

    Raises:
        AssertionError: it does not get there.
    """
    deadline = time.monotonic() + _FILL_SECONDS
    while (stored := server.call(lambda context: len(context.engine))) != count:
        if time.monotonic() > deadline:
            raise AssertionError(f"expected {count} jobs in the server, but there are {stored}")
        time.sleep(0.1)


def idle_seconds(seconds: float) -> tuple[float, float]:
    """Do nothing for a while, and return the CPU time of the process meanwhile, and how long it was, in seconds."""
    began, used = time.perf_counter(), time.process_time()
    time.sleep(seconds)
    return time.process_time() - used, time.perf_counter() - began


def idle_figure(used: float, passed: float, jobs: int, *, durable: bool) -> Figure:
    """The figure of an idle server."""
    name = f"CPU of an idle server with {jobs:,} jobs, half of them over, half waiting"
    name += ", and a state on disk" if durable else ""
    return Figure(name, 100 * used / passed, "%", below(MAX_PERCENT), f"{used * 1000:.1f} ms in {passed:.1f} s")
