"""Stopping and starting machines: the server, FL clients, or the whole system.

From 2.8 on the methods wait until it is done; ``state_changes`` knows how.
"""

from __future__ import annotations

from typing import Any

from flare_client import errors
from flare_client.arguments import sites_of
from flare_client.conversation import Conversation
from flare_client.operations import state_changes
from flare_client.operations.providers import UNSUPPORTED_BY_AGENT
from flare_client.operations.system import LAST_LOOK, get_system_info, look_at_system
from flare_client.protocol.releases import Dialect
from flare_client.types import SystemInfo, TargetType

STATE_CHANGE_SECONDS = 30.0
"""How long a change may take, unless the caller says otherwise."""
_WITH_SERVER = (TargetType.ALL, TargetType.SERVER)
_STOPPED = "stopped"


def restart(
    conversation: Conversation,
    target_type: str,
    client_names: list[str] | None = None,
    wait: bool = True,
    timeout: float = STATE_CHANGE_SECONDS,
) -> dict[str, Any]:
    """Restart the server, FL clients, or all of them.

    Args:
        target_type: ``server``, ``client`` or ``all``.
        client_names: the sites, where the type is ``client``; all where none is named.
        wait: whether to wait until the machines are back; the session is closed then where the server is one of them
            (releases from 2.8; before, nothing waits).
        timeout: seconds that the server may take, and then the sites.

    Returns:
        The meta of the reply.

    Raises:
        ValueError: the type is none, or the timeout is not positive.
        SyntaxError: the names are no list of names of sites.
        JobNotDone: jobs run.
        NoClientsAvailable: no site is connected (``InvalidTarget`` in releases to 2.6).
        TimeoutError: the machines were not back in time.
    """
    sites = sites_of(target_type, client_names)
    line = conversation.line("restart", target_type, *sites)
    if not (wait and conversation.profile.waits_for_machines):
        return conversation.ask(line)[1]
    seconds = state_changes.checked_timeout(timeout)
    before = _system_before(conversation) if target_type in _WITH_SERVER else get_system_info(conversation)
    seen = state_changes.connect_times(before) if before else {}
    _, meta = conversation.ask(line)
    if target_type in _WITH_SERVER:
        conversation.close()
        started = before.server_info.start_time if before else None
        state_changes.await_server_restart(conversation, started, seconds)
        if target_type == TargetType.ALL:
            state_changes.await_clients_restart(lambda left: state_changes.look_anew(conversation, left), seen, seconds)
    else:
        expected = {name: seen[name] for name in sites if name in seen} if sites else seen
        state_changes.await_clients_restart(lambda _: get_system_info(conversation), expected, seconds)
    return meta


def shutdown(
    conversation: Conversation,
    target_type: str,
    client_names: list[str] | None = None,
    wait: bool = True,
    timeout: float = STATE_CHANGE_SECONDS,
) -> dict[str, Any] | None:
    """Shut down the server, FL clients, or all of them. The session is over where the server is one of them.

    Args:
        target_type: ``server``, ``client`` or ``all``.
        client_names: the sites, where the type is ``client``; all where none is named.
        wait: whether to wait until the machines are gone (releases from 2.8; before, nothing waits).
        timeout: seconds that it may take.

    Returns:
        The meta of the reply from 2.8 on; before ``None``.

    Raises:
        ValueError: the type is none, or the timeout is not positive.
        SyntaxError: the names are no list of names of sites.
        JobNotDone: jobs run.
        ClientsStillRunning: the server cannot be shut down before its sites.
        NoClientsAvailable: no site is connected (``InvalidTarget`` in releases to 2.6).
        TimeoutError: the machines were not gone in time.
    """
    profile = conversation.profile
    sites = sites_of(target_type, client_names)
    waits = wait and profile.waits_for_machines
    seconds = state_changes.checked_timeout(timeout) if waits else 0.0
    _, meta = conversation.ask(conversation.line("shutdown", target_type, *sites))
    if target_type in _WITH_SERVER:
        if profile.closes_after_shutdown:
            conversation.close()
        if waits:
            state_changes.await_server_end(conversation, seconds)
    elif waits:
        state_changes.await_clients_end(lambda _: get_system_info(conversation), sites, seconds)
    return meta if profile.waits_for_machines else None


def shutdown_system(conversation: Conversation) -> None:
    """Shut down the server and all FL clients; only a project admin may.

    Official clients end in an error in every release, and so does this: to 2.6 the system is shut down by its
    overseer, and kits without high availability have none; from 2.7 on they shut it down and look at it afterwards.

    Raises:
        JobNotDone: jobs run.
        AuthorizationError: the user is no project admin.
        RuntimeError: there is no overseer (releases to 2.6); nothing was shut down.
        SessionClosed: the system was shut down (release 2.7).
        NoConnection: likewise, from 2.8 on; nothing is raised where the server is still there to be looked at.
    """
    profile = conversation.profile
    if profile.dialect is Dialect.HCI:
        _require_stopped(look_at_system(conversation, LAST_LOOK))
        raise RuntimeError(UNSUPPORTED_BY_AGENT)
    conversation.ask(f"shutdown {TargetType.ALL}")
    if profile.closes_before_last_look:
        conversation.close()
        conversation.require_open()
    try:
        _require_stopped(look_at_system(conversation, LAST_LOOK))
    except errors.SessionClosed as problem:
        raise errors.ConnectionLost("cannot connect to server: it was shut down") from problem


def _require_stopped(system: SystemInfo) -> None:
    if system.server_info.status != _STOPPED:
        raise errors.JobNotDone("there are still running jobs")


def _system_before(conversation: Conversation) -> SystemInfo | None:
    """The system as it is; ``None`` where it cannot be told, which is no reason not to restart it."""
    try:
        return get_system_info(conversation)
    except Exception:  # noqa: BLE001 - the restart itself says what is wrong
        return None
