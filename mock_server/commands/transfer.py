"""Commands that move files: submitting a job, downloading its result."""

from __future__ import annotations

import argparse
import base64
import functools
import tempfile
from pathlib import Path
from typing import NoReturn

from flare_client.protocol.cellnet.cell import SERVER_CELL
from flare_client.protocol.formats import SUBMIT_TOKEN_RULE, is_submit_token
from flare_client.protocol.releases import Download, Upload
from flare_client.protocol.statuses import MetaKey, MetaStatus, RequestMetaKey
from mock_server.answers import Answer, FileAnswer, InlineFileAnswer, Reply, SilentAnswer, meta
from mock_server.commands.refusals import refuse_token_conflict, refuse_token_of_deleted_job, unknown_job
from mock_server.commands.registry import answers
from mock_server.context import Call, ServerContext
from mock_server.jobs.definition import DefinitionRejected
from mock_server.jobs.outcomes import JobExists
from mock_server.jobs.store import Job
from mock_server.jobs.submissions import TokenConflict, TokenOfDeletedJob

URL_MARK = "Download_URL:"


class MissingUpload(Exception):
    """The command came without a job definition."""


class _SubmitParser(argparse.ArgumentParser):
    def __init__(self) -> None:
        super().__init__(prog="submit_job", add_help=False)
        self.add_argument("folder_name", help="Uploaded job folder name")
        self.add_argument("--submit-token", help="retry-safe submit token")

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}\n{self.format_help()}")


@functools.cache
def _submit_parser() -> _SubmitParser:
    return _SubmitParser()


def _submission(context: ServerContext, words: list[str]) -> tuple[str, str | None]:
    """The job folder and the submit token that a command names.

    Raises:
        ValueError: the words are no such command.
    """
    if not context.profile.has_submit_tokens:
        return words[1], None
    options = _submit_parser().parse_args(words[1:])
    if options.submit_token is not None and not is_submit_token(options.submit_token):
        raise ValueError(SUBMIT_TOKEN_RULE)
    return options.folder_name, options.submit_token


def _uploaded(context: ServerContext, call: Call) -> Path:
    """The job definition of a request, as a file."""
    if call.request.upload is not None and context.profile.upload is Upload.BINARY_EXCHANGE:
        return call.request.upload
    if context.profile.upload is Upload.BINARY_EXCHANGE:
        if context.profile.cell is not None:
            raise MissingUpload
        raise TypeError("job_data must be bytes or str but got <class 'NoneType'>")
    content = base64.b64decode(call.words[2])
    with tempfile.NamedTemporaryFile(dir=context.staging.root, suffix=".zip", delete=False) as file:
        file.write(content)
    return Path(file.name)


def _crashed(problem: str, kind: str) -> Reply:
    text = f"Exception occurred trying to submit job: {problem}"
    return Reply().error(text, meta(MetaStatus.INTERNAL_ERROR, f"exception {kind} occurred"))


@answers("submit_job")
def submit_job(context: ServerContext, call: Call) -> Reply:
    """Check and store a job definition."""
    try:
        folder, token = _submission(context, call.words)
    except ValueError as problem:
        return Reply().error(str(problem), meta(MetaStatus.SYNTAX_ERROR, str(problem)))
    if context.profile.upload is Upload.INLINE_BASE64 and len(call.words) < 3:
        raise IndexError("list index out of range")
    custom_props = call.request.meta.get(RequestMetaKey.CUSTOM_PROPS.value)
    path: Path | None = None
    try:
        path = _uploaded(context, call)
        study = call.session.study
        job = context.engine.submit(path, folder, call.submitter, custom_props, study=study, token=token)
    except MissingUpload:
        return Reply().error("missing upload file", meta(MetaStatus.INTERNAL_ERROR))
    except TokenConflict as problem:
        return refuse_token_conflict(problem)
    except TokenOfDeletedJob as problem:
        return refuse_token_of_deleted_job(problem)
    except DefinitionRejected as problem:
        return Reply().error(problem.text, meta(MetaStatus(problem.status), problem.info))
    except JobExists as problem:
        kind = "nvflare.apis.storage.StorageException"
        return _crashed(f"StorageException: {problem}", f"<class '{kind}'>")
    except (TypeError, ValueError) as problem:  # an error of base64 is one of values
        return _crashed(f"{type(problem).__name__}: {problem}", str(type(problem)))
    finally:
        if path is not None:
            path.unlink(missing_ok=True)  # the engine has moved a definition that it keeps
    return (
        Reply()
        .string(f"Submitted job: {job.job_id}")
        .success("", meta(MetaStatus.OK, extra={MetaKey.JOB_ID: job.job_id}))
    )


@answers("download_job")
def download_job(context: ServerContext, call: Call) -> Answer:
    """Give out the result of a job, in the way of the release."""
    job = call.found_job()
    if call.words[1] != job.job_id:
        # The check of the argument ignores case, the look-up does not (observed: 2.3.12, 2.4.2, 2.6.3, 2.9.0).
        return _no_such_object(context, call.words[1])
    if not (job.status.is_finished or context.profile.downloads_unfinished_jobs):
        return Reply().error(f"job {job.job_id} is not done", meta(MetaStatus.JOB_RUNNING, job.job_id))
    if context.profile.download is Download.INLINE_BASE64:
        return _inline(context, job)
    files = {file.name: file.path for file in context.engine.result_files(job)}
    tx_id = context.staging.begin(files)
    if context.downloads is not None:
        references = [list(reference) for reference in context.downloads.offer(tx_id, call.session.token)]
        extra = {MetaKey.FILES: references, MetaKey.TX_ID: tx_id, MetaKey.FOLDER_NAME: job.job_id}
        return Reply().string("OK", {"source_fqcn": SERVER_CELL, **meta(MetaStatus.OK, extra=extra)})
    return Reply().string(
        "OK",
        meta(
            MetaStatus.OK,
            extra={
                MetaKey.FILES: list(files),
                MetaKey.TX_ID: tx_id,
                MetaKey.FOLDER_NAME: job.job_id,
                MetaKey.CMD_NAME: "download_job_file",
            },
        ),
    )


def _no_such_object(context: ServerContext, job_id: str) -> Reply:
    if context.profile.download is Download.INLINE_BASE64:
        path = context.workspace / "jobs-storage" / job_id
        return Reply().error(
            f"Exception occurred trying to get job from store: StorageException: object {path} does not exist"
        )
    if not context.profile.downloads_unfinished_jobs:
        return unknown_job(context, job_id)
    return Reply().error("internal error", meta(MetaStatus.INTERNAL_ERROR))


def _inline(context: ServerContext, job: Job) -> Answer:
    limits = context.scenario.limits
    if context.engine.total_size(job) > limits.max_download_size:
        url = f"{limits.download_url}{job.job_id}"
        extra = {MetaKey.JOB_ID: job.job_id, MetaKey.JOB_DOWNLOAD_URL: url}
        return Reply().string(f"{URL_MARK}{url}", meta(MetaStatus.OK, extra=extra))
    path = context.engine.inline_zip_path(job)
    return InlineFileAnswer(path, meta(MetaStatus.OK, extra={MetaKey.JOB_ID: job.job_id}))


@answers("download_job_file")
def download_job_file(context: ServerContext, call: Call) -> Answer:
    """Give out one staged file; a fifth word says that it is the last."""
    tx_id, name = call.words[1], call.words[3]
    found = context.staging.find(tx_id, name)
    if found is None:
        return SilentAnswer()
    transaction, path = found
    is_last = len(call.words) > 4
    if is_last:
        context.staging.end(tx_id)
    return FileAnswer(path, transaction.folder if is_last else None)


@answers("download_job_components")
def download_job_components(context: ServerContext, call: Call) -> Reply:
    """Give out the additional components of a job: it has none, and the official server fails where there are any."""
    job_id = call.words[1]
    if context.profile.cell is not None:
        text = "No components to download"
        status = {MetaKey.STATUS.value: context.profile.no_components_status, MetaKey.INFO.value: text}
        return Reply().string(text, status)
    if context.engine.get(job_id) is None:
        return Reply().error("internal error", meta(MetaStatus.INTERNAL_ERROR))
    return Reply().error("No data to download")
