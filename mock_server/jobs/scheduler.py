"""Whether a job can start now, and when to look again if not: the official default scheduler, without its thread.

Observed and read: 2.3.12-2.6.3. Only its timing is ours: it looks when something changed, not every second.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey
from mock_server.jobs.sites import Site
from mock_server.jobs.store import Job

MAX_TRIES = 10
MIN_INTERVAL = 10.0
"""Seconds before the second try; each further wait is twice as long."""
MAX_INTERVAL = 600.0


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """The job can start: which site runs which app."""

    sites: dict[str, str]


@dataclasses.dataclass(frozen=True)
class NotNow:
    """The job must wait, for the reason given."""

    reason: str


def _count(value: Any) -> int:
    return int(value) if value else 0


def try_job(job: Job, sites: Iterable[Site]) -> Scheduled | NotNow:
    """Look whether the connected sites are enough for a job.

    Args:
        job: the job.
        sites: the connected sites.
    """
    online = [site.name for site in sites]
    apps: dict[str, str] = {}
    for app, names in job.deploy_map.items():
        for name in names:
            if name.upper() == ALL_SITES:
                apps = dict.fromkeys(online, app)
            elif name in online:
                apps[name] = app
            elif name != SERVER_SITE:
                continue
    for name in job.meta.get(JobMetaKey.MANDATORY_CLIENTS.value) or ():
        if name not in apps:
            return NotNow(f"missing required site {name}")
    needed = _count(job.meta.get(JobMetaKey.MIN_CLIENTS.value))
    if needed and len(apps) < needed:
        return NotNow(f"connected sites ({len(apps)}) < min_sites ({needed})")
    return Scheduled(apps)


def tries(job: Job) -> int:
    """How often the scheduler looked at a job."""
    return _count(job.meta.get(JobMetaKey.SCHEDULE_COUNT.value))


def wait_after(count: int) -> float:
    """Seconds between the try of that number, from 1, and the next."""
    return float(min(MAX_INTERVAL, MIN_INTERVAL * 2 ** (count - 1)))


def record(job: Job, result: str, now: float) -> None:
    """Write a try into the meta of a job."""
    history = job.meta.setdefault(JobMetaKey.SCHEDULE_HISTORY.value, [])
    local = datetime.datetime.fromtimestamp(now)  # noqa: DTZ006 - official servers write their local time
    history.append(f"{local:%Y-%m-%d %H:%M:%S}: {result}")
    count = tries(job) + 1
    # The order of the keys in the meta is that of the official server.
    del job.meta[JobMetaKey.SCHEDULE_HISTORY.value]
    job.meta[JobMetaKey.SCHEDULE_COUNT.value] = count
    job.meta[JobMetaKey.LAST_SCHEDULE_TIME.value] = now
    job.meta[JobMetaKey.SCHEDULE_HISTORY.value] = history
