"""The job engine: a deterministic simulation of a server's jobs.

Given a scenario, a source of ids and the list of (time, call), it always produces the same histories. The future is
one queue of events, ordered by time; whoever asks anything first lets the engine catch up with the clock. There is no
thread and no timer, so a hundred thousand jobs cost memory only.
"""

from __future__ import annotations

import dataclasses
import enum
import heapq
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs import meta as job_meta
from mock_server.jobs import scheduler
from mock_server.jobs.definition import DefinitionRejected, brings_code, is_intact, read_definition
from mock_server.jobs.legacy import Conversion
from mock_server.jobs.results import ResultFile, Results
from mock_server.jobs.states import TIMED_ENDS, check_transition
from mock_server.jobs.store import DEFINITION_FILE, Job, JobStore, Submitter, participants
from mock_server.jobs.submissions import Submissions, fingerprint
from mock_server.scenario import Scenario
from mock_server.sites import Site
from mock_server.studies import not_enrolled

MAX_ID_LENGTH = 128
BYOC_REFUSED = "BYOC not permitted"
"""The deploy detail of an app with code of its own whose submitter has no right to it (2.3.12-2.6.3)."""


class AbortOutcome(enum.Enum):
    """What came of an abort."""

    BEFORE_RUN = enum.auto()
    """The job had not begun to run, and never will."""
    SIGNALLED = enum.auto()
    """The job ran, and was stopped."""
    ALREADY_DONE = enum.auto()
    """The job was over; nothing changed."""
    LOST = enum.auto()
    """The job seems to run, but ended with a server of before; nothing changed."""


class JobIsRunning(RuntimeError):
    """A job that runs, or is about to, cannot be deleted."""


class JobExists(RuntimeError):
    """There is a job of that id already; the text is that of official releases from 2.8 on, with its path."""


class _Event(enum.Enum):
    TRY = enum.auto()
    END = enum.auto()


SignatureCheck = Callable[[Path, str], "str | None"]
"""Takes a definition and the folder of an app in it; returns what is wrong, or ``None``."""


@dataclasses.dataclass(frozen=True)
class ServerRules:
    """What a server has to say about jobs; whatever is ``None`` is not looked at.

    Attributes:
        verify_signature: checks the signatures of an app when it is deployed.
        may_deploy_byoc: says whether the submitter of a job that brings code may do so.
        sites_of_study: names the sites of a study; ``None`` where that does not matter.
    """

    verify_signature: SignatureCheck | None = None
    may_deploy_byoc: Callable[[Job], bool] | None = None
    sites_of_study: Callable[[str], Collection[str] | None] | None = None


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
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._scenario = scenario
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._sites = {site.name: site for site in sites}
        for site in self._sites.values():
            site.since = clock.time()
        self._disabled: dict[str, bool] = {}
        """The sites that are kept out, and whether each would be connected otherwise."""
        self.new_id = new_id
        self._rules = rules or ServerRules()
        self._store = JobStore()
        self._results = Results(profile)
        self.submissions = Submissions()
        self._queue: list[tuple[float, int, _Event, Job, int]] = []
        self._order = itertools.count()
        self._running: dict[str, Job] = {}
        self._ready: list[tuple[int, int, Job]] = []
        """Jobs that are due for a look of the scheduler, and found no place or no site; first submitted, first."""

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
        return list(self._running.values())

    def connected_sites(self) -> list[Site]:
        """The sites that are connected."""
        return [site for site in self._sites.values() if site.connected]

    def sites(self) -> list[Site]:
        """Every site, connected or not."""
        return list(self._sites.values())

    def site(self, name: str) -> Site:
        """A site, connected or not.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites[name]

    def site_org(self, name: str) -> str:
        """The organisation of a site.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites[name].org

    def duration_text(self, job: Job) -> str:
        """How long a job has run, up to now where it still does; ``N/A`` where the meta says so."""
        if job.status is JobStatus.RUNNING and job.started is not None:
            return job_meta.duration_text(self._clock.time() - job.started)
        return str(job.meta.get(JobMetaKey.DURATION.value, job_meta.NO_DURATION))

    def next_event_at(self) -> float | None:
        """When something will happen by itself, in seconds since the epoch; ``None`` if nothing will."""
        self.advance()
        while self._queue and _is_void(self._queue[0][3], self._queue[0][4]):
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def result_files(self, job: Job) -> list[ResultFile]:
        """The files of a download, from release 2.4 on."""
        return self._results.files(job, self._scenario.rule_for(job.name).result)

    def workspace_texts(self, job: Job) -> dict[str, str]:
        """The text files in the workspace of a job, by their paths; none where it never ran."""
        ran = job.is_saved or job.job_id in self._running
        return self._results.texts(job, self._scenario.rule_for(job.name).result) if ran else {}

    def inline_zip_path(self, job: Job) -> Path:
        """The zip of a download, release 2.3."""
        return self._results.inline(job, self._scenario.rule_for(job.name).result)

    def total_size(self, job: Job) -> int:
        """Bytes of definition and workspace, as the download limit of release 2.3 counts them."""
        return self._results.size(job, self._scenario.rule_for(job.name).result)

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
        definition = read_definition(upload, folder, self._profile)
        self._check_enrolled(definition.meta, study)
        content = "" if token is None else fingerprint(upload)
        if token is not None:
            known = self.submissions.match(study, submitter, token, content)
            earlier = self._store.get(known) if known is not None else None
            if earlier is not None:
                return earlier
        meta = job_meta.submitted(definition.meta, folder, submitter, custom_props, self._profile, study)
        # A token's job gets a new id, whatever the definition says (official 2.8.3, 2.9.0).
        given_id = meta.get(JobMetaKey.JOB_ID.value) if token is None else None
        keep = self._profile.keeps_given_job_id and isinstance(given_id, str) and _may_name_folder(given_id)
        job = self._take_in(
            given_id if keep and isinstance(given_id, str) else self.new_id(),
            submitter,
            meta,
            self._profile.data_storage_format,
            lambda target: _store_upload(upload, target, definition.conversion),
        )
        if token is not None:
            self.submissions.add(study, submitter, token, content, job.job_id)
        return job

    def _check_enrolled(self, meta: Mapping[str, Any], study: str) -> None:
        enrolled = self._rules.sites_of_study(study) if self._rules.sites_of_study else None
        if enrolled is None:
            return
        named = [site for sites in meta[JobMetaKey.DEPLOY_MAP.value].values() for site in participants(sites)]
        outside = [site for site in named if site != SERVER_SITE and site.upper() != ALL_SITES and site not in enrolled]
        if outside:
            raise DefinitionRejected(not_enrolled(list(dict.fromkeys(outside)), study))

    def clone(self, source: Job, submitter: Submitter) -> Job:
        """Make a new job of an existing one, whatever its status.

        Args:
            source: the job to clone.
            submitter: who clones it; the clone is theirs.
        """
        self.advance()
        return self._take_in(
            self.new_id(),
            submitter,
            job_meta.cloned(source.meta, source.job_id, submitter, self._profile),
            None,
            lambda target: _share(source.definition, target),
        )

    def abort(self, job: Job) -> AbortOutcome:
        """Stop a job, or keep it from starting."""
        self.advance()
        if job.status.is_finished:
            return AbortOutcome.ALREADY_DONE
        ran = job.status is JobStatus.RUNNING
        if ran and job.job_id not in self._running:
            return AbortOutcome.LOST
        self._finish(job, JobStatus.FINISHED_ABORTED, self._clock.time())
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
        self._forget(job)
        self._store.remove(job)
        return self.submissions.mark_deleted(job_id, self._clock.time())

    # --- what happens to the system ---------------------------------------------------------------------------

    def disable_site(self, name: str) -> tuple[bool, bool]:
        """Keep a site out from now on, whether or not there is one of that name.

        Returns:
            Whether it was kept out already, and whether it was connected.
        """
        self.advance()
        site = self._sites.get(name)
        already, was_connected = name in self._disabled, site is not None and site.connected
        self._disabled.setdefault(name, was_connected)
        if site is not None:
            site.connected = False
        return already, was_connected

    def enable_site(self, name: str) -> bool:
        """Let a site in again; one that was connected when it was disabled is back at once.

        Returns:
            Whether it was kept out.
        """
        if name not in self._disabled:
            return False
        if self._disabled.pop(name):
            self.set_site_connected(name, True)
        return True

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site; one that is disabled connects once it is enabled.

        Raises:
            KeyError: there is no such site.
        """
        self.advance()
        site = self._sites[name]
        if name in self._disabled:
            self._disabled[name] = connected
            return
        if connected and not site.connected:
            site.since = self._clock.time()
        site.connected = connected
        if connected:
            self._schedule(self._clock.time())
            self.advance()

    def restart(self) -> None:
        """Go through a restart of the server: what ran is lost, what waits is looked at again.

        Servers to 2.7 say so by a status; later ones leave the status of before (observed: 2.8.3, 2.9.0).
        """
        self.advance()
        now = self._clock.time()
        for job in list(self._running.values()):
            if self._profile.abandons_jobs_at_restart:
                self._finish(job, JobStatus.FINISHED_ABANDONED, now)
            else:
                self._forget(job)
        self._schedule(now)
        for site in self.connected_sites():
            site.since = now
        self.advance()

    def advance(self) -> None:
        """Catch up with the clock: let everything happen that was due by now, in order."""
        now = self._clock.time()
        while self._queue and self._queue[0][0] <= now:
            when, _, event, job, count = heapq.heappop(self._queue)
            if _is_void(job, count):
                continue
            if event is _Event.TRY:
                heapq.heappush(self._ready, (job.sequence, job.events, job))
                self._schedule(when)
            else:
                self._finish(job, self._scenario.rule_for(job.name).status, when)

    # --- inside -----------------------------------------------------------------------------------------------

    def _take_in(
        self,
        job_id: str,
        submitter: Submitter,
        meta: dict[str, Any],
        data_storage_format: int | None,
        put_definition: Callable[[Path], None],
    ) -> Job:
        """Store a new job. Nothing of it is there if its definition cannot be put in place."""
        replaced = self._store.get(job_id)
        if replaced is not None and not self._profile.replaces_jobs:
            raise JobExists(f"object {self._root / job_id} already exists and overwrite_existing is False")
        now = self._clock.time()
        job_meta.stamp(meta, job_id, now, data_storage_format)
        job = Job(job_id, submitter, meta, self._root / job_id)
        incoming = Path(tempfile.mkdtemp(dir=self._root, prefix=".incoming-"))
        try:
            put_definition(incoming / DEFINITION_FILE)
        except BaseException:
            shutil.rmtree(incoming)
            raise
        if replaced is not None:
            self._forget(replaced)
            self._store.remove(replaced)
        incoming.replace(job.folder)
        self._store.add(job)
        self._plan(now + self._scenario.rule_for(job.name).queued, _Event.TRY, job)
        if replaced is not None:
            self._schedule(now)
        self.advance()
        return job

    def _forget(self, job: Job) -> None:
        """Cancel whatever a job still had before it."""
        job.events += 1
        self._running.pop(job.job_id, None)

    def _plan(self, when: float, event: _Event, job: Job) -> None:
        heapq.heappush(self._queue, (when, next(self._order), event, job, job.events))

    def _set_status(self, job: Job, status: JobStatus) -> None:
        check_transition(job.status, status)
        job.status = status
        job.meta[JobMetaKey.STATUS.value] = status.value

    def _schedule(self, now: float) -> None:
        """Let the scheduler look at the jobs that are due, as long as there is a place for one.

        Official schedulers do not look, and so do not count, while no place is free or no site is connected.
        """
        while self._ready and len(self._running) < self._scenario.limits.max_jobs and self.connected_sites():
            _, count, job = heapq.heappop(self._ready)
            if not _is_void(job, count):
                self._look_at(job, now)

    def _look_at(self, job: Job, now: float) -> None:
        if job_meta.tries(job.meta) >= scheduler.MAX_TRIES:
            job_meta.record_try(job.meta, scheduler.EXCEEDED, now)
            self._finish(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        enrolled = self._rules.sites_of_study(job.study) if self._rules.sites_of_study else None
        result = scheduler.try_job(job, self.connected_sites(), enrolled)
        if isinstance(result, scheduler.Scheduled):
            self._start(job, result.sites, now)
            return
        job_meta.record_try(job.meta, result.reason, now)
        if isinstance(result, scheduler.Never):
            self._finish(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        self._plan(now + scheduler.wait_after(job_meta.tries(job.meta)), _Event.TRY, job)

    def _start(self, job: Job, sites: dict[str, str], now: float) -> None:
        problems = self._deploy_problems(job)
        if problems is not None:
            # No trace of this look: the official runner writes it after the deployment (observed: 2.3.12-2.6.3).
            if problems:
                job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = problems
            self._finish(job, JobStatus.FINISHED_FAILED_TO_RUN, now)
            return
        self._set_status(job, JobStatus.DISPATCHED)
        job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = [f"{name}: OK" for name in (SERVER_SITE, *sites)]
        job_meta.record_try(job.meta, "scheduled", now)
        job.run_sites = sites
        self._set_status(job, JobStatus.RUNNING)
        job.started = now
        job.meta[JobMetaKey.START_TIME.value] = job_meta.start_text(now, self._profile)
        self._running[job.job_id] = job
        self._plan(now + self._scenario.rule_for(job.name).running, _Event.END, job)

    def _deploy_problems(self, job: Job) -> list[str] | None:
        """Why a job cannot be deployed to the server, as its deploy detail has it; ``None`` if it can."""
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

    def _finish(self, job: Job, status: JobStatus, now: float) -> None:
        self._set_status(job, status)
        ran = job.job_id in self._running
        job.ended = now if ran else None
        self._forget(job)
        timed = status in TIMED_ENDS or (self._profile.times_abnormal_ends and status is JobStatus.FINISHED_ABNORMAL)
        if ran and job.started is not None and timed:
            job.meta[JobMetaKey.DURATION.value] = job_meta.duration_text(now - job.started)
        job.is_saved = ran and status is not JobStatus.FINISHED_ABANDONED
        if ran:
            self._schedule(now)


def _is_void(job: Job, count: int) -> bool:
    """Whether a job was aborted, deleted, replaced or abandoned since an event of that count was planned."""
    return count != job.events


def _may_name_folder(job_id: str) -> bool:
    """Whether an id that a definition gives may name a folder; otherwise the job gets one like any other."""
    return 0 < len(job_id) <= MAX_ID_LENGTH and job_id.isascii() and all(c.isalnum() or c in "-_" for c in job_id)


def _store_upload(upload: Path, target: Path, conversion: Conversion | None) -> None:
    if conversion is None:
        shutil.move(upload, target)
        return
    conversion.write(upload, target)
    upload.unlink()


def _share(source: Path, target: Path) -> None:
    """Give a clone the definition of its source: it never changes, so that the two can share it on disk."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)
