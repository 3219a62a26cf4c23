"""The job engine: a deterministic simulation of a server's jobs.

Given a scenario with its seed, a source of ids and the list of (time, call), it always produces the same histories.
The future is one queue of events, ordered by time; whoever asks anything first lets the engine catch up with the clock.
There is no thread and no timer, so a hundred thousand jobs cost memory only.

This module is what others call. How jobs come in is in ``intake.py``, how they get on in ``lifecycle.py``, which of
them starts next in ``runner.py``, what happens by itself in ``happenings.py``, and which sites are there in
``mock_server.sites.register``.
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
from mock_server.jobs.agenda import Agenda, OfSystem
from mock_server.jobs.happenings import Happenings
from mock_server.jobs.intake import Intake
from mock_server.jobs.journal import SITES, Forgetful, Journal, Kept
from mock_server.jobs.lifecycle import LifeCycle
from mock_server.jobs.outcomes import AbortOutcome, JobIsRunning, ServerRules, Witness
from mock_server.jobs.results import ResultFile, Results
from mock_server.jobs.runner import JobRunner
from mock_server.jobs.store import Again, Job, JobStore, Submitter
from mock_server.scenarios import Scenario
from mock_server.scenarios.results import ResultSpec
from mock_server.scenarios.system import Happening
from mock_server.sites import Site
from mock_server.sites.register import SiteRegister

_HOLDING = (JobStatus.DISPATCHED, JobStatus.RUNNING)
"""The statuses of jobs that are lost with their server."""


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
        journal: is told what changes, to keep it; by default nothing is kept.
        kept: what was kept of an engine of before, whose server was restarted by this one.
    """

    def __init__(  # noqa: PLR0913 - all but five by keyword
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
        journal: Journal | None = None,
        kept: Kept | None = None,
    ) -> None:
        self._clock = clock
        self._journal = journal or Forgetful()
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
            self._journal,
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
        self._happenings = Happenings(scenario, self._agenda, self._life, self._intake, self._happen_to_system)
        if kept is None:
            self._note_sites()
            self._happenings.begin(start)
        else:
            self._go_on(kept, start)

    def _go_on(self, kept: Kept, now: float) -> None:
        """Be the engine of before once its server was restarted: what is overdue happens now, in order."""
        self._sites.restore(kept.facts.get(SITES, {}))
        self._intake.restore(kept)
        self._happenings.go_on(kept, now)
        planned = [(job.planned, job) for job in kept.jobs if job.planned is not None]
        for (when, due), job in sorted(planned, key=lambda one: (one[0][0], one[1].sequence)):
            if due is Again.READY:
                self._runner.put_by(job, now)
            else:
                self._agenda.plan(max(when, now), due, job)
        self._life.lose([job for job in kept.jobs if job.status in _HOLDING], now)
        self._runner.schedule(now)
        self._sites.connect_again(now)
        self.advance()

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
        self._journal.commit()  # what a file shows must not be lost while the file is there
        return self._results.files(job, job.result)

    def workspace_texts(self, job: Job) -> dict[str, str]:
        """The text files in the workspace of a job, by their paths; none where it never ran."""
        ran = job.is_saved or job.job_id in self._life.running
        return self._results.texts(job, job.result) if ran else {}

    def inline_zip_path(self, job: Job) -> Path:
        """The zip of a download, release 2.3."""
        self._journal.commit()
        return self._results.inline(job, job.result)

    def total_size(self, job: Job) -> int:
        """Bytes of definition and workspace, as the download limit of release 2.3 counts them."""
        self._journal.commit()
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

    def add_result(self, job: Job, more: ResultSpec) -> None:
        """Put more into what a job leaves; the latter counts where both say something.

        A download in progress goes on with what there was.

        Raises:
            ValueError: the two cannot stand beside each other.
        """
        self.advance()
        job.result = job.result.joined(more)
        self._results.outdate(job)
        self._journal.changed(job)
        self._life.tell(self._clock.time(), "result", job)

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
        if job.status in _HOLDING:
            raise JobIsRunning(f"job {job_id} is {job.status.value}")
        self._life.forget(job)
        self._store.remove(job)
        self._journal.removed(job)
        return self.submissions.mark_deleted(job_id, self._clock.time())

    # --- what happens to the system ---------------------------------------------------------------------------

    def disable_site(self, name: str) -> tuple[bool, bool]:
        """Keep a site out from now on, whether or not there is one of that name.

        Returns:
            Whether it was kept out already, and whether it was connected.
        """
        self.advance()
        return self._disable_site(name)

    def _disable_site(self, name: str) -> tuple[bool, bool]:
        found = self._sites.disable(name)
        self._note_sites()
        return found

    def _note_sites(self) -> None:
        self._journal.note(SITES, self._sites.standing())

    def is_disabled(self, name: str) -> bool:
        """Whether a site is kept out."""
        return self._sites.is_disabled(name)

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
        self._note_sites()
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
        self._note_sites()
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
                self._happenings.happen(due, when)
            else:
                self._life.take(due, job, when)

    def _happen_to_system(self, due: OfSystem, now: float) -> None:
        if due.happens is Happening.RESTART:
            self._restart(now)
        elif due.happens is Happening.DISABLE:
            self._disable_site(due.site)
        elif due.happens is Happening.ENABLE:
            self._enable_site(due.site, now)
        elif due.happens.is_of_a_site and due.site in self._sites:
            self._connect_site(due.site, due.happens is Happening.CONNECT, now)
