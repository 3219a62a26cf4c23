"""Jobs: to submit, clone, list, abort and delete them, to ask for their meta, to fetch what they left."""

from __future__ import annotations

import json
from typing import Any

from flare_client import errors
from flare_client.arguments import check_job_id
from flare_client.conversation import Conversation
from flare_client.operations.replies import object_of
from flare_client.protocol.envelope import Json
from flare_client.protocol.formats import SUBMIT_TOKEN_RULE, is_job_folder_name, is_submit_token
from flare_client.protocol.jobs import JobMetaKey
from flare_client.protocol.statuses import MetaKey, RequestMetaKey


def submit_job(conversation: Conversation, job_definition_path: str, submit_token: str | None = None) -> str:
    """Submit a job.

    Args:
        job_definition_path: the folder of the job; a relative path is looked up in the kit's upload folder,
            then in the current one; from 2.8 on the other way round. The folder is not changed.
        submit_token: names this submission, so that it can be tried again: the same token with the same
            definition gives the same job (releases from 2.8).

    Returns:
        The id that the server gave the job.

    Raises:
        InvalidJobDefinition: the path is no folder, its name is none for a job (from 2.8 on), or the server
            refuses the definition.
        InvalidArgumentError: no submit token may look so.
        SubmitTokenConflict: the token stands for a job of another definition.
        SubmitTokenJobDeleted: the token stands for a job that was deleted.
        NotInRelease: there is a token, but the server is of a release to 2.7.
        AuthorizationError: the user may not submit.
    """
    if not job_definition_path:
        raise errors.InvalidJobDefinition("job_definition_path is required but not specified.")
    if not isinstance(job_definition_path, str):
        raise errors.InvalidJobDefinition(f"job_definition_path must be str but got {type(job_definition_path)}.")
    from flare_client import transfer  # noqa: PLC0415 - a program that moves no files need not load it

    profile = conversation.profile
    folder = transfer.absolute_job_folder(
        job_definition_path, conversation.kit.upload_dir, as_given_first=profile.finds_jobs_as_given
    )
    if profile.checks_job_folder_name and not is_job_folder_name(folder.name):
        raise errors.InvalidJobDefinition(
            f"job folder name {folder.name!r} contains unsupported characters: expected letters, digits, dots, "
            "underscores and hyphens, the first a letter or a digit"
        )
    options = _token_option(conversation, submit_token)
    conversation.require_open()
    meta = transfer.upload_job(conversation.connection, conversation.kit, folder, options=options)
    return _required(meta.get(MetaKey.JOB_ID.value), "server failed to return job id")


def clone_job(conversation: Conversation, job_id: str) -> str:
    """Create a new job from an existing one, whatever its status.

    Args:
        job_id: the job to clone.

    Returns:
        The id of the new job.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        AuthorizationError: the user may not clone it.
    """
    meta = _job_command(conversation, "clone_job", job_id)
    info = meta.get(MetaKey.INFO.value, "")
    return _required(meta.get(MetaKey.JOB_ID.value), f"server failed to return job id: {info}")


def get_job_meta(conversation: Conversation, job_id: str) -> dict[str, Any]:
    """Get the meta of a job.

    Args:
        job_id: the job.

    Returns:
        The meta, as the server stores it.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
    """
    meta = _job_command(conversation, "get_job_meta", job_id).get(MetaKey.JOB_META.value)
    if not meta:
        raise errors.InternalError("server failed to return job meta")
    return dict(meta)


def list_jobs(
    conversation: Conversation,
    /,
    detailed: bool = False,
    limit: int | None = None,
    id_prefix: str | None = None,
    name_prefix: str | None = None,
    reverse: bool = False,
    submit_token: str | None = None,
    **kwargs: Any,
) -> list[dict[str, Any]]:
    """List jobs by the time of their submission.

    Args:
        detailed: whole metas instead of summaries.
        limit: at most so many of the newest jobs; 0 or ``None``: all.
        id_prefix: only jobs whose id begins so; case does not matter.
        name_prefix: only jobs whose name begins so; case does not matter.
        reverse: newest first.
        submit_token: only the job that was submitted with it (releases from 2.8).
        **kwargs: ``max_num`` for ``limit``, ``job_id_prefix`` or ``id`` for ``id_prefix``,
            ``job_name_prefix`` or ``name`` for ``name_prefix``; they count where the newer one is not given.

    Returns:
        A dict a job: ``job_id, job_name, status, submit_time, duration`` and, from 2.8 on, ``study``, or the meta
        where ``detailed``.

    Raises:
        ValueError: an argument is of the wrong type.
        TypeError: an argument is unknown.
        InvalidArgumentError: no submit token may look so.
        SubmitTokenJobDeleted: the token stands for a job that was deleted.
        NotInRelease: there is a token, but the server is of a release to 2.7.
    """
    limit = _older(limit, kwargs, "max_num")
    id_prefix = _older(id_prefix, kwargs, "job_id_prefix", "id")
    name_prefix = _older(name_prefix, kwargs, "job_name_prefix", "name")
    if kwargs:
        raise TypeError(f"unsupported list_jobs kwargs: {sorted(kwargs)}")
    _check_list_arguments(detailed, limit, id_prefix, name_prefix, reverse)
    words = ["list_jobs"]
    if detailed:
        words.append("-d")
    if reverse:
        words.append("-r")
    if limit:
        words += ["-m", str(limit)]
    if name_prefix:
        words += ["-n", name_prefix]
    if id_prefix:
        words.append(id_prefix)
    words += _token_option(conversation, submit_token)
    _, meta = conversation.ask(conversation.line(*words))
    return list(meta.get(MetaKey.JOBS.value, []))


def download_job_result(conversation: Conversation, job_id: str, destination: str | None = None) -> str:
    """Download what a job left: its definition, its meta and the server's workspace.

    Args:
        job_id: the job, in any status; from 2.8 on it must be over.
        destination: the folder to move the result into, made where there is none; otherwise it stays in the
            kit's download folder (official from 2.8 on; here on all releases).

    Returns:
        The folder of the result; an earlier download is kept, and the new one gets a suffix (release 2.3: written
        over). Where the result is over the server's limit (2.3), the address of it.

    Raises:
        JobNotDone: the job is not over (releases from 2.8).
        JobNotFound: the id is missing, no text or unknown.
        AuthorizationError: the user may not download it.
        UnsafeArchive: the result would write outside its folder, or is a bomb; nothing is kept.
        OSError: it cannot be written. Where it is there already and cannot be moved, the text says where it is.
    """
    _check_id(conversation, job_id)
    conversation.require_open()
    from flare_client import transfer  # noqa: PLC0415 - likewise

    if destination:
        transfer.check_destination(destination)
    location = conversation.connection.download(conversation.kit, "download_job", job_id)
    return transfer.move_result(location, destination) if destination else location


def abort_job(conversation: Conversation, job_id: str) -> str | None:
    """Abort a job: one that waits will not be scheduled, one that runs is stopped, one that is over stays so.

    Args:
        job_id: the job.

    Returns:
        What the server says of it, from 2.7 on; before ``None``, as the official clients. The API document says
        a dict of (status, info).

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        AuthorizationError: the user may not abort it.
    """
    info = _job_command(conversation, "abort_job", job_id).get(MetaKey.INFO.value)
    return str(info) if conversation.profile.abort_returns_info and info is not None else None


def delete_job(conversation: Conversation, job_id: str) -> dict[str, Any] | None:
    """Delete a job that does not run.

    Args:
        job_id: the job.

    Returns:
        From 2.8 on ``job_id`` and ``submit_records_marked_deleted``, how many submit tokens stood for it; before
        ``None``.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        JobNotDone: the job runs.
        AuthorizationError: the user may not delete it.
    """
    meta = _job_command(conversation, "delete_job", job_id)
    if not conversation.profile.delete_returns_record:
        return None
    deleted = MetaKey.SUBMIT_RECORDS_DELETED.value
    return {"job_id": meta.get(MetaKey.JOB_ID.value, job_id), deleted: meta.get(deleted, 0)}


def get_job_status(conversation: Conversation, job_id: str) -> str | None:
    """Get the status of a job.

    Args:
        job_id: the job.

    Returns:
        The status in its meta, as ``RUNNING``; ``None`` where it has none.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
    """
    status = get_job_meta(conversation, job_id).get(JobMetaKey.STATUS.value)
    return None if status is None else str(status)


def list_job_components(conversation: Conversation, job_id: str) -> list[str]:
    """Get the names of what a job left beside its result, as the logs of errors of its sites.

    Args:
        job_id: the job.

    Returns:
        The names.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        InternalError: there are none (releases to 2.7; from 2.8 on the list is empty).
    """
    return list(_job_command(conversation, "list_job", job_id).get(MetaKey.JOB_COMPONENTS.value, []))


def download_job_components(conversation: Conversation, job_id: str) -> str:
    """Download what a job left beside its result.

    Args:
        job_id: the job.

    Returns:
        The folder of the components, below the kit's download folder.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        InternalError: there are none.
        UnsafeArchive: see ``download_job_result``.
    """
    _check_id(conversation, job_id)
    conversation.require_open()
    return conversation.connection.download(conversation.kit, "download_job_components", job_id)


def do_app_command(conversation: Conversation, job_id: str, topic: str, cmd_data: Any) -> dict[str, Any]:
    """Ask the app of a running job to do something.

    Args:
        job_id: the job, which must run.
        topic: what it is about; the app says which there are.
        cmd_data: what the app needs for it; must be JSON serialisable.

    Returns:
        What the app answers.

    Raises:
        ValueError: the data cannot be JSON.
        JobNotRunning: the job does not run.
        NoReply: the app does not answer in time.
    """
    if cmd_data:
        try:
            json.dumps(cmd_data)
        except (TypeError, ValueError, RecursionError) as problem:
            raise ValueError(f"cmd_data cannot be JSON serialized: {problem}") from problem
    properties = {RequestMetaKey.CMD_PROPS.value: cmd_data} if cmd_data else None
    reply, _ = conversation.ask(f"app_command {job_id} {topic}", needs_meta=False, meta=properties)
    return object_of(reply)


def get_available_apps_to_upload(conversation: Conversation) -> list[str]:
    """List the folders in the kit's upload folder, each of which may be submitted by its name; no server is asked."""
    return sorted(entry.name for entry in conversation.kit.upload_dir.iterdir() if entry.is_dir())


def _check_id(conversation: Conversation, job_id: object) -> None:
    check_job_id(job_id, type_first=conversation.profile.checks_id_type_first)


def _job_command(conversation: Conversation, name: str, job_id: str) -> dict[str, Json]:
    _check_id(conversation, job_id)
    return conversation.ask(f"{name} {job_id}")[1]


def _token_option(conversation: Conversation, submit_token: str | None) -> list[str]:
    if submit_token is None:
        return []
    if not is_submit_token(submit_token):
        raise errors.InvalidArgumentError(SUBMIT_TOKEN_RULE)
    profile = conversation.profile
    if not profile.has_submit_tokens:
        raise errors.NotInRelease(f"submit_token is of releases from 2.8, but the server is of {profile}")
    return ["--submit-token", submit_token]


def _older(value: Any, older_names: dict[str, Any], *names: str) -> Any:
    """An argument that may have been given under an older name."""
    for name in names:
        older = older_names.pop(name, None)
        value = older if value is None else value
    return value


def _check_list_arguments(
    detailed: object, limit: object, id_prefix: object, name_prefix: object, reverse: object
) -> None:
    # ValueError for wrong types is the official choice.
    for name, flag in (("detailed", detailed), ("reverse", reverse)):
        if not isinstance(flag, bool):
            raise ValueError(f"{name} must be bool but got {type(flag)}")
    if limit is not None and not isinstance(limit, int):
        raise ValueError(f"limit must be None or int but got {type(limit)}")
    for name, prefix in (("id_prefix", id_prefix), ("name_prefix", name_prefix)):
        if prefix is not None and not isinstance(prefix, str):
            raise ValueError(f"{name} must be None or str but got {type(prefix)}")


def _required(job_id: Json, problem: str) -> str:
    if not job_id:
        raise errors.InternalError(problem)
    return str(job_id)
