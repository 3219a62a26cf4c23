"""Commands that move files: submitting a job, downloading its result."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path

from flare_client.protocol.cellnet.cell import SERVER_CELL
from flare_client.protocol.releases import Download, Upload
from flare_client.protocol.statuses import MetaKey, MetaStatus, RequestMetaKey
from mock_server.answers import Answer, FileAnswer, InlineFileAnswer, Reply, SilentAnswer, meta
from mock_server.commands.registry import answers
from mock_server.context import Call, ServerContext
from mock_server.jobs.definition import DefinitionRejected
from mock_server.jobs.store import Job, Submitter

URL_MARK = "Download_URL:"


def _uploaded(context: ServerContext, call: Call) -> Path:
    """The job definition of a request, as a file."""
    if call.request.upload is not None and context.profile.upload is Upload.BINARY_EXCHANGE:
        return call.request.upload
    if context.profile.upload is Upload.BINARY_EXCHANGE:
        raise TypeError("job_data must be bytes or str but got <class 'NoneType'>")
    content = base64.b64decode(call.words[2])
    with tempfile.NamedTemporaryFile(dir=context.staging.root, suffix=".zip", delete=False) as file:
        file.write(content)
    return Path(file.name)


@answers("submit_job")
def submit_job(context: ServerContext, call: Call) -> Reply:
    """Check and store a job definition."""
    folder = call.words[1]
    if context.profile.upload is Upload.INLINE_BASE64 and len(call.words) < 3:
        raise IndexError("list index out of range")
    submitter = Submitter(call.session.user, call.session.org, call.session.role or "")
    custom_props = call.request.meta.get(RequestMetaKey.CUSTOM_PROPS.value)
    path: Path | None = None
    try:
        path = _uploaded(context, call)
        job = context.engine.submit(path, folder, submitter, custom_props)
    except DefinitionRejected as problem:
        return Reply().error(problem.text, meta(MetaStatus(problem.status), problem.info))
    except (TypeError, binascii.Error) as problem:
        return Reply().error(
            f"Exception occurred trying to submit job: {type(problem).__name__}: {problem}",
            meta(MetaStatus.INTERNAL_ERROR, f"exception {type(problem)} occurred"),
        )
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
        # The check of the argument ignores case, the look-up does not (observed: 2.3.12, 2.4.2, 2.6.3).
        return _no_such_object(context, call.words[1])
    if context.profile.download is Download.INLINE_BASE64:
        return _inline(context, job)
    files = {file.name: file.path for file in context.engine.result_files(job)}
    tx_id = context.staging.begin(files)
    if context.profile.download is Download.REFERENCES:
        references = [list(reference) for reference in context.staging.refer(tx_id)]
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
    if context.engine.get(job_id) is None:
        return Reply().error("internal error", meta(MetaStatus.INTERNAL_ERROR))
    return Reply().error("No data to download")
