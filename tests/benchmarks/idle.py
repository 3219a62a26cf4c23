"""What a server costs that does nothing, however many jobs it has: the CPU time of its process while nobody asks."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.context import ServerContext
from mock_server.jobs.store import Submitter
from tests.benchmarks.figures import Figure, Progress, below
from tests.benchmarks.processes import ADMIN, RELEASE
from tests.support import write_job

JOBS = 100_000
MAX_PERCENT = 0.5
_SECONDS = 20.0
_BATCH = 500
_SCENARIO = {
    "jobs": [
        {"match": {"name": "done"}, "queued": 0, "running": 0},
        {"match": {"name": "waits"}, "queued": "7d"},  # for a look of the scheduler that is due next week
    ]
}


def measure(progress: Progress) -> list[Figure]:
    """Measure a server that keeps nothing, and one with a state."""
    figures = []
    for durable in (False, True):
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
            state = scratch / "state" if durable else None
            server = stack.enter_context(MockServer(RELEASE, scenario=_SCENARIO, state=state))
            progress(f"filling a server{' with a state' if durable else ''} with {JOBS:,} jobs")
            fill(server, scratch, JOBS)
            progress(f"looking on for {_SECONDS:g} s")
            figures.append(idle_figure(*idle_seconds(_SECONDS), JOBS, durable=durable))
    return figures


def fill(server: MockServer, scratch: Path, count: int) -> None:
    """Put jobs into a server, half of them over, half of them waiting.

    One of each is submitted, the others are clones that the engine makes of them as it does for the command.
    """
    with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
        sources = [session.submit_job(str(write_job(scratch, name, min_clients=1))) for name in ("done", "waits")]
    submitter = Submitter(ADMIN, "nvidia", "project_admin")

    def clone(source_id: str, number: int) -> None:
        def work(context: ServerContext) -> None:
            source = context.engine.get(source_id)
            if source is None:
                raise LookupError(f"expected the job {source_id} that was just submitted")
            for _ in range(number):
                context.engine.clone(source, submitter)

        server.call(work)

    for source_id in sources:
        left = count // 2 - 1
        while left > 0:
            clone(source_id, min(left, _BATCH))
            left -= _BATCH
    stored = server.call(lambda context: len(context.engine))
    if stored != count:
        raise AssertionError(f"expected {count} jobs in the server, but there are {stored}")


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
