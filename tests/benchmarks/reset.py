"""``MockServer.reset`` between two tests: how long the second one waits for a server as if just started."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flare_client import new_secure_session
from mock_server import MockServer
from tests.benchmarks.figures import Figure, Progress, below
from tests.benchmarks.processes import ADMIN
from tests.benchmarks.timing import Samples, interleaved, timed
from tests.support import write_job

MAX_MS = 5.0
RELEASES = ("2.6", "2.9")

_ROUNDS = 30
_JOBS = 5


def measure(progress: Progress) -> list[Figure]:
    """Reset servers of both wires in turn, each after a session with some jobs."""
    progress(f"resets of MockServer after {_JOBS} jobs")
    return [reset_figure(release, samples) for release, samples in resets(_ROUNDS).items()]


def resets(rounds: int) -> dict[str, Samples]:
    """The times of resets, by release.

    Args:
        rounds: how often each server is reset.
    """
    scenario = {"jobs": [{"queued": 0, "running": 0}]}
    with (
        tempfile.TemporaryDirectory(prefix="flare-bench-") as folder,
        MockServer(RELEASES[0], scenario=scenario) as old,
        MockServer(RELEASES[1], scenario=scenario) as new,
    ):
        scratch = Path(folder)
        job = write_job(scratch)
        return interleaved(
            rounds,
            {
                server.release: lambda server=server: [_reset_seconds(server, job, scratch)]  # type: ignore[misc]
                for server in (old, new)
            },
        )


def reset_figure(release: str, samples: Samples) -> Figure:
    """The figure of a release."""
    name = f"`reset` of release {release} after a session with {_JOBS} jobs, one of them downloaded"
    return Figure(name, samples.median * 1e3, "ms", below(MAX_MS), samples.spread("ms"))


def _reset_seconds(server: MockServer, job: Path, scratch: Path) -> float:
    with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
        ids = [session.submit_job(str(job)) for _ in range(_JOBS)]
        with tempfile.TemporaryDirectory(dir=scratch) as target:
            session.download_job_result(ids[0], target)
    seconds = timed(server.reset)
    if server.job_metas():
        raise RuntimeError("a reset left jobs behind")
    return seconds
