"""The life of a job, step by step: statuses, stages, the end, and what a restart makes of it.

Owns who holds a place. Which job gets a place is not decided here, but in ``mock_server.jobs.runner``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flare_client.protocol.jobs import SERVER_SITE, JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.jobs import meta as job_meta
from mock_server.jobs import stages
from mock_server.jobs.agenda import Agenda, Due
from mock_server.jobs.journal import Journal
from mock_server.jobs.outcomes import Occurrence, Witness
from mock_server.jobs.results import Results
from mock_server.jobs.states import TIMED_ENDS, check_transition
from mock_server.jobs.store import Again, Job
from mock_server.scenarios.jobs import Stage


class LifeCycle:
    """Moves jobs on.

    Args:
        profile: the release that is played.
        seed: that of the scenario.
        agenda: what is going to happen.
        results: what jobs leave.
        journal: is told of each job that changes.
        ready: is told of a job that is due for a look of the scheduler, and when.
        freed: is told that a place may have become free, and when.
        witness: is told all that happens, as it happens.
    """

    def __init__(
        self,
        profile: ReleaseProfile,
        seed: int,
        agenda: Agenda,
        results: Results,
        journal: Journal,
        *,
        ready: Callable[[Job, float], None],
        freed: Callable[[float], None],
        witness: Witness | None,
    ) -> None:
        self._profile = profile
        self._seed = seed
        self._agenda = agenda
        self._results = results
        self.journal = journal
        self._ready = ready
        self.freed = freed
        self._witness = witness
        self.running: dict[str, Job] = {}
        """The jobs that hold a place: those that run, and those that are being deployed."""
        self._revived: dict[str, Job] = {}
        """The jobs that seem to run, because RUNNING was written after their end."""

    def tell(self, now: float, what: str, job: Job | None = None, detail: str = "") -> None:
        """Tell the witness that something happened."""
        if self._witness is not None:
            self._witness(Occurrence(now, what, job, detail))

    def enter(self, job: Job, now: float) -> None:
        """Plan the next stage of a job: the first from its status that is not used up and not passed over."""
        found = stages.choose(job, self._seed)
        if found is not None:
            self._agenda.plan(now + found.delay, found.index, job)

    def take(self, due: Due, job: Job, now: float) -> None:
        """Let happen what is due for a job."""
        job.planned = None
        self.journal.changed(job)
        if isinstance(due, Again):
            self._ready(job, now)
            return
        if not isinstance(due, int):
            raise TypeError(f"expected a stage of job {job.job_id}, but got {due!r}")
        stage = job.plan.stages[due]
        job.taken[due] += 1
        # What is written into the meta at the end of a job is there with the end, not before.
        self._bring(stage, job, now)
        if stage.target is None:
            self.enter(job, now)
        elif stage.target is JobStatus.DISPATCHED:
            self._ready(job, now)
        elif stage.target is JobStatus.RUNNING:
            self._run(job, now)
        else:
            self.end(job, stage.target, now, stage.saves)

    def dispatch(self, job: Job, sites: dict[str, str], now: float) -> None:
        """Give a job a place, and deploy it.

        Args:
            job: the job.
            sites: which site runs which app.
            now: the time.
        """
        self.journal.changed(job)
        self._set_status(job, JobStatus.DISPATCHED, now)
        job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = [f"{name}: OK" for name in (SERVER_SITE, *sites)]
        job_meta.record_try(job.meta, "scheduled", now)
        job.run_sites = sites
        self.running[job.job_id] = job
        self.enter(job, now)

    def end(self, job: Job, status: JobStatus, now: float, saves: bool | None = None) -> None:
        """Bring a job to its end, and give its place to another one.

        Args:
            job: the job.
            status: how it ends.
            now: the time.
            saves: whether the server has the workspace; by default if the job ran and was not abandoned.
        """
        self.journal.changed(job)
        held, ran = job.job_id in self.running, job.job_id in self.running and job.started is not None
        self._set_status(job, status, now)
        if ran:
            job.ended = now
        self.forget(job)
        timed = status in TIMED_ENDS or (self._profile.times_abnormal_ends and status is JobStatus.FINISHED_ABNORMAL)
        if ran and job.started is not None and timed:
            job.meta[JobMetaKey.DURATION.value] = job_meta.duration_text(now - job.started)
        usual = job.is_saved or (ran and status is not JobStatus.FINISHED_ABANDONED)
        job.is_saved = usual if saves is None else saves
        self.enter(job, now)
        if held:
            self.freed(now)

    def forget(self, job: Job) -> None:
        """Cancel whatever a job still had before it."""
        job.events += 1
        job.planned = None
        self.running.pop(job.job_id, None)
        self._revived.pop(job.job_id, None)

    def lose_running(self, now: float) -> None:
        """Lose the jobs that run, as a restart of the server does.

        Servers to 2.7 say so by a status; later ones leave the status of before (observed: 2.8.3, 2.9.0).
        """
        self.lose([*self.running.values(), *self._revived.values()], now)

    def lose(self, jobs: Iterable[Job], now: float) -> None:
        """Lose jobs that run with their server."""
        # Nothing starts in the middle of it: a place that a lost job leaves is free once all are lost.
        for job in jobs:
            self.journal.changed(job)
            self.forget(job)
            if job.started is not None and job.ended is None:
                job.ended = now
            if self._profile.abandons_jobs_at_restart:
                self._set_status(job, JobStatus.FINISHED_ABANDONED, now)
                self.enter(job, now)

    def _set_status(self, job: Job, status: JobStatus, now: float, *, late: bool = False) -> None:
        check_transition(job.status, status, late=late)
        job.status = status
        job.meta[JobMetaKey.STATUS.value] = status.value
        self.tell(now, status.value, job)

    def _bring(self, stage: Stage, job: Job, now: float) -> None:
        """Let a stage leave its traces."""
        for what, detail in stages.leave(stage, job):
            self.tell(now, what, job, detail)
        if job.is_saved and stage.changes_result:
            self._results.outdate(job)

    def _run(self, job: Job, now: float) -> None:
        """Write RUNNING, be it in time or late."""
        late = job.status.is_finished
        self._set_status(job, JobStatus.RUNNING, now, late=late)
        if late:
            self._revived[job.job_id] = job
        else:
            job.started = now
            job.meta[JobMetaKey.START_TIME.value] = job_meta.start_text(now, self._profile)
        self.enter(job, now)
