"""Refusals that several commands share, in the words of the release."""

from __future__ import annotations

from flare_client.protocol.envelope import Json
from flare_client.protocol.statuses import MetaKey, MetaStatus
from mock_server.answers import Reply, meta
from mock_server.context import Call, ServerContext
from mock_server.jobs.store import Job
from mock_server.jobs.submissions import TokenConflict, TokenOfDeletedJob
from mock_server.policy import Person


def unknown_job(context: ServerContext, job_id: str) -> Reply:
    """There is no such job, or none that the session may know of.

    Args:
        context: the server.
        job_id: as the refusal quotes it.
    """
    text = context.profile.unknown_job_text.format(job_id)
    return Reply().error(text, meta(MetaStatus.INVALID_JOB_ID, job_id))


def runs(context: ServerContext, job: Job) -> bool:
    """Whether a job runs now, whatever its status says."""
    return any(one is job for one in context.engine.running_jobs())


def not_running(context: ServerContext, job: Job) -> Reply:
    """Something is asked of a job that does not run."""
    text = f"Job_id: {job.job_id} is not running."
    if context.profile.detailed_meta_statuses:
        return Reply().error(text, meta(MetaStatus.JOB_NOT_RUNNING, job.job_id))
    return Reply().error(text)


def submitter_of(call: Call) -> Person | None:
    """The submitter of the job in question, if one is."""
    if call.job is None:
        return None
    submitter = call.job.submitter
    return Person(submitter.name, submitter.org, submitter.role)


def refused_by_site(context: ServerContext, call: Call, site: str) -> str | None:
    """The words of a site that does not allow a command; sites decide by their own policy, ``None`` where it does."""
    if context.policy_of(site).allows(
        call.spec.right,
        call.user,
        site_org=context.engine.site_org(site),
        submitter=submitter_of(call),
        command=call.spec.name,
    ):
        return None
    return f"user '{call.session.user}' is not authorized for '{call.spec.name}'"


def refuse_token_conflict(problem: TokenConflict) -> Reply:
    """A submit token stands for another definition."""
    extra: dict[MetaKey, Json] = {MetaKey.CODE: "SUBMIT_TOKEN_CONFLICT", MetaKey.JOB_ID: problem.job_id}
    info = "submit token was already used for different job content"
    return Reply().error(
        f"SUBMIT_TOKEN_CONFLICT: {info}. Use a new submit token for a new job.",
        meta(MetaStatus.SUBMIT_TOKEN_CONFLICT, info, extra),
    )


def refuse_token_of_deleted_job(problem: TokenOfDeletedJob) -> Reply:
    """A submit token stands for a job that was deleted."""
    extra: dict[MetaKey, Json] = {
        MetaKey.CODE: "SUBMIT_TOKEN_JOB_DELETED",
        MetaKey.SUBMIT_RECORD_STATE: "job_deleted",
        MetaKey.JOB_ID: problem.job_id,
        MetaKey.DELETED_TIME: problem.deleted_time,
    }
    info = "submit token refers to a deleted job"
    return Reply().error(
        f"SUBMIT_TOKEN_JOB_DELETED: {info}. Use a new submit token to submit again.",
        meta(MetaStatus.SUBMIT_TOKEN_JOB_DELETED, info, extra),
    )
