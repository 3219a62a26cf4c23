"""The job engine: a deterministic simulation of a server's jobs.

Given a scenario with its seed, a source of ids and the list of (time, call), it always produces the same histories.
The future is one queue of events, ordered by time; whoever asks anything first lets the engine catch up with the clock.
There is no thread and no timer, so a hundred thousand jobs cost memory only.
"""

from __future__ import annotations

import collections
import heapq
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey, JobStatus
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs import meta as job_meta
from mock_server.jobs import own as own_jobs
from mock_server.jobs import scheduler, stages
from mock_server.jobs.agenda import Again, Agenda, Due, OfSystem, OwnJob, is_void
from mock_server.jobs.definition import DefinitionRejected, brings_code, is_intact, read_definition
from mock_server.jobs.legacy import Conversion
from mock_server.jobs.outcomes import (
    AbortOutcome,
    JobExists,
    JobIsRunning,
    Occurrence,
    ServerRules,
    Witness,
)
from mock_server.jobs.results import ResultFile, Results
from mock_server.jobs.states import TIMED_ENDS, check_transition
from mock_server.jobs.store import DEFINITION_FILE, Job, JobStore, Submitter, participants
from mock_server.jobs.submissions import Submissions, fingerprint
from mock_server.scenarios import Scenario
from mock_server.scenarios.jobs import DEFAULT_RULE, JobRule, Stage
from mock_server.scenarios.results import ResultSpec
from mock_server.scenarios.system import Happening, Work
from mock_server.sites import Site
from mock_server.studies import not_enrolled

MAX_ID_LENGTH = 128
BYOC_REFUSED = "BYOC not permitted"
"""The deploy detail of an app with code of its own whose submitter has no right to it (2.3.12-2.6.3)."""


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
        self._profile = profile
        self._clock = clock
        self._scenario = scenario
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        self._sites = {site.name: site for site in sites}
        self._disabled: dict[str, bool] = {}
        """The sites that are kept out, and whether each would be connected otherwise."""
        for site in self._sites.values():
            site.since = clock.time()
            if site.disabled:
                self._disabled[site.name], site.connected = site.connected, False
        self._patience = scenario.scheduler.patience
        self._occurrences: collections.Counter[int] = collections.Counter()
        """How many jobs each rule that counts them has matched."""
        self._witness = witness
        self.new_id = new_id
        self._rules = rules or ServerRules()
        self._store = JobStore()
        self._results = Results(profile)
        self.submissions = Submissions()
        self._agenda = Agenda()
        self._running: dict[str, Job] = {}
        """The jobs that hold a place: those that run, and those that are being deployed."""
        self._revived: dict[str, Job] = {}
        """The jobs that seem to run, because RUNNING was written after their end."""
        self._ready: list[tuple[int, int, Job]] = []
        """Jobs that are due for a look of the scheduler, and found no place or no site; first submitted, first."""
        self._own_definition: Path | None = None
        start = clock.time()
        for after, happens, name in scenario.happenings:
            self._agenda.plan(start + after, OfSystem(happens, name))
        for work in scenario.workload:
            self._agenda.plan(start + work.at, OwnJob(work, 0))

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
        return [job for job in self._running.values() if job.status is JobStatus.RUNNING]

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
        ran = job.is_saved or job.job_id in self._running
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
            source.own_definition,
        )

    def abort(self, job: Job) -> AbortOutcome:
        """Stop a job, or keep it from starting."""
        self.advance()
        if job.status.is_finished:
            return AbortOutcome.ALREADY_DONE
        ran = job.status is JobStatus.RUNNING
        if ran and job.job_id not in self._running:
            return AbortOutcome.LOST
        self._end(job, JobStatus.FINISHED_ABORTED, self._clock.time())
        self.advance()
        return AbortOutcome.SIGNALLED if ran else AbortOutcome.BEFORE_RUN

    def add_result(self, job: Job, more: ResultSpec) -> None:
        """Put more into what a job leaves; the latter counts where both say something.

        A download in progress goes on with what there was.

        Raises:
            ValueError: the two cannot stand beside each other.
        """
        self.advance()
        job.result = ResultSpec.model_validate(job.result.extended(more).model_dump())
        self._results.outdate(job)
        self._tell(self._clock.time(), "result", job)

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
        return self._disable_site(name)

    def _disable_site(self, name: str) -> tuple[bool, bool]:
        site = self._sites.get(name)
        already, was_connected = name in self._disabled, site is not None and site.connected
        self._disabled.setdefault(name, was_connected)
        if site is not None:
            site.connected = False
        return already, was_connected

    def is_disabled(self, name: str) -> bool:
        """Whether a site is kept out."""
        return name in self._disabled

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
        if name not in self._disabled:
            return False
        if self._disabled.pop(name) and name in self._sites:
            self._connect_site(name, True, now)
        return True

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site; one that is disabled connects once it is enabled.

        Raises:
            KeyError: there is no such site.
        """
        self.advance()
        self._connect_site(name, connected, self._clock.time())
        self.advance()

    def _connect_site(self, name: str, connected: bool, now: float) -> None:
        site = self._sites[name]
        if name in self._disabled:
            self._disabled[name] = connected
            return
        if connected and not site.connected:
            site.since = now
        site.connected = connected
        if connected:
            self._schedule(now)

    def restart(self) -> None:
        """Go through a restart of the server: what ran is lost, what waits is looked at again.

        Servers to 2.7 say so by a status; later ones leave the status of before (observed: 2.8.3, 2.9.0).
        """
        self.advance()
        self._restart(self._clock.time())
        self.advance()

    def _restart(self, now: float) -> None:
        lost = [*self._running.values(), *self._revived.values()]
        # Nothing starts in the middle of it: a place that a lost job leaves is free once all are lost.
        for job in lost:
            self._forget(job)
            if job.started is not None and job.ended is None:
                job.ended = now
            if self._profile.abandons_jobs_at_restart:
                self._set_status(job, JobStatus.FINISHED_ABANDONED, now)
                self._enter(job, now)
        self._schedule(now)
        for site in self.connected_sites():
            site.since = now

    def advance(self) -> None:
        """Catch up with the clock: let everything happen that was due by now, in order."""
        for when, due, job in self._agenda.due(self._clock.time()):
            if job is None:
                self._happen(due, when)
            else:
                self._take(due, job, when)

    # --- inside -----------------------------------------------------------------------------------------------

    def _take_in(
        self,
        job_id: str,
        submitter: Submitter,
        meta: dict[str, Any],
        data_storage_format: int | None,
        put_definition: Callable[[Path], None],
        own_definition: Path | None = None,
    ) -> Job:
        """Store a new job. Nothing of it is there if its definition cannot be put in place."""
        replaced = self._store.get(job_id)
        if replaced is not None and not self._profile.replaces_jobs:
            raise JobExists(f"object {self._root / job_id} already exists and overwrite_existing is False")
        now = self._clock.time()
        job_meta.stamp(meta, job_id, now, data_storage_format)
        job = Job(job_id, submitter, meta, self._root / job_id, own_definition=own_definition)
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
        self._admit(job, now)
        if replaced is not None:
            self._schedule(now)
        self.advance()
        return job

    def _admit(self, job: Job, now: float) -> None:
        self._store.add(job)
        plan = self._rule_of(job).plan
        job.plan, job.result = plan, plan.result
        self._tell(now, job.status.value, job)
        self._enter(job, now)

    def _rule_of(self, job: Job) -> JobRule:
        found = DEFAULT_RULE
        for index, rule in enumerate(self._scenario.jobs):
            if not rule.match.fits(job.name, job.submitter.name, job.study, job.meta):
                continue
            if rule.match.occurrence is not None:
                self._occurrences[index] += 1
                if self._occurrences[index] != rule.match.occurrence:
                    continue
            found = rule
            break
        return found

    def _forget(self, job: Job) -> None:
        """Cancel whatever a job still had before it."""
        job.events += 1
        self._running.pop(job.job_id, None)
        self._revived.pop(job.job_id, None)

    def _tell(self, now: float, what: str, job: Job | None = None, detail: str = "") -> None:
        if self._witness is not None:
            self._witness(Occurrence(now, what, job, detail))

    def _set_status(self, job: Job, status: JobStatus, now: float, *, late: bool = False) -> None:
        check_transition(job.status, status, late=late)
        job.status = status
        job.meta[JobMetaKey.STATUS.value] = status.value
        self._tell(now, status.value, job)

    # --- stages -----------------------------------------------------------------------------------------------

    def _enter(self, job: Job, now: float) -> None:
        """Plan the next stage of a job: the first from its status that is not used up and not passed over."""
        found = stages.choose(job, self._scenario.seed)
        if found is not None:
            self._agenda.plan(now + found.delay, found.index, job)

    def _take(self, due: Due, job: Job, now: float) -> None:
        """Let happen what is due for a job."""
        if isinstance(due, Again):
            self._make_ready(job, now)
            return
        if not isinstance(due, int):
            raise TypeError(f"expected a stage of job {job.job_id}, but got {due!r}")
        stage = job.plan.stages[due]
        job.taken[due] += 1
        # What is written into the meta at the end of a job is there with the end, not before.
        self._bring(stage, job, now)
        if stage.target is None:
            self._enter(job, now)
        elif stage.target is JobStatus.DISPATCHED:
            self._make_ready(job, now)
        elif stage.target is JobStatus.RUNNING:
            self._run(job, now)
        else:
            self._end(job, stage.target, now, stage.saves)

    def _bring(self, stage: Stage, job: Job, now: float) -> None:
        """Let a stage leave its traces."""
        for what, detail in stages.leave(stage, job):
            self._tell(now, what, job, detail)
        if job.is_saved and stage.changes_result:
            self._results.outdate(job)

    def _make_ready(self, job: Job, now: float) -> None:
        heapq.heappush(self._ready, (job.sequence, job.events, job))
        self._schedule(now)

    def _run(self, job: Job, now: float) -> None:
        """Write RUNNING, be it in time or late."""
        late = job.status.is_finished
        self._set_status(job, JobStatus.RUNNING, now, late=late)
        if late:
            self._revived[job.job_id] = job
        else:
            job.started = now
            job.meta[JobMetaKey.START_TIME.value] = job_meta.start_text(now, self._profile)
        self._enter(job, now)

    # --- what happens by itself -------------------------------------------------------------------------------

    def _happen(self, due: Due, now: float) -> None:
        if isinstance(due, OwnJob):
            self._submit_own(due.work, due.number, now)
        elif isinstance(due, OfSystem):
            self._tell(now, due.happens.value, None, due.site)
            self._happen_to_system(due, now)

    def _happen_to_system(self, due: OfSystem, now: float) -> None:
        if due.happens is Happening.RESTART:
            self._restart(now)
        elif due.happens is Happening.DISABLE:
            self._disable_site(due.site)
        elif due.happens is Happening.ENABLE:
            self._enable_site(due.site, now)
        elif due.happens.is_of_a_site and due.site in self._sites:
            self._connect_site(due.site, due.happens is Happening.CONNECT, now)

    def _submit_own(self, work: Work, number: int, now: float) -> None:
        """Submit a job of others, and plan the one after it."""
        submitter = Submitter(work.submitter, work.org, work.role)
        given = own_jobs.definition_meta(work.job_name(number), work.meta)
        meta = job_meta.submitted(given, own_jobs.FOLDER, submitter, None, self._profile)
        job_id = self.new_id()
        job_meta.stamp(meta, job_id, now, self._profile.data_storage_format)
        if self._own_definition is None:
            self._own_definition = own_jobs.write_definition(self._root.parent / f"{self._root.name}-own.zip")
        job = Job(job_id, submitter, meta, self._root / job_id, own_definition=self._own_definition)
        if number + 1 < work.count:
            self._agenda.plan(now + work.every, OwnJob(work, number + 1))
        self._admit(job, now)

    # --- the scheduler ----------------------------------------------------------------------------------------

    def _schedule(self, now: float) -> None:
        """Let the scheduler look at the jobs that are due, as long as there is a place for one.

        Official schedulers do not look, and so do not count, while no place is free or no site is connected.
        """
        while self._ready and len(self._running) < self._scenario.limits.max_jobs and self.connected_sites():
            _, count, job = heapq.heappop(self._ready)
            if not is_void(job, count):
                self._look_at(job, now)

    def _look_at(self, job: Job, now: float) -> None:
        if job_meta.tries(job.meta) >= self._patience.tries:
            job_meta.record_try(job.meta, self._patience.exceeded, now)
            self._end(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        enrolled = self._rules.sites_of_study(job.study) if self._rules.sites_of_study else None
        result = scheduler.try_job(job, self.connected_sites(), enrolled)
        if isinstance(result, scheduler.Scheduled):
            self._start(job, result.sites, now)
            return
        job_meta.record_try(job.meta, result.reason, now)
        self._tell(now, "not scheduled", job, result.reason)
        if isinstance(result, scheduler.Never):
            self._end(job, JobStatus.FINISHED_CANT_SCHEDULE, now)
            return
        self._agenda.plan(now + self._patience.wait_after(job_meta.tries(job.meta)), Again.TRY, job)

    def _start(self, job: Job, sites: dict[str, str], now: float) -> None:
        problems = self._deploy_problems(job)
        if problems is not None:
            # No trace of this look: the official runner writes it after the deployment (observed: 2.3.12-2.6.3).
            if problems:
                job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = problems
            self._end(job, JobStatus.FINISHED_FAILED_TO_RUN, now)
            return
        self._set_status(job, JobStatus.DISPATCHED, now)
        job.meta[JobMetaKey.JOB_DEPLOY_DETAIL.value] = [f"{name}: OK" for name in (SERVER_SITE, *sites)]
        job_meta.record_try(job.meta, "scheduled", now)
        job.run_sites = sites
        self._running[job.job_id] = job
        self._enter(job, now)

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

    def _end(self, job: Job, status: JobStatus, now: float, saves: bool | None = None) -> None:
        """Bring a job to its end, and give its place to another one.

        Args:
            job: the job.
            status: how it ends.
            now: the time.
            saves: whether the server has the workspace; by default if the job ran and was not abandoned.
        """
        held, ran = job.job_id in self._running, job.job_id in self._running and job.started is not None
        self._set_status(job, status, now)
        if ran:
            job.ended = now
        self._forget(job)
        timed = status in TIMED_ENDS or (self._profile.times_abnormal_ends and status is JobStatus.FINISHED_ABNORMAL)
        if ran and job.started is not None and timed:
            job.meta[JobMetaKey.DURATION.value] = job_meta.duration_text(now - job.started)
        usual = job.is_saved or (ran and status is not JobStatus.FINISHED_ABANDONED)
        job.is_saved = usual if saves is None else saves
        self._enter(job, now)
        if held:
            self._schedule(now)


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
