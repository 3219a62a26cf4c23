"""Logs: the text of those of jobs, and how much jobs and machines write."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from flare_client import errors
from flare_client.arguments import check_job_id
from flare_client.conversation import Conversation
from flare_client.operations.replies import object_of
from flare_client.types import TargetType

_LOG = "log.txt"
_MODES = frozenset({"reload", "full", "concise", "msg_only", "verbose"})
_UNKNOWN_OPTION = "unrecognized arguments"


def get_job_logs(
    conversation: Conversation,
    job_id: str,
    target: str = "server",
    tail_lines: int | None = None,
    grep_pattern: str | None = None,
    log_file_name: str = _LOG,
) -> dict[str, Any]:
    """Get the logs of a job that the server keeps.

    Args:
        job_id: the job.
        target: ``server``, ``all`` or a site.
        tail_lines: only so many lines from the end of each; looked at here, after the whole came.
        grep_pattern: only lines that hold this text, of those; likewise.
        log_file_name: which log; where a server does not know others than ``log.txt``, there are none.

    Returns:
        ``logs``, a text a machine, and ``unavailable``, a reason a machine, where the server gives one.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        ValueError: the target is missing or no text, or the number of lines is none.
    """
    check_job_id(job_id, type_first=conversation.profile.checks_id_type_first)
    if not target or not isinstance(target, str):
        raise ValueError(f"target must be a non-empty str but got {target!r}")
    other = [log_file_name] if log_file_name != _LOG else []
    try:
        reply, _ = conversation.ask(conversation.line("get_job_log", job_id, target, *other), needs_meta=False)
    except errors.InternalError as problem:
        if other and _UNKNOWN_OPTION in str(problem):
            return {"logs": {}}
        raise
    payload = object_of(reply)
    result: dict[str, Any] = {key: payload[key] for key in ("logs", "unavailable") if key in payload}
    if "logs" not in payload:
        result = {"logs": payload}
    if isinstance(result["logs"], Mapping) and (tail_lines is not None or grep_pattern):
        result["logs"] = {
            site: _chosen(text, tail_lines, grep_pattern) if isinstance(text, str) else text
            for site, text in result["logs"].items()
        }
    return result


def configure_job_log(conversation: Conversation, job_id: str, config: Any, target: str = "all") -> None:
    """Set how much a running job writes into its logs.

    Args:
        job_id: the job, which must run.
        config: a level, as ``DEBUG`` or ``10``, a mode of the official software, as ``concise``, or a dict for
            ``logging.config``.
        target: ``server``, ``all`` or a site.

    Raises:
        JobNotFound: the id is missing, no text or unknown.
        JobNotRunning: the job does not run.
    """
    check_job_id(job_id, type_first=conversation.profile.checks_id_type_first)
    text = json.dumps(config) if isinstance(config, dict) else str(config)
    machines = [target] if target in (TargetType.ALL, TargetType.SERVER) else [TargetType.CLIENT, target]
    conversation.ask(conversation.line("configure_job_log", job_id, *machines, text), needs_meta=False)


def configure_site_log(conversation: Conversation, config: str, target: str = "all") -> None:
    """Set how much machines write into their logs.

    Args:
        config: a level, as ``DEBUG`` or ``10``, or a mode of the official software, as ``concise``.
        target: ``server``, ``client`` or ``all``; official clients send a site's name as it is, which servers refuse.

    Raises:
        ValueError: it is neither a level nor a mode.
        InvalidTarget: the target is none.
    """
    text = config.strip() if isinstance(config, str) else ""
    if text not in _MODES and not _is_level(text):
        raise ValueError(f"configure_site_log only supports log levels and built-in log modes, not {config!r}")
    conversation.ask(conversation.line("configure_site_log", target, text), needs_meta=False)


def _is_level(text: str) -> bool:
    level = int(text) if text.isdecimal() else getattr(logging, text.upper(), None) if text else None
    return isinstance(level, int) and 0 <= level <= logging.CRITICAL


def _chosen(text: str, tail_lines: object, pattern: object) -> str:
    lines = text.splitlines(keepends=True)
    if tail_lines is not None:
        count = _count(tail_lines)
        lines = lines[-count:] if count else []
    return "".join(line for line in lines if not pattern or str(pattern) in line)


def _count(tail_lines: object) -> int:
    try:
        count = int(tail_lines)  # type: ignore[call-overload]  # text that is a number counts, as official
    except (TypeError, ValueError):
        count = -1
    if count < 0:
        raise ValueError(f"tail_lines must be an integer and not negative, but got {tail_lines!r}")
    return int(count)
