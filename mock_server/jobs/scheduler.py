"""Whether a job can start now, and when to look again if not: the official default scheduler, without its thread.

Read and observed: 2.3.12-2.6.3, which have the same rules. Only the first look at a job is ours to time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from typing import Any

from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey
from mock_server.jobs.store import Job
from mock_server.sites import Site


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """The job can start.

    Attributes:
        sites: which site runs which app, apart from the server.
    """

    sites: dict[str, str]


@dataclasses.dataclass(frozen=True)
class NotNow:
    """The job must wait, for the reason given."""

    reason: str


def _min_sites(job: Job) -> float:
    """How many sites a job needs: 1 where it does not say.

    A number in a text passes the official validator and stops the official scheduler; here it is a number.
    """
    value: Any = job.meta.get(JobMetaKey.MIN_CLIENTS.value)
    if value is None:
        return 1
    return value if isinstance(value, (int, float)) else int(value)


@dataclasses.dataclass(frozen=True)
class Never(NotNow):
    """The job can never start, for the reason given."""


def try_job(job: Job, sites: Iterable[Site], enrolled: Collection[str] | None = None) -> Scheduled | NotNow:
    """Look whether the connected sites are enough for a job.

    Args:
        job: the job.
        sites: the connected sites.
        enrolled: the sites of its study; ``None`` where that does not matter.
    """
    online = [site.name for site in sites if enrolled is None or site.name in enrolled]
    if enrolled is not None:
        named = [name for names in job.deploy_map.values() for name in names if name.upper() != ALL_SITES]
        wanted = [*named, *(job.meta.get(JobMetaKey.MANDATORY_CLIENTS.value) or ())]
        outside = next((name for name in wanted if name != SERVER_SITE and name not in enrolled), None)
        if outside is not None:
            return Never(f"site '{outside}' not in study '{job.study}'")
    apps: dict[str, str] = {}
    for app, names in job.deploy_map.items():
        for name in names:
            if name.upper() == ALL_SITES:
                apps = dict.fromkeys(online, app)
            elif name in online:
                apps[name] = app
    for name in job.meta.get(JobMetaKey.MANDATORY_CLIENTS.value) or ():
        if name not in apps:
            return NotNow(f"missing required site {name}")
    needed = _min_sites(job)
    if len(apps) < needed:
        return NotNow(f"connected sites ({len(apps)}) < min_sites ({needed})")
    return Scheduled(apps)
