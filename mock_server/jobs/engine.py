"""The job engine: a deterministic simulation of a server's jobs.

Given a scenario with its seed, a source of ids and the list of (time, call), it always produces the same histories.
The future is one queue of events, ordered by time; whoever asks anything first lets the engine catch up with the clock.
There is no thread and no timer, so a hundred thousand jobs cost memory only.

This module is what others call. How jobs come in is in ``intake.py``, how they get on in ``lifecycle.py``, which of
them starts next in ``runner.py``, and which sites are there in ``mock_server.sites.register``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs import meta as job_meta
from mock_server.jobs.agenda import Agenda, Due, OfSystem, OwnJob
from mock_server.jobs.intake import Intake
from mock_server.jobs.lifecycle import LifeCycle
from mock_server.jobs.outcomes import AbortOutcome, JobIsRunning, ServerRules, Witness
from mock_server.jobs.results import ResultFile, Results
from mock_server.jobs.runner import JobRunner
from mock_server.jobs.store import Job, JobStore, Submitter
from mock_server.scenarios import Scenario
from mock_server.scenarios.system import Happening
from mock_server.sites import Site
from mock_server.sites.register import SiteRegister


class JobEngine:
    """All jobs and sites of one server. To be used from one thread.

    Args:
        profile: the release that is played.
        clock: the time.
        scenario: how jobs fare.
        root: the folder for definitions and results; the engine's own.
        sites: the sites, connected at first as they say.
        new_id: makes job ids; version 4 UUIDs by default.
        rules: what the server has to say about jobs; nothing by default.
        witness: is told all that happens, as it happens.
    """

    def __init__(
        self,
        profile: ReleaseProfile,
        clock: Clock,
        scenario: Scenario,
        root: Path,
        sites: Sequence[Site],
        *,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        rules: ServerRules | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._clock = clock
        self.new_id = new_id
        rules = rules or ServerRules()
        root.mkdir(parents=True, exist_ok=True)
        start = clock.time()
        self._store = JobStore()
        self._results = Results(profile)
        self._agenda = Agenda()
        self._sites = SiteRegister(sites, start)
        self._life = LifeCycle(
            profile,
            scenario.seed,
            self._agenda,
            self._results,
            ready=self._ready,
            freed=self._freed,
            witness=witness,
        )
        self._runner = JobRunner(
            self._life,
            self._agenda,
            self._sites,
            rules,
            max_jobs=scenario.limits.max_jobs,
            patience=scenario.scheduler.patience,
        )
        self._intake = Intake(
            profile,
            clock,
            scenario.jobs,
            root,
            self._store,
            self._life,
            new_id=self._next_id,
            rules=rules,
        )
        self.submissions = self._intake.submissions
        for after, happens, name in scenario.happenings:
            self._agenda.plan(start + after, OfSystem(happens, name))
        for work in scenario.workload:
            self._agenda.plan(start + work.at, OwnJob(work, 0))

    # What starts jobs is made of what moves them on, so the one knows the other by these alone.

    def _ready(self, job: Job, now: float) -> None:
        self._runner.make_ready(job, now)

    def _freed(self, now: float) -> None:
        self._runner.schedule(now)

    def _next_id(self) -> str:
        return self.new_id()

    # --- looking ----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._store)

    def get(self, job_id: str) -> Job | None:
        """The job of that id as it is now, or ``None``."""
        self.advance()
        return self._store.get(job_id)

    def jobs(self, *, reverse: bool) -> Iterator[Job]:
        """Every job as it is now, oldest first, or newest first where ``reverse``."""
        self.advance()
        return self._store.jobs(reverse=reverse)

    def running_jobs(self) -> list[Job]:
        """The jobs that run now, in the order in which they started."""
        self.advance()
        return [job for job in self._life.running.values() if job.status is JobStatus.RUNNING]

    def connected_sites(self) -> list[Site]:
        """The sites that are connected."""
        return self._sites.connected()

    def sites(self) -> list[Site]:
        """Every site, connected or not."""
        return self._sites.all()

    def site(self, name: str) -> Site:
        """A site, connected or not.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites.find(name)

    def site_org(self, name: str) -> str:
        """The organisation of a site.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites.find(name).org

    def duration_text(self, job: Job) -> str:
        """How long a job has run, up to now where it still does; ``N/A`` where the meta says so."""
        if job.status is JobStatus.RUNNING and job.started is not None:
            return job_meta.duration_text(self._clock.time() - job.started)
        return str(job.meta.get(JobMetaKey.DURATION.value, job_meta.NO_DURATION))

    def next_event_at(self) -> float | None:
        """When something will happen by itself, in seconds since the epoch; ``None`` if nothing will."""
        self.advance()
        return self._agenda.next_at()

    def next_happening_at(self) -> float | None:
        """When the scenario next has something happen to the server or a site, or a job submitted; ``None``: never."""
        self.advance()
        return self._agenda.next_happening_at()

    def result_files(self, job: Job) -> list[ResultFile]:
        """The files of a download, from release 2.4 on."""
        return self._results.files(job, job.result)

    def workspace_texts(self, job: Job) -> dict[str, str]:
        """The text files in the workspace of a job, by their paths; none where it never ran."""
        ran = job.is_saved or job.job_id in self._life.running
        return self._results.texts(job, job.result) if ran else {}

    def inline_zip_path(self, job: Job) -> Path:
        """The zip of a download, release 2.3."""
        return self._results.inline(job, job.result)

    def total_size(self, job: Job) -> int:
        """Bytes of definition and workspace, as the download limit of release 2.3 counts them."""
        return self._results.size(job, job.result)

    # --- what users do ----------------------------------------------------------------------------------------

    def submit(
        self,
        upload: Path,
        folder: str,
        submitter: Submitter,
        custom_props: Mapping[str, Any] | None = None,
        *,
        study: str = DEFAULT_STUDY,
        token: str | None = None,
    ) -> Job:
        """Check a definition and take it in, unless it was submitted with the same token before.

        Args:
            upload: the definition; moved away if it is accepted, left alone otherwise.
            folder: the name of the job folder in it.
            submitter: who submits it.
            custom_props: what the request adds to the meta.
            study: the study of the session.
            token: the submit token, where there is one.

        Returns:
            The new job, or the one of the earlier submission.

        Raises:
            DefinitionRejected: the definition breaks a rule; nothing is stored.
            TokenConflict: the token was used for another definition.
            TokenOfDeletedJob: the job that the token stands for was deleted.
            JobExists: the definition gives the id of a job that is there, and the release does not replace jobs.
            ValueError: a file of the definition is too large for a submission with a token.
        """
        self.advance()
        job = self._intake.submit(upload, folder, submitter, custom_props, study, token)
        self.advance()
        return job

    def clone(self, source: Job, submitter: Submitter) -> Job:
        """Make a new job of an existing one, whatever its status.

        Args:
            source: the job to clone.
            submitter: who clones it; the clone is theirs.
        """
        self.advance()
        clone = self._intake.clone(source, submitter)
        self.advance()
        return clone

    def abort(self, job: Job) -> AbortOutcome:
        """Stop a job, or keep it from starting."""
        self.advance()
        if job.status.is_finished:
            return AbortOutcome.ALREADY_DONE
        ran = job.status is JobStatus.RUNNING
        if ran and job.job_id not in self._life.running:
            return AbortOutcome.LOST
        self._life.end(job, JobStatus.FINISHED_ABORTED, self._clock.time())
        self.advance()
        return AbortOutcome.SIGNALLED if ran else AbortOutcome.BEFORE_RUN

    def delete(self, job_id: str) -> int:
        """Remove a job and all it left.

        Returns:
            How many submit tokens stood for it.

        Raises:
            KeyError: there is no such job.
            JobIsRunning: the job runs, or is about to.
        """
        job = self.get(job_id)
        if job is None:
            raise KeyError(job_id)
        if job.status in (JobStatus.DISPATCHED, JobStatus.RUNNING):
            raise JobIsRunning(f"job {job_id} is {job.status.value}")
        self._life.forget(job)
        self._store.remove(job)
        return self.submissions.mark_deleted(job_id, self._clock.time())

    # --- what happens to the system ---------------------------------------------------------------------------

    def disable_site(self, name: str) -> tuple[bool, bool]:
        """Keep a site out from now on, whether or not there is one of that name.

        Returns:
            Whether it was kept out already, and whether it was connected.
        """
        self.advance()
        return self._sites.disable(name)

    def enable_site(self, name: str) -> bool:
        """Let a site in again; one that was connected when it was disabled is back at once.

        Returns:
            Whether it was kept out.
        """
        self.advance()
        enabled = self._enable_site(name, self._clock.time())
        self.advance()
        return enabled

    def _enable_site(self, name: str, now: float) -> bool:
        enabled = self._sites.enable(name, now)
        self._runner.schedule(now)
        return enabled

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site; one that is disabled connects once it is enabled.

        Raises:
            KeyError: there is no such site.
        """
        self.advance()
        self._connect_site(name, connected, self._clock.time())
        self.advance()

    def _connect_site(self, name: str, connected: bool, now: float) -> None:
        self._sites.connect(name, connected, now)
        self._runner.schedule(now)

    def restart(self) -> None:
        """Go through a restart of the server: what ran is lost, what waits is looked at again."""
        self.advance()
        self._restart(self._clock.time())
        self.advance()

    def _restart(self, now: float) -> None:
        self._life.lose_running(now)
        self._runner.schedule(now)
        self._sites.connect_again(now)

    def advance(self) -> None:
        """Catch up with the clock: let everything happen that was due by now, in order."""
        for when, due, job in self._agenda.due(self._clock.time()):
            if job is None:
                self._happen(due, when)
            else:
                self._life.take(due, job, when)

    def _happen(self, due: Due, now: float) -> None:
        if isinstance(due, OwnJob):
            if due.number + 1 < due.work.count:
                self._agenda.plan(now + due.work.every, OwnJob(due.work, due.number + 1))
            self._intake.submit_own(due.work, due.number, now)
        elif isinstance(due, OfSystem):
            self._life.tell(now, due.happens.value, None, due.site)
            self._happen_to_system(due, now)

    def _happen_to_system(self, due: OfSystem, now: float) -> None:
        if due.happens is Happening.RESTART:
            self._restart(now)
        elif due.happens is Happening.DISABLE:
            self._sites.disable(due.site)
        elif due.happens is Happening.ENABLE:
            self._enable_site(due.site, now)
        elif due.happens.is_of_a_site and due.site in self._sites:
            self._connect_site(due.site, due.happens is Happening.CONNECT, now)
