"""The state of the system: the server, its sites, what runs on them, what they are made of."""

from __future__ import annotations

from typing import Any

from flare_client.arguments import checked_sites, sites_of
from flare_client.conversation import Conversation
from flare_client.operations.replies import object_of
from flare_client.protocol.envelope import ItemType, Json
from flare_client.protocol.statuses import MetaKey
from flare_client.types import ClientInfo, JobInfo, ServerInfo, SystemInfo, TargetType

LOOK = "check_status"
LAST_LOOK = "admin_check_status"
"""The same, for whoever is about to shut the system down: project admins alone."""


def get_system_info(conversation: Conversation) -> SystemInfo:
    """Get the state of the server, the connected FL clients and the running jobs."""
    return look_at_system(conversation, LOOK)


def look_at_system(conversation: Conversation, command: str) -> SystemInfo:
    """Ask for the state of the system by one of two commands."""
    _, meta = conversation.ask(f"{command} {TargetType.SERVER}")
    return SystemInfo(
        server_info=ServerInfo(
            status=_any(meta.get(MetaKey.SERVER_STATUS.value)),
            start_time=_any(meta.get(MetaKey.SERVER_START_TIME.value)),
        ),
        client_info=[
            ClientInfo(
                name=client.get(MetaKey.CLIENT_NAME.value),
                last_connect_time=client.get(MetaKey.CLIENT_LAST_CONNECT_TIME.value),
            )
            for client in meta.get(MetaKey.CLIENTS.value) or []
        ],
        job_info=[
            JobInfo(app_name=job.get(MetaKey.APP_NAME.value), job_id=job.get(MetaKey.JOB_ID.value))
            for job in meta.get(MetaKey.JOBS.value) or []
        ],
    )


def get_connected_client_list(conversation: Conversation) -> list[ClientInfo]:
    """Get the connected FL clients."""
    return get_system_info(conversation).client_info


def get_client_job_status(
    conversation: Conversation, client_names: list[str] | None = None
) -> list[dict[str, Any]] | None:
    """Get what runs on FL clients.

    Args:
        client_names: the sites; all where none is named.

    Returns:
        A dict a site and job, of ``client_name``, ``app_name``, ``job_id`` and ``status``; without a job for a site
        that has none, or does not answer. ``None`` where the server names no site.

    Raises:
        SyntaxError: the names are no list of names of sites.
        NoClientsAvailable: no site is connected (``InvalidTarget`` in releases to 2.6).
        InvalidTarget: a site is not connected.
    """
    names = checked_sites(client_names) if client_names else []
    _, meta = conversation.ask(conversation.line(LOOK, TargetType.CLIENT, *names))
    statuses: list[dict[str, Any]] | None = meta.get(MetaKey.CLIENT_STATUS.value)
    return statuses


def check_status(conversation: Conversation, target_type: str, targets: list[str] | None = None) -> dict[str, Any]:
    """Get the state of machines, as the server tells it.

    Args:
        target_type: ``server``, ``client`` or ``all``.
        targets: the sites, where the type is ``client``; all where none is named.

    Returns:
        The meta of the reply: ``server_status``, ``server_start_time``, ``jobs`` and ``clients`` for the server,
        ``client_status`` for sites.

    Raises:
        ValueError: the type is none.
        SyntaxError: the targets are no list of names of sites.
        InvalidTarget: a site is not connected.
    """
    sites = sites_of(target_type, targets)
    return conversation.ask(conversation.line(LOOK, target_type, *sites))[1]


def get_client_env(conversation: Conversation, client_names: str | list[str] | None = None) -> list[dict[str, Any]]:
    """Get where FL clients run: the name of the site, its workspace, the server's address, whether it is secure.

    Args:
        client_names: a site or several; all where none is named.

    Returns:
        A dict a site.

    Raises:
        ValueError: the names are neither text nor a list.
        InvalidTarget: a site is not connected, or none is.
        RuntimeError: the reply says nothing of any site.
    """
    if client_names and not isinstance(client_names, (str, list)):
        raise ValueError(f"client_names must be str or list of str but got {type(client_names)}")
    names = [client_names] if isinstance(client_names, str) else client_names or []
    _, meta = conversation.ask(" ".join(["report_env", *(names if client_names else [])]))
    environments: list[dict[str, Any]] | None = meta.get(MetaKey.CLIENTS.value)
    if not environments:
        raise RuntimeError(f"missing {MetaKey.CLIENTS} from meta")
    return environments


def report_resources(conversation: Conversation, target_type: str, targets: list[str] | None = None) -> dict[str, Any]:
    """Get the resources that machines have to give to jobs.

    Args:
        target_type: ``server``, ``client`` or ``all``.
        targets: the sites, where the type is ``client``; all where none is named.

    Returns:
        The resources by machine, as the table of the reply has them.

    Raises:
        ValueError: the type is none.
        SyntaxError: the targets are no list of names of sites.
        InvalidTarget: a site is not connected.
    """
    sites = sites_of(target_type, targets)
    reply, _ = conversation.ask(" ".join(["report_resources", target_type, *sites]), needs_meta=False)
    return {str(row[0]): row[1] for table in reply.all(ItemType.TABLE) for row in table[1:] if len(row) > 1}


def report_version(conversation: Conversation, target_type: str, targets: list[str] | None = None) -> dict[str, Any]:
    """Get the version that machines run.

    Args:
        target_type: ``server``, ``client`` or ``all``.
        targets: the sites, where the type is ``client``; all where none is named.

    Returns:
        A dict a machine.

    Raises:
        ValueError: the type is none.
        SyntaxError: the targets are no list of names of sites.
        InvalidTarget: a site is not connected.
    """
    sites = sites_of(target_type, targets)
    reply, _ = conversation.ask(" ".join(["report_version", target_type, *sites]), needs_meta=False)
    return object_of(reply)


def remove_client(conversation: Conversation, client_name: str) -> None:
    """Take its token from a connected FL client. It runs on, and may register again; see ``disable_client``.

    Args:
        client_name: the site.

    Raises:
        ValueError: the name is missing or no text.
        InvalidTarget: the site is not connected.
    """
    _change_client(conversation, "remove_client", client_name)


def disable_client(conversation: Conversation, client_name: str) -> dict[str, Any]:
    """Keep an FL client out, until it is enabled.

    Args:
        client_name: the site.

    Returns:
        What the server says of it.

    Raises:
        ValueError: the name is missing or no text.
    """
    return _change_client(conversation, "disable_client", client_name)


def enable_client(conversation: Conversation, client_name: str) -> dict[str, Any]:
    """Let an FL client in again.

    Args:
        client_name: the site.

    Returns:
        What the server says of it.

    Raises:
        ValueError: the name is missing or no text.
    """
    return _change_client(conversation, "enable_client", client_name)


def get_cell_conn_info(conversation: Conversation, fqcn: str) -> Any:
    """Get the connectors of a cell (release 2.3 only).

    Args:
        fqcn: the name of the cell, as ``server``.

    Returns:
        What the first item of the reply holds, or ``None``.
    """
    reply, _ = conversation.ask(f"conns {fqcn}", needs_meta=False)
    return reply.items[0].data if reply.items else None


def _change_client(conversation: Conversation, command: str, client_name: object) -> dict[str, Json]:
    if not client_name or not isinstance(client_name, str):
        raise ValueError(f"client_name must be a non-empty str but got {client_name!r}")
    reply, _ = conversation.ask(conversation.line(command, client_name))
    return object_of(reply)


def _any(value: Json) -> Any:
    """A value that is passed on as the server sent it, as the official client does."""
    return value
