"""How jobs come in: submitted, cloned, or made up by the server itself. Each gets an id, a meta, files and a plan."""

from __future__ import annotations

import collections
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.jobs import ALL_SITES, SERVER_SITE, JobMetaKey
from flare_client.protocol.releases import ReleaseProfile
from mock_server.clock import Clock
from mock_server.jobs import meta as job_meta
from mock_server.jobs import own as own_jobs
from mock_server.jobs.definition import DefinitionRejected, read_definition
from mock_server.jobs.journal import LAST_JOB, OCCURRENCES, Kept
from mock_server.jobs.legacy import Conversion
from mock_server.jobs.lifecycle import LifeCycle
from mock_server.jobs.outcomes import JobExists, ServerRules
from mock_server.jobs.store import DEFINITION_FILE, Job, JobStore, Submitter, participants
from mock_server.jobs.submissions import Submissions, fingerprint
from mock_server.scenarios.jobs import DEFAULT_RULE, JobRule
from mock_server.scenarios.system import Work
from mock_server.studies import not_enrolled

MAX_ID_LENGTH = 128


class Intake:
    """Takes jobs in.

    Args:
        profile: the release that is played.
        clock: the time.
        plans: the rules of the scenario.
        root: the folder for definitions and results.
        store: the jobs that are there.
        life: moves jobs on.
        new_id: makes job ids.
        rules: what the server has to say about jobs.
    """

    def __init__(
        self,
        profile: ReleaseProfile,
        clock: Clock,
        plans: tuple[JobRule, ...],
        root: Path,
        store: JobStore,
        life: LifeCycle,
        *,
        new_id: Callable[[], str],
        rules: ServerRules,
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._plans = plans
        self._root = root
        self._store = store
        self._journal = life.journal
        self.submissions = Submissions(life.journal.submitted)
        self._life = life
        self._new_id = new_id
        self._rules = rules
        self._occurrences: collections.Counter[str] = collections.Counter()
        """How many jobs each rule that counts them has matched."""
        self._own_definition: Path | None = None

    def submit(
        self,
        upload: Path,
        folder: str,
        submitter: Submitter,
        custom_props: Mapping[str, Any] | None,
        study: str,
        token: str | None,
    ) -> Job:
        """Take in a definition, as ``JobEngine.submit`` says."""
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
            given_id if keep and isinstance(given_id, str) else self._new_id(),
            submitter,
            meta,
            self._profile.data_storage_format,
            lambda target: _store_upload(upload, target, definition.conversion),
        )
        if token is not None:
            self.submissions.add(study, submitter, token, content, job.job_id)
        return job

    def clone(self, source: Job, submitter: Submitter) -> Job:
        """Make a new job of an existing one, as ``JobEngine.clone`` says."""
        return self._take_in(
            self._new_id(),
            submitter,
            job_meta.cloned(source.meta, source.job_id, submitter, self._profile),
            None,
            lambda target: _share(source.definition, target),
            source.own_definition,
        )

    def submit_own(self, work: Work, number: int, now: float) -> None:
        """Submit the job of that number, from 0, of others."""
        submitter = Submitter(work.submitter, work.org, work.role)
        given = own_jobs.definition_meta(work.job_name(number), work.meta)
        meta = job_meta.submitted(given, own_jobs.FOLDER, submitter, None, self._profile)
        job_id = self._new_id()
        job_meta.stamp(meta, job_id, now, self._profile.data_storage_format)
        own = self.own_definition()
        self._admit(Job(job_id, submitter, meta, self._free_folder(job_id), own_definition=own), now)

    def own_definition(self) -> Path:
        """The definition of all jobs that the server makes up, which is written when it is first wanted."""
        if self._own_definition is None:
            self._own_definition = own_jobs.write_definition(self._root.parent / f"{self._root.name}-own.zip")
        return self._own_definition

    def restore(self, kept: Kept) -> None:
        """Take in the jobs and submissions of before."""
        self._store.last = kept.numbers(LAST_JOB).get(LAST_JOB, 0)
        self._occurrences.update(kept.numbers(OCCURRENCES))
        self.submissions.restore(kept.submissions)
        for job in kept.jobs:
            if job.own_definition is not None:
                job.own_definition = self.own_definition()
            self._store.restore(job)

    def _check_enrolled(self, meta: Mapping[str, Any], study: str) -> None:
        enrolled = self._rules.sites_of_study(study) if self._rules.sites_of_study else None
        if enrolled is None:
            return
        named = [site for sites in meta[JobMetaKey.DEPLOY_MAP.value].values() for site in participants(sites)]
        outside = [site for site in named if site != SERVER_SITE and site.upper() != ALL_SITES and site not in enrolled]
        if outside:
            raise DefinitionRejected(not_enrolled(list(dict.fromkeys(outside)), study))

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
            self._life.forget(replaced)
            self._store.remove(replaced)
            self._journal.removed(replaced)
        job.folder = self._free_folder(job_id)
        incoming.replace(job.folder)
        self._admit(job, now)
        if replaced is not None:
            self._life.freed(now)
        return job

    def _free_folder(self, job_id: str) -> Path:
        """The folder of a new job; that of the job whose place it takes may be there still."""
        folder, number = self._root / job_id, itertools.count(2)
        while folder.exists():
            folder = self._root / f"{job_id}.{next(number)}"
        return folder

    def _admit(self, job: Job, now: float) -> None:
        self._store.add(job)
        self._journal.note(LAST_JOB, {LAST_JOB: self._store.last})
        self._journal.changed(job)
        plan = self._rule_of(job).plan
        job.plan, job.result = plan, plan.result
        self._life.tell(now, job.status.value, job)
        self._life.enter(job, now)

    def _rule_of(self, job: Job) -> JobRule:
        found = DEFAULT_RULE
        for index, rule in enumerate(self._plans):
            if not rule.match.fits(job.name, job.submitter.name, job.study, job.meta):
                continue
            if rule.match.occurrence is not None:
                # By what it says as well: a server may go on with another scenario.
                key = f"{index}/{rule.match.model_dump_json()}"
                self._occurrences[key] += 1
                self._journal.note(OCCURRENCES, dict(self._occurrences))
                if self._occurrences[key] != rule.match.occurrence:
                    continue
            found = rule
            break
        return found


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
