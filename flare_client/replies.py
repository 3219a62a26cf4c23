"""From a reply to a result or an error: the rules by which an official client judges a reply, one release a table.

The order is part of the contract: the meta's status first, then the API status of the items, then the demand for
a meta. Source: the official ``Session`` of 2.3.12-2.6.3 against scripted replies.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping

from flare_client import errors
from flare_client.protocol.envelope import Envelope, ItemType, Json
from flare_client.protocol.releases import Dialect, ReleaseProfile
from flare_client.protocol.statuses import NO_CLIENTS, SESSION_INACTIVE, ApiStatus, MetaKey, MetaStatus, api_status


@dataclasses.dataclass(frozen=True)
class _Failure:
    """What an error message can be made of."""

    line: str
    status: str
    info: str
    meta: Mapping[str, Json]


_Rule = Callable[[_Failure], Exception]

_COMMON: dict[str, _Rule] = {
    MetaStatus.INVALID_JOB_DEFINITION: lambda f: errors.InvalidJobDefinition(f"invalid job definition: {f.info}"),
    MetaStatus.NOT_AUTHORIZED: lambda f: errors.AuthorizationError(
        f"user not authorized for the action '{f.line}: {f.info}'"
    ),
    MetaStatus.INVALID_JOB_ID: lambda f: errors.JobNotFound(f"no such job: {f.info}"),
    MetaStatus.JOB_RUNNING: lambda f: errors.JobNotDone(f"job {f.info} is still running"),
}

_PLAIN: dict[str, _Rule] = {
    **_COMMON,
    MetaStatus.SYNTAX_ERROR: lambda f: errors.InternalError(f"protocol error: {f.info}"),
}
"""Release 2.3."""

_DETAILED: dict[str, _Rule] = {
    **_COMMON,
    MetaStatus.NOT_AUTHENTICATED: lambda f: errors.AuthenticationError(f"user not authenticated: {f.info}"),
    MetaStatus.SYNTAX_ERROR: lambda f: errors.InternalError(f"syntax error: {f.info}"),
    MetaStatus.JOB_NOT_RUNNING: lambda f: errors.JobNotRunning(f"job {f.info} is not running"),
    MetaStatus.CLIENTS_RUNNING: lambda _: errors.ClientsStillRunning("one or more clients are still running"),
    MetaStatus.NO_CLIENTS: lambda _: errors.NoClientsAvailable("no clients available"),
    MetaStatus.INTERNAL_ERROR: lambda f: errors.InternalError(f"server internal error: {f.info}"),
    MetaStatus.INVALID_TARGET: lambda f: errors.InvalidTarget(f.info),
}
"""Releases from 2.4."""

_WITH_NO_REPLY: dict[str, _Rule] = {**_DETAILED, MetaStatus.NO_REPLY: lambda f: errors.NoReply(f.info)}
"""Releases from 2.5."""


_WITH_MISSING_CLIENTS: dict[str, _Rule] = {
    **_WITH_NO_REPLY,
    MetaStatus.INVALID_TARGET: lambda f: (
        errors.NoClientsAvailable(f.info) if f.info == NO_CLIENTS else errors.InvalidTarget(f.info)
    ),
}
"""Releases from 2.7."""

_WITH_SUBMIT_TOKENS: dict[str, _Rule] = {
    **_WITH_MISSING_CLIENTS,
    MetaStatus.SUBMIT_TOKEN_CONFLICT: lambda f: errors.SubmitTokenConflict(
        f.info or "submit token was already used for different job content", _text(f.meta, MetaKey.JOB_ID.value)
    ),
    MetaStatus.SUBMIT_TOKEN_JOB_DELETED: lambda f: errors.SubmitTokenJobDeleted(
        f.info or "submit token refers to a deleted job",
        _text(f.meta, MetaKey.JOB_ID.value),
        _text(f.meta, MetaKey.SUBMIT_RECORD_STATE.value),
        _text(f.meta, MetaKey.DELETED_TIME.value),
    ),
}
"""Releases from 2.8."""


def _text(meta: Mapping[str, Json], key: str) -> str | None:
    value = meta.get(key)
    return None if value is None else str(value)


def _rules(profile: ReleaseProfile) -> dict[str, _Rule]:
    if profile.has_submit_tokens:
        return _WITH_SUBMIT_TOKENS
    if profile.names_missing_clients:
        return _WITH_MISSING_CLIENTS
    if profile.maps_no_reply:
        return _WITH_NO_REPLY
    return _DETAILED if profile.detailed_meta_statuses else _PLAIN


def _other_status(profile: ReleaseProfile, failure: _Failure) -> Exception:
    text = (
        f"{failure.status}: {failure.info}"
        if profile.detailed_meta_statuses
        else f"server internal error ({failure.status}): {failure.info}"
    )
    if failure.info == SESSION_INACTIVE:
        return errors.SessionExpired(text)
    return errors.InternalError(text)


def _name(status: ApiStatus) -> str:
    # Official messages hold the text of a str-mixed enum, which Python 3.11 changed.
    return f"APIStatus.{status.value}" if sys.version_info >= (3, 11) else status.value


def _check_items(line: str, reply: Envelope, profile: ReleaseProfile) -> None:
    status = api_status(reply.items)
    name = _name(status)
    if status is ApiStatus.ERROR_AUTHORIZATION:
        raise errors.AuthorizationError(f"user not authorized for the action '{line}'")
    if status is ApiStatus.ERROR_INACTIVE_SESSION:
        raise errors.SessionExpired("the session is closed on server")
    if status is ApiStatus.ERROR_SERVER_CONNECTION:
        unreachable = errors.ServerUnreachable if profile.dialect is Dialect.HCI else errors.ConnectionLost
        raise unreachable(f"cannot connect to server: {name}")
    if status is not ApiStatus.SUCCESS:
        details = "\n".join(str(item.data) for item in reply.items if item.type in (ItemType.STRING, ItemType.ERROR))
        raise RuntimeError(f"runtime error encountered: {name}: {details}")


def check_reply(
    line: str, reply: Envelope | None, profile: ReleaseProfile, *, needs_meta: bool = True
) -> tuple[Envelope, Mapping[str, Json]]:
    """Judge a reply.

    Args:
        line: the command line, for the messages.
        reply: the reply; ``None`` for one without an envelope.
        profile: the release of the server, whose official client is the model.
        needs_meta: whether a reply without meta is an error.

    Returns:
        The reply and its meta.

    Raises:
        MalformedReply: there is no envelope.
        SessionExpired: the server does not know the session any more.
        InternalError, AuthorizationError, ...: what the meta's status or the items say.
        RuntimeError: the reply has no items, or speaks of an unknown client (as official).
    """
    if reply is None:
        raise errors.MalformedReply(
            f"cannot connect to server: expected a reply to {line.split(' ', 1)[0]!r}, but it was empty"
        )
    if reply.meta:
        default = None if profile.missing_meta_status_is_error else MetaStatus.OK.value
        status = reply.meta.get(MetaKey.STATUS.value, default)
        if status != MetaStatus.OK.value:
            failure = _Failure(line, str(status), str(reply.meta.get(MetaKey.INFO.value, "")), reply.meta)
            rule = _rules(profile).get(failure.status)
            raise rule(failure) if rule else _other_status(profile, failure)
    _check_items(line, reply, profile)
    if needs_meta and not reply.meta:
        raise errors.InternalError("missing meta from result")
    return reply, reply.meta
