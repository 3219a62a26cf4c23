"""The job engine: a deterministic simulation of a server's jobs.

Given a scenario, a source of ids and the list of (time, call), it always produces the same histories. The future is
one queue of events, ordered by time; whoever asks anything first lets the engine catch up with the clock. There is no
thread and no timer, so a hundred thousand jobs cost memory only.
"""

from __future__ import annotations

import collections
import datetime
import enum
import heapq
import itertools
import json
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flare_client.protocol.jobs import SERVER_SITE, JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs import scheduler
from mock_server.jobs.definition import read_definition
from mock_server.jobs.results import ResultFile, Results
from mock_server.jobs.sites import Site
from mock_server.jobs.states import TIMED_ENDS, check_transition
from mock_server.jobs.store import Job, JobStore, Submitter
from mock_server.scenario import Scenario

NO_DURATION = "N/A"

_CLONED_KEYS = (
    JobMetaKey.JOB_FOLDER_NAME,
    JobMetaKey.NAME,
    JobMetaKey.DATA_STORAGE_FORMAT,
    JobMetaKey.MIN_CLIENTS,
    JobMetaKey.DEPLOY_MAP,
    JobMetaKey.RESOURCE_SPEC,
    JobMetaKey.CONTENT_LOCATION,
    JobMetaKey.RESULT_LOCATION,
    JobMetaKey.APPROVALS,
    JobMetaKey.MANDATORY_CLIENTS,
)
"""What a clone takes over from its source, as far as the source has it."""


class AbortOutcome(enum.Enum):
    """What came of an abort."""

    BEFORE_RUN = enum.auto()
    """The job had not begun to run, and never will."""
    SIGNALLED = enum.auto()
    """The job ran, and was stopped."""
    ALREADY_DONE = enum.auto()
    """The job was over; nothing changed."""


class JobIsRunning(RuntimeError):
    """A job that runs, or is about to, cannot be deleted."""


class _Event(enum.Enum):
    TRY = enum.auto()
    END = enum.auto()


SignatureCheck = Callable[[Path, str], "str | None"]
"""Takes a definition and the folder of an app in it; returns what is wrong, or ``None``."""


class JobEngine:
    """All jobs and sites of one server. To be used from one thread.

    Args:
        profile: the release that is played.
        clock: the time.
        scenario: how jobs fare.
        root: the folder for definitions and results; the engine's own.
        sites: the sites, connected at first as they say.
        new_id: makes job ids; version 4 UUIDs by default.
        verify_signature: checks the signatures of an app when it is deployed.
        may_deploy_byoc: says whether the submitter of a job that brings code may do so.
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
        verify_signature: SignatureCheck | None = None,
        may_deploy_byoc: Callable[[Job], bool] | None = None,
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._scenario = scenario
        self._root = root
        self._sites = {site.name: site for site in sites}
        for site in self._sites.values():
            site.since = clock.time()
        self._new_id = new_id
        self._verify_signature = verify_signature
        self._may_deploy_byoc = may_deploy_byoc
        self._store = JobStore()
        self._results = Results(profile)
        self._queue: list[tuple[float, int, _Event, Job, int]] = []
        self._order = itertools.count()
        self._running: dict[str, Job] = {}
        self._waiting: collections.deque[Job] = collections.deque()
        """Jobs that found every place taken, or no site, in the order in which they asked."""

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

    def site_org(self, name: str) -> str:
        """The organisation of a site.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites[name].org

    def duration_text(self, job: Job) -> str:
        """How long a job has run, up to now where it still does; ``N/A`` where the meta says so."""
        if job.status is JobStatus.RUNNING and job.started is not None:
            return str(datetime.timedelta(seconds=round(self._clock.time() - job.started, 6)))
        return str(job.meta.get(JobMetaKey.DURATION.value, NO_DURATION))

    def next_event_at(self) -> float | None:
        """When something will happen by itself, in seconds since the epoch; ``None`` if nothing will."""
        return self._queue[0][0] if self._queue else None

    def result_files(self, job: Job) -> list[ResultFile]:
        """The files of a download, from release 2.4 on."""
        return self._results.files(job, self._scenario.rule_for(job.name).result)

    def inline_zip_path(self, job: Job) -> Path:
        """The zip of a download, release 2.3."""
        return self._results.inline(job, self._scenario.rule_for(job.name).result)

    def total_size(self, job: Job) -> int:
        """Bytes of definition and workspace, as the download limit of release 2.3 counts them."""
        return self._results.size(job, self._scenario.rule_for(job.name).result)

    # --- what users do ----------------------------------------------------------------------------------------

    def submit(
        self, upload: Path, folder: str, submitter: Submitter, custom_props: Mapping[str, Any] | None = None
    ) -> Job:
        """Check a definition and take it in.

        Args:
            upload: the definition; moved away if it is accepted, left alone otherwise.
            folder: the name of the job folder in it.
            submitter: who submits it.
            custom_props: what the request adds to the meta.

        Raises:
            DefinitionRejected: the definition breaks a rule; nothing is stored.
        """
        self.advance()
        given = read_definition(upload, folder, self._profile)
        meta: dict[str, Any] = {JobMetaKey.JOB_FOLDER_NAME.value: folder} if self._profile.folder_name_first else {}
        meta |= given
        self._add_submitter(meta, submitter)
        if not self._profile.folder_name_first:
            meta[JobMetaKey.JOB_FOLDER_NAME.value] = folder
            if custom_props:
                meta[JobMetaKey.CUSTOM_PROPS.value] = custom_props
        given_id = given.get(JobMetaKey.JOB_ID.value)
        keep = self._profile.keeps_given_job_id and isinstance(given_id, str) and _is_plain(given_id)
        job = self._new_job(str(given_id) if keep else self._new_id(), submitter, meta)
        job.folder.mkdir(parents=True, exist_ok=True)
        if self._profile.folder_name_first:
            _store_with_meta(upload, job, meta)
        else:
            shutil.move(upload, job.definition)
        self._take_in(job)
        return job

    def clone(self, source: Job, submitter: Submitter) -> Job:
        """Make a new job of an existing one, whatever its status.

        Args:
            source: the job to clone.
            submitter: who clones it; the clone is theirs.
        """
        self.advance()
        meta: dict[str, Any] = {key.value: source.meta[key.value] for key in _CLONED_KEYS if key.value in source.meta}
        self._add_submitter(meta, submitter)
        meta[JobMetaKey.CLONED_FROM.value] = source.job_id
        job = self._new_job(self._new_id(), submitter, meta)
        job.folder.mkdir(parents=True)
        # A definition never changes: the two share it on disk.
        job.definition.hardlink_to(source.definition)
        self._take_in(job)
        return job

    def abort(self, job: Job) -> AbortOutcome:
        """Stop a job, or keep it from starting."""
        self.advance()
        if job.status.is_finished:
            return AbortOutcome.ALREADY_DONE
        ran = job.status is JobStatus.RUNNING
        self._finish(job, JobStatus.FINISHED_ABORTED, self._clock.time())
        self.advance()
        return AbortOutcome.SIGNALLED if ran else AbortOutcome.BEFORE_RUN

    def delete(self, job_id: str) -> None:
        """Remove a job and all it left.

        Raises:
            KeyError: there is no such job.
            JobIsRunning: the job runs, or is about to.
        """
        job = self.get(job_id)
        if job is None:
            raise KeyError(job_id)
        if job.status in (JobStatus.DISPATCHED, JobStatus.RUNNING):
            raise JobIsRunning(f"job {job_id} is {job.status.value}")
        job.events += 1
        self._store.remove(job)

    # --- what happens to the system ---------------------------------------------------------------------------

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site.

        Raises:
            KeyError: there is no such site.
        """
        self.advance()
        site = self._sites[name]
        if connected and not site.connected:
            site.since = self._clock.time()
        site.connected = connected
        if connected:
            self._retry_waiting(self._clock.time())
            self.advance()

    def restart(self) -> None:
        """Go through a restart of the server: what ran is abandoned, what waits is looked at again."""
        self.advance()
        now = self._clock.time()
        for job in list(self._running.values()):
            self._finish(job, JobStatus.FINISHED_ABANDONED, now)
        for site in self._sites.values():
            site.since = now
        self.advance()

    def advance(self) -> None:
        """Catch up with the clock: let everything happen that was due by now, in order."""
        now = self._clock.time()
        while self._queue and self._queue[0][0] <= now:
            when, _, event, job, count = heapq.heappop(self._queue)
            if count != job.events or self._store.get(job.job_id) is not job:
                continue  # the job was aborted, deleted or abandoned since
            if event is _Event.TRY:
                self._try(job, when)
            else:
                self._finish(job, self._scenario.rule_for(job.name).status, when)

    # --- inside -----------------------------------------------------------------------------------------------

    def _add_submitter(self, meta: dict[str, Any], submitter: Submitter) -> None:
        meta[JobMetaKey.SUBMITTER_NAME.value] = submitter.name
        meta[JobMetaKey.SUBMITTER_ORG.value] = submitter.org
        meta[JobMetaKey.SUBMITTER_ROLE.value] = submitter.role

    def _new_job(self, job_id: str, submitter: Submitter, meta: dict[str, Any]) -> Job:
        now = self._clock.time()
        meta[JobMetaKey.JOB_ID.value] = job_id
        meta[JobMetaKey.SUBMIT_TIME.value] = now
        zoned = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).astimezone()
        meta[JobMetaKey.SUBMIT_TIME_ISO.value] = zoned.isoformat()
        meta[JobMetaKey.START_TIME.value] = ""
        meta[JobMetaKey.DURATION.value] = NO_DURATION
        if self._profile.data_storage_format is not None:
            meta.setdefault(JobMetaKey.DATA_STORAGE_FORMAT.value, self._profile.data_storage_format)
        meta[JobMetaKey.STATUS.value] = JobStatus.SUBMITTED.value
        return Job(job_id, submitter, meta, self._root / job_id)

    def _take_in(self, job: Job) -> None:
        replaced = self._store.get(job.job_id)
        if replaced is not None:
            replaced.events += 1
            self._running.pop(replaced.job_id, None)
        self._store.add(job)
        self._plan(self._clock.time() + self._scenario.rule_for(job.name).queued, _Event.TRY, job)
        self.advance()

    def _plan(self, when: float, event: _Event, job: Job) -> None:
        heapq.heappush(self._queue, (when, next(self._order), event, job, job.events))

    def _set_status(self, job: Job, status: JobStatus) -> None:
        check_transition(job.status, status)
        job.status = status
        job.meta[JobMetaKey.STATUS.value] = status.value

    def _try(self, job: Job, now: float) -> None:
        """Look whether a job can start. Official schedulers do not count a look while no place or no site is there."""
        if len(self._running) >= self._scenario.limits.max_jobs or not self.connected_sites():
            self._waiting.append(job)
            return
        if scheduler.tries(job) >= scheduler.MAX_TRIES:
            scheduler.record(job, f"exceeded max schedule count {scheduler.MAX_TRIES}", now)
            self._finish(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        result = scheduler.try_job(job, self.connected_sites())
        if isinstance(result, scheduler.NotNow):
            scheduler.record(job, result.reason, now)
            self._plan(now + scheduler.wait_after(scheduler.tries(job)), _Event.TRY, job)
            return
        self._start(job, result.sites, now)

    def _start(self, job: Job, sites: dict[str, str], now: float) -> None:
        problem = self._deploy_problem(job)
        if problem is not None:
            # No trace of the scheduler: the official runner writes it after the deployment (observed: 2.3.12-2.6.3).
            job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = [problem]
            self._finish(job, JobStatus.FINISHED_FAILED_TO_RUN, now)
            return
        self._set_status(job, JobStatus.DISPATCHED)
        job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = [f"{name}: OK" for name in (SERVER_SITE, *sites)]
        scheduler.record(job, "scheduled", now)
        job.run_sites = sites
        self._set_status(job, JobStatus.RUNNING)
        job.started = now
        local = datetime.datetime.fromtimestamp(now)  # noqa: DTZ006 - official servers write their local time
        job.meta[JobMetaKey.START_TIME.value] = f"{local:%Y-%m-%d %H:%M:%S.%f}"
        self._running[job.job_id] = job
        self._plan(now + self._scenario.rule_for(job.name).running, _Event.END, job)

    def _deploy_problem(self, job: Job) -> str | None:
        if job.meta.get(JobMetaKey.BYOC.value) and self._may_deploy_byoc and not self._may_deploy_byoc(job):
            return f"server: BYOC not permitted for user {job.submitter.name}"
        if self._verify_signature is None:
            return None
        problem = self._verify_signature(job.definition, f"{job.job_folder}/{job.app_name}")
        return f"server: {problem}" if problem else None

    def _finish(self, job: Job, status: JobStatus, now: float) -> None:
        self._set_status(job, status)
        job.events += 1
        ran = self._running.pop(job.job_id, None) is not None
        if ran and job.started is not None and status in TIMED_ENDS:
            job.meta[JobMetaKey.DURATION.value] = str(datetime.timedelta(seconds=round(now - job.started, 6)))
        job.is_saved = ran and status is not JobStatus.FINISHED_ABANDONED
        if ran:
            self._retry_waiting(now)

    def _retry_waiting(self, now: float) -> None:
        """A place or a site is there: those that waited for one ask again, first come, first served."""
        while self._waiting:
            self._plan(now, _Event.TRY, self._waiting.popleft())


def _is_plain(job_id: str) -> bool:
    """Whether an id that a definition gives may name a folder."""
    return bool(job_id) and all(c.isalnum() or c in "-_" for c in job_id)


def _store_with_meta(upload: Path, job: Job, meta: Mapping[str, Any]) -> None:
    """Store a definition as release 2.3 does: its meta.json gets the name of the folder (observed: 2.3.12)."""
    name = f"{job.job_folder}/meta.json"
    stored = {key: value for key, value in meta.items() if not key.startswith("submitter_")}
    for computed in ("job_id", "submit_time", "submit_time_iso", "start_time", "duration", "status"):
        stored.pop(computed, None)
    part = job.definition.with_suffix(".part")
    with zipfile.ZipFile(upload) as source, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as target:
        for info in source.infolist():
            if info.filename == name:
                continue
            with source.open(info) as content, target.open(info, "w") as copy:
                shutil.copyfileobj(content, copy)
        target.writestr(name, json.dumps(stored))
    part.replace(job.definition)
    upload.unlink()
