"""Commands about jobs: list, meta, abort, delete, clone, and what can be asked of a running one."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NoReturn

from flare_client.protocol.envelope import Json
from flare_client.protocol.formats import SUBMIT_TOKEN_RULE, is_submit_token
from flare_client.protocol.jobs import JobMetaKey
from flare_client.protocol.releases import ReleaseProfile
from flare_client.protocol.statuses import MetaKey, MetaStatus
from mock_server.answers import Reply, meta
from mock_server.commands.refusals import not_running, refuse_token_of_deleted_job, runs
from mock_server.commands.registry import answers
from mock_server.context import Call, ServerContext
from mock_server.jobs.outcomes import AbortOutcome, JobIsRunning
from mock_server.jobs.store import Job
from mock_server.jobs.submissions import TokenOfDeletedJob


def ok(**extra: Json) -> dict[str, Json]:
    """The meta of a success."""
    return meta(MetaStatus.OK) | extra


class _ListParser(argparse.ArgumentParser):
    """The options of ``list_jobs``; a bad one is an error with the help behind it, as the official server has it."""

    def __init__(self, *, has_tokens: bool) -> None:
        super().__init__(prog="list_jobs", add_help=False)
        self.add_argument("job_id", nargs="?", help="Job ID prefix")
        self.add_argument("-d", action="store_true", help="Show detailed list")
        self.add_argument("-u", action="store_true", help="List jobs submitted by the same user")
        self.add_argument("-r", action="store_true", help="List jobs in reverse order of submission time")
        self.add_argument("-n", help="Filter by job name prefix")
        self.add_argument("-m", type=int, help="Maximum number of jobs that will be listed")
        if has_tokens:
            self.add_argument("--submit-token", help="retry-safe submit token")
        else:
            self.set_defaults(submit_token=None)

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}\n{self.format_help()}")


def _name_of(job: Job, profile: ReleaseProfile) -> str:
    name = job.meta.get(JobMetaKey.NAME.value)
    if not name and profile.tolerates_nameless_jobs:
        return ""
    if not isinstance(name, str):
        # Observed: a job without a name breaks every list that filters by name (2.3.12-2.7.3).
        raise AttributeError(f"'{type(name).__name__}' object has no attribute 'lower'")
    return name


_list_parser = functools.cache(_ListParser)  # making one takes longer than the command


@functools.lru_cache(maxsize=64)
def _list_options(words: tuple[str, ...], *, has_tokens: bool) -> argparse.Namespace:
    """Read the options of a command line; programs that poll send the same again and again."""
    return _list_parser(has_tokens=has_tokens).parse_args(words)


def _matches(
    job: Job, id_prefix: str | None, name_prefix: str | None, user: str | None, profile: ReleaseProfile
) -> bool:
    if id_prefix and not job.job_id.lower().startswith(id_prefix.lower()):
        return False
    if name_prefix and not _name_of(job, profile).lower().startswith(name_prefix.lower()):
        return False
    return user is None or job.submitter.name == user


def _select(jobs: Iterator[Job], reverse: bool, limit: int | None) -> list[Job]:
    """Keep the newest so many, newest first, and put them in the order asked for.

    A negative limit follows the official server's slices: it drops the oldest without ``reverse``, and with
    ``reverse`` the oldest too, which are last then.
    """
    newest_first = list(islice(jobs, limit)) if limit and limit > 0 else list(jobs)
    if limit and limit < 0:
        # list[-limit:] of the ascending list keeps from index -limit on; list[:limit] of the descending one drops
        # as many at its end: both leave out the -limit oldest.
        newest_first = newest_first[:limit]
    return newest_first if reverse else newest_first[::-1]


def _summary(context: ServerContext, job: Job) -> dict[str, str]:
    stored = job.meta
    name = stored.get(JobMetaKey.NAME.value) or stored.get(JobMetaKey.JOB_FOLDER_NAME.value) or "No name"
    return {
        "job_id": job.job_id,
        "job_name": str(name),
        "status": str(stored.get(JobMetaKey.STATUS.value, "")),
        "submit_time": str(stored.get(JobMetaKey.SUBMIT_TIME_ISO.value, "")),
        "duration": context.engine.duration_text(job),
    }


def _candidates(context: ServerContext, call: Call, token: str | None) -> Iterator[Job] | None:
    """The jobs that the session may see, newest first; with a token the one that it stands for.

    ``None`` where there is none at all: a server without jobs, or a token that stands for none.
    """
    profile, session = context.profile, call.session
    if token is not None:
        if not is_submit_token(token):
            raise ValueError(SUBMIT_TOKEN_RULE)
        job_id = context.engine.submissions.find(session.study, call.submitter, token)
        job = context.engine.get(job_id) if job_id is not None else None
        return iter([job]) if job is not None else None
    if not len(context.engine):
        return None
    jobs = context.engine.jobs(reverse=True)
    return (job for job in jobs if job.study == session.study) if profile.has_studies else jobs


@answers("list_jobs")
def list_jobs(context: ServerContext, call: Call) -> Reply:
    """List jobs by filter, order and limit."""
    try:
        options = _list_options(tuple(call.words[1:]), has_tokens=context.profile.has_submit_tokens)
        candidates = _candidates(context, call, options.submit_token)
        if candidates is None:
            return Reply().string("No jobs found.", ok(jobs=[])).success()
        user = call.session.user if options.u else None
        profile = context.profile
        newest_first = (job for job in candidates if _matches(job, options.job_id, options.n, user, profile))
        first = next(newest_first, None)
        if first is None:
            return Reply().string("No jobs matching the specified criteria.", ok(jobs=[]))
        jobs = _select(_chain(first, newest_first), options.r, options.m)
    except TokenOfDeletedJob as problem:
        return refuse_token_of_deleted_job(problem)
    except (ValueError, AttributeError) as problem:
        if isinstance(problem, ValueError) and not context.profile.option_errors_are_internal:
            return Reply().error(str(problem), meta(MetaStatus.SYNTAX_ERROR, str(problem)))
        text = f"{type(problem).__name__}: {problem}"
        return Reply().error(text, meta(MetaStatus.INTERNAL_ERROR, text))
    return _detailed(context, jobs) if options.d else _table(context, jobs)


def _chain(first: Job, rest: Iterable[Job]) -> Iterator[Job]:
    yield first
    yield from rest


def _table(context: ServerContext, jobs: list[Job]) -> Reply:
    rows: list[list[Json]] = [["JOB ID", "NAME", "STATUS", "SUBMIT TIME", "RUN DURATION"]]
    summaries = [_summary(context, job) for job in jobs]
    rows += [list(summary.values()) for summary in summaries]
    if context.profile.has_studies:
        # In the meta alone; the table is the same in all releases.
        summaries = [{**one, JobMetaKey.STUDY.value: job.study} for one, job in zip(summaries, jobs, strict=True)]
    return Reply().table(rows).with_meta({MetaKey.JOBS.value: summaries}).success()


def _detailed(context: ServerContext, jobs: list[Job]) -> Reply:
    reply = Reply()
    metas = [dict(job.meta) | {JobMetaKey.DURATION.value: context.engine.duration_text(job)} for job in jobs]
    for job_meta in metas:
        reply.string(json.dumps(job_meta, indent=4))
    return reply.string("", ok(jobs=metas)).success()


@answers("get_job_meta")
def get_job_meta(_context: ServerContext, call: Call) -> Reply:
    """The stored meta of a job."""
    job_meta = dict(call.found_job().meta)
    return Reply().dict(job_meta, ok(job_meta=job_meta))


@answers("abort_job")
def abort_job(context: ServerContext, call: Call) -> Reply:
    """Abort a job, whatever its status."""
    job = call.found_job()
    texts = {
        AbortOutcome.BEFORE_RUN: f"Aborted the job {job.job_id} before running it.",
        AbortOutcome.ALREADY_DONE: f"Job for {job.job_id} is already completed.",
        AbortOutcome.SIGNALLED: "Abort signal has been sent to the server app.",
    }
    outcome = context.engine.abort(job)
    if outcome is AbortOutcome.LOST:
        text = f"Job {job.job_id} is not running."
        return Reply().error(text, meta(MetaStatus.INTERNAL_ERROR, text))
    text = texts[outcome]
    return Reply().string(text).success("", meta(MetaStatus.OK, text))


@answers("delete_job")
def delete_job(context: ServerContext, call: Call) -> Reply:
    """Delete a job that does not run."""
    job_id = call.found_job().job_id
    try:
        tokens = context.engine.delete(job_id)
    except JobIsRunning:
        return Reply().error(
            f"job: {job_id} is running, could not be deleted at this time.", meta(MetaStatus.JOB_RUNNING, job_id)
        )
    if not context.profile.has_submit_tokens:
        return Reply().string(f"Job {job_id} deleted.").success()
    extra: dict[MetaKey, Json] = {MetaKey.JOB_ID: job_id, MetaKey.SUBMIT_RECORDS_DELETED: tokens}
    text = f"Job {job_id} deleted. Submit records marked deleted: {tokens}."
    return Reply().string(text).success("", meta(MetaStatus.OK, extra=extra))


@answers("clone_job")
def clone_job(context: ServerContext, call: Call) -> Reply:
    """Clone a job in the name of the caller."""
    source = call.found_job()
    clone = context.engine.clone(source, call.submitter)
    return Reply().string(f"Cloned job {source.job_id} as: {clone.job_id}").success("", ok(job_id=clone.job_id))


@answers("list_job")
def list_job(context: ServerContext, _call: Call) -> Reply:
    """The additional components of a job; simulated jobs have none."""
    if context.profile.lists_no_components:
        return Reply().success("", ok(job_components=[]))
    text = "No additional job components found."
    return Reply().error(text, {MetaKey.STATUS.value: context.profile.no_components_status, MetaKey.INFO.value: text})


@answers("app_command")
def app_command(context: ServerContext, call: Call) -> Reply:
    """A command of the job's own: simulated jobs know none."""
    if len(call.words) != 3:
        usage, wrong = f"Usage: {call.spec.usage}", meta(MetaStatus.SYNTAX_ERROR)
        return Reply().string(usage, wrong) if context.profile.sites.usage_is_text else Reply().error(usage, wrong)
    job = call.found_job()
    if not runs(context, job):
        return not_running(context, job)
    wrong_topic = f"no app command func for topic {call.words[2]}" if call.words[2] else "no topic"
    reason = f"rc='BAD_REQUEST_DATA' reason='{wrong_topic}'"
    return Reply().error(f"command execution error: {reason}", meta(MetaStatus.ERROR, reason))
