"""The jobs of a server: found by id, listed by submission, with their files in a folder each."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey, JobStatus
from mock_server.scenarios.jobs import DEFAULT_RULE, Plan
from mock_server.scenarios.results import ResultSpec

DEFINITION_FILE = "job.zip"
"""The stored job definition."""


class Again(enum.Enum):
    """What is due for a job that takes no stage."""

    TRY = "try"
    """Another look of the scheduler."""
    READY = "ready"
    """The same, as soon as there is a place and a site."""


@dataclasses.dataclass(frozen=True)
class Submitter:
    """Who submitted or cloned a job."""

    name: str
    org: str
    role: str


def participants(deployments: Any) -> list[str]:
    """The sites of one entry of a deploy map.

    An element may be an object with ``sites`` (from 2.6 on) or ``targets`` (from 2.7 on), and so may the entry.
    """
    if isinstance(deployments, (str, dict)):
        deployments = [deployments]
    found: list[str] = []
    for element in deployments:
        if isinstance(element, dict):
            found += next((list(element[key]) for key in ("sites", "targets") if element.get(key)), [])
        else:
            found.append(element)
    return found


@dataclasses.dataclass(eq=False)
class Job:
    """A job; changed by the engine alone.

    Attributes:
        job_id: its id.
        submitter: who it belongs to.
        meta: what clients see; the engine's record of the job as well.
        folder: where its files are.
        status: where it is in its life; the meta says the same.
        started: when it began to run, in seconds since the epoch.
        ended: when it ceased to run; ``None`` where it runs, or never did.
        run_sites: the sites that run it, and the app of each; empty before it is dispatched.
        is_saved: whether the server has stored the result.
        sequence: its place in the order of submission; the store gives it.
        events: how often the future of the job was cancelled; an event of an earlier count is void.
        plan: the stages that it goes through.
        taken: how often it took each stage of the plan, or passed it over.
        result: what it leaves, as far as stages have said so by now.
        logs: the lines that stages wrote, by the names of sites and ``server``.
        errors: the errors that stages made, by the same names: texts by component and kind.
        own_definition: the definition of a job that the server made up itself, which nobody signed and which others
            share; such a job has no folder until somebody asks for its result.
        planned: what happens to it next by itself, and when; ``None``: nothing.
    """

    job_id: str
    submitter: Submitter
    meta: dict[str, Any]
    folder: Path
    status: JobStatus = JobStatus.SUBMITTED
    started: float | None = None
    ended: float | None = None
    run_sites: dict[str, str] = dataclasses.field(default_factory=dict)
    is_saved: bool = False
    sequence: int = 0
    events: int = 0
    plan: Plan = DEFAULT_RULE.plan
    taken: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    result: ResultSpec = DEFAULT_RULE.plan.result
    logs: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    errors: dict[str, dict[str, dict[str, str]]] = dataclasses.field(default_factory=dict)
    own_definition: Path | None = None
    planned: tuple[float, int | Again] | None = None

    @property
    def name(self) -> str:
        """The name of the job, or of its folder where it has none."""
        return str(self.meta.get(JobMetaKey.NAME.value) or self.meta.get(JobMetaKey.JOB_FOLDER_NAME.value) or "")

    @property
    def study(self) -> str:
        """The study that it belongs to."""
        return str(self.meta.get(JobMetaKey.STUDY.value) or DEFAULT_STUDY)

    @property
    def job_folder(self) -> str:
        """The name of the folder inside the definition."""
        return str(self.meta.get(JobMetaKey.JOB_FOLDER_NAME.value, ""))

    @property
    def definition(self) -> Path:
        """The stored job definition."""
        return self.own_definition or self.folder / DEFINITION_FILE

    @property
    def deploy_map(self) -> dict[str, list[str]]:
        """The sites of each app."""
        entries = self.meta.get(JobMetaKey.DEPLOY_MAP.value) or {}
        return {app: participants(sites) for app, sites in entries.items()}

    @property
    def app_name(self) -> str:
        """The app that the server runs."""
        for app, sites in self.deploy_map.items():
            if SERVER_SITE in sites or any(site.casefold() == ALL_SITES.casefold() for site in sites):
                return app
        return ""

    def app_at(self, site: str) -> str | None:
        """The app that a site runs for the job, or ``None`` where it takes no part."""
        return self.run_sites.get(site)


class JobStore:
    """All jobs, in the order of their submission."""

    def __init__(self) -> None:
        # A dict keeps the order of insertion, which is that of submission, and is read from either end: the newest
        # twenty of 20,000 jobs cost as much as of twenty.
        self._jobs: dict[str, Job] = {}
        self.last = 0
        """The number of the newest job that there ever was."""

    def __len__(self) -> int:
        return len(self._jobs)

    def get(self, job_id: str) -> Job | None:
        """The job of that id, or ``None``."""
        return self._jobs.get(job_id)

    def add(self, job: Job) -> None:
        """Take a job in as the newest.

        A job of the same id is replaced, as the official store does with an id that the definition gave.
        """
        self._jobs.pop(job.job_id, None)
        self.last += 1
        job.sequence = self.last
        self._jobs[job.job_id] = job

    def restore(self, job: Job) -> None:
        """Take in a job of before, which has its number; older ones come first."""
        self._jobs[job.job_id] = job

    def remove(self, job: Job) -> None:
        """Forget a job."""
        self._jobs.pop(job.job_id, None)

    def jobs(self, *, reverse: bool) -> Iterator[Job]:
        """Every job, oldest first, or newest first where ``reverse``."""
        return iter(reversed(self._jobs.values()) if reverse else self._jobs.values())
