"""Which job starts next: the jobs that are due for a look of the scheduler, the places there are, and what a look does.

The official job runner does the same in a thread of its own, a look a second. Whether the sites are enough for a job
is decided in ``mock_server.jobs.scheduler``.
"""

from __future__ import annotations

import heapq

from flare_client.protocol.jobs import SERVER_SITE, JobMetaKey, JobStatus
from mock_server.jobs import meta as job_meta
from mock_server.jobs import scheduler
from mock_server.jobs.agenda import Agenda, is_void
from mock_server.jobs.definition import brings_code, is_intact
from mock_server.jobs.lifecycle import LifeCycle
from mock_server.jobs.outcomes import ServerRules
from mock_server.jobs.patience import Patience
from mock_server.jobs.store import Again, Job
from mock_server.sites.register import SiteRegister

BYOC_REFUSED = "BYOC not permitted"
"""The deploy detail of an app with code of its own whose submitter has no right to it (2.3.12-2.6.3)."""


class JobRunner:
    """Starts jobs.

    Args:
        life: moves jobs on.
        agenda: what is going to happen.
        sites: the sites.
        rules: what the server has to say about jobs.
        max_jobs: how many run at a time.
        patience: how often and when a job that cannot start is looked at.
    """

    def __init__(
        self,
        life: LifeCycle,
        agenda: Agenda,
        sites: SiteRegister,
        rules: ServerRules,
        *,
        max_jobs: int,
        patience: Patience,
    ) -> None:
        self._life = life
        self._agenda = agenda
        self._sites = sites
        self._rules = rules
        self._journal = life.journal
        self._max_jobs = max_jobs
        self._patience = patience
        self._ready: list[tuple[int, int, Job]] = []
        """Jobs that are due for a look of the scheduler, and found no place or no site; first submitted, first."""

    def make_ready(self, job: Job, now: float) -> None:
        """Take note of a job that is due for a look, and look."""
        self.put_by(job, now)
        self.schedule(now)

    def put_by(self, job: Job, now: float) -> None:
        """Take note of a job that is due for a look."""
        job.planned = now, Again.READY
        heapq.heappush(self._ready, (job.sequence, job.events, job))

    def schedule(self, now: float) -> None:
        """Let the scheduler look at the jobs that are due, as long as there is a place for one.

        Official schedulers do not look, and so do not count, while no place is free or no site is connected.
        """
        while self._ready and len(self._life.running) < self._max_jobs and self._sites.connected():
            _, count, job = heapq.heappop(self._ready)
            if not is_void(job, count):
                self._look_at(job, now)

    def _look_at(self, job: Job, now: float) -> None:
        job.planned = None
        self._journal.changed(job)
        if job_meta.tries(job.meta) >= self._patience.tries:
            job_meta.record_try(job.meta, self._patience.exceeded, now)
            self._life.end(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        enrolled = self._rules.sites_of_study(job.study) if self._rules.sites_of_study else None
        result = scheduler.try_job(job, self._sites.connected(), enrolled)
        if isinstance(result, scheduler.Scheduled):
            self._start(job, result.sites, now)
            return
        job_meta.record_try(job.meta, result.reason, now)
        self._life.tell(now, "not scheduled", job, result.reason)
        if isinstance(result, scheduler.Never):
            self._life.end(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        self._agenda.plan(now + self._patience.wait_after(job_meta.tries(job.meta)), Again.TRY, job)

    def _start(self, job: Job, sites: dict[str, str], now: float) -> None:
        problems = self._deploy_problems(job)
        if problems is None:
            self._life.dispatch(job, sites, now)
            return
        # No trace of this look: the official runner writes it after the deployment (observed: 2.3.12-2.6.3).
        if problems:
            job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = problems
        self._life.end(job, JobStatus.FINISHED_FAILED_TO_RUN, now)

    def _deploy_problems(self, job: Job) -> list[str] | None:
        """Why a job cannot be deployed to the server, as its deploy detail has it; ``None`` if it can."""
        if job.own_definition is not None:
            return None
        if not is_intact(job.definition):
            return []  # unpacking fails before there is any detail
        app_folder = f"{job.job_folder}/{job.app_name}"
        if (
            self._rules.may_deploy_byoc
            and brings_code(job.definition, app_folder)
            and not self._rules.may_deploy_byoc(job)
        ):
            return [f"{SERVER_SITE}: {BYOC_REFUSED}"]
        problem = self._rules.verify_signature(job.definition, app_folder) if self._rules.verify_signature else None
        return [f"{SERVER_SITE}: {problem}"] if problem else None
