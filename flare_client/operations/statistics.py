"""What running jobs count, and the errors that they met."""

from __future__ import annotations

from typing import Any

from flare_client.arguments import sites_of
from flare_client.conversation import Conversation
from flare_client.operations.replies import object_of
from flare_client.types import TargetType


def show_stats(
    conversation: Conversation, job_id: str, target_type: str, targets: list[str] | None = None
) -> dict[str, Any]:
    """Get what a running job counts.

    Args:
        job_id: the job.
        target_type: ``server``, ``client`` or ``all``.
        targets: the sites, where the type is ``client``; all where none is named.

    Returns:
        The statistics by machine, each by the component that counts; empty where the server has none to tell.

    Raises:
        TypeError: the id is no text.
        ValueError: the id is missing, or the type is none.
        SyntaxError: the targets are no list of names of sites.
        JobNotRunning: the job does not run (releases from 2.8; ``JobNotFound`` before).
    """
    return _collect(conversation, "show_stats", job_id, target_type, targets)


def show_errors(
    conversation: Conversation, job_id: str, target_type: str, targets: list[str] | None = None
) -> dict[str, Any]:
    """Get the errors that a running job met.

    Args:
        job_id: the job.
        target_type: ``server``, ``client`` or ``all``.
        targets: the sites, where the type is ``client``; all where none is named.

    Returns:
        The errors by machine, each by the component that met them; empty where the server has none to tell.

    Raises:
        TypeError: the id is no text.
        ValueError: the id is missing, or the type is none.
        SyntaxError: the targets are no list of names of sites.
        JobNotRunning: the job does not run (releases from 2.8; ``JobNotFound`` before).
    """
    return _collect(conversation, "show_errors", job_id, target_type, targets)


def reset_errors(conversation: Conversation, job_id: str) -> None:
    """Forget the errors that a running job met, on all machines.

    Args:
        job_id: the job.

    Raises:
        TypeError: the id is no text.
        ValueError: the id is missing.
        JobNotRunning: the job does not run (releases from 2.8; ``JobNotFound`` before).
    """
    _collect(conversation, "reset_errors", job_id, TargetType.ALL, None)


def _collect(
    conversation: Conversation, command: str, job_id: object, target_type: str, targets: list[str] | None
) -> dict[str, Any]:
    # TypeError and ValueError, where other methods say JobNotFound, are the official choice.
    if not isinstance(job_id, str) and (job_id or conversation.profile.checks_id_type_first):
        raise TypeError(f"job_id must be str but got {type(job_id)}.")
    if not job_id:
        raise ValueError("job_id is required but not specified.")
    sites = sites_of(target_type, targets)
    reply, _ = conversation.ask(conversation.line(command, str(job_id), target_type, *sites), needs_meta=False)
    return object_of(reply)
