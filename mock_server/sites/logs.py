"""The logs of simulated machines: lines that follow from what happened and what time it is, so they grow with a job."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator

from flare_client.protocol.jobs import SERVER_SITE
from mock_server.jobs.store import Job

ROUND_SECONDS = 1.0
"""Between two lines about the work of a job."""
MAX_ROUNDS = 1000
"""A log of a long job ends here, so that it stays a text of some hundred kilobytes."""

Line = tuple[float, str, str]
"""When, in seconds since the epoch; which component; what."""


def job_lines(job: Job, machine: str, ended: float) -> Iterator[Line]:
    """What a machine logs of a job that it runs.

    Args:
        job: the job; it was started.
        machine: ``server`` or the name of a site.
        ended: the end of the job, or now while it runs.
    """
    if job.started is None:
        return
    who = f"[identity={machine}, run={job.job_id}]"
    runner = "ServerRunner" if machine == SERVER_SITE else "ClientRunner"
    app = job.app_name if machine == SERVER_SITE else job.app_at(machine)
    yield (
        job.started,
        runner,
        f"{who} - simulated job {job.job_id} ({job.name}) started with app {app}: nothing is trained",
    )
    for number in range(rounds(job, ended)):
        text = f"Round {number} started." if machine == SERVER_SITE else f"got task train of round {number}"
        yield job.started + number * ROUND_SECONDS, runner, f"{who} - {text}"
    if job.status.is_finished:
        yield ended, runner, f"{who} - run ended: {job.status.value}"


def rounds(job: Job, ended: float) -> int:
    """How many rounds a job has begun."""
    if job.started is None:
        return 0
    return min(MAX_ROUNDS, int((ended - job.started) // ROUND_SECONDS) + 1)


def machine_lines(
    machine: str, since: float, sites: Iterable[tuple[float, str]], jobs: Iterable[Job]
) -> Iterator[Line]:
    """What a machine logs of itself.

    Args:
        machine: ``server`` or the name of a site.
        since: when it was started, or connected.
        sites: the sites that joined, and when; of interest to the server.
        jobs: the jobs that it runs or ran.
    """
    first = "FederatedServer" if machine == SERVER_SITE else "FederatedClient"
    start = (
        "deployed FLARE Server (simulated)." if machine == SERVER_SITE else "Registered with the server (simulated)."
    )
    lines: list[Line] = [(since, first, start)]
    lines += [(max(when, since), "ClientManager", f"Client: New client {name} joined.") for when, name in sites]
    lines += [(job.started, first, f"started the job {job.job_id}") for job in jobs if job.started is not None]
    yield from sorted(lines, key=lambda line: line[0])


def as_text(lines: Iterable[Line]) -> str:
    """The lines as official logs write them, in local time."""
    return "".join(f"{_stamp(when)} - {who} - INFO - {what}\n" for when, who, what in lines)


def as_json(lines: Iterable[Line]) -> str:
    """The lines as an official ``log.json`` has them, one object a line."""
    return "".join(
        json.dumps({"asctime": _stamp(when), "name": who, "levelname": "INFO", "message": what}) + "\n"
        for when, who, what in lines
    )


def last_time(lines: Iterable[Line], default: float) -> float:
    """When the last line was written."""
    return max(itertools.chain([default], (when for when, _, _ in lines)))


def _stamp(when: float) -> str:
    whole = int(when)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(whole))},{int((when - whole) * 1000):03d}"
