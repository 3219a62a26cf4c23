"""Service providers: the servers that an overseer knows, in releases to 2.6.

A kit without high availability has a stand-in for an overseer that knows one server, the kit's; so no server is asked
here, and none can be promoted. Kits with an overseer are refused when they are read.

Source: the local commands of official clients of 2.4.2-2.6.3.
"""

from __future__ import annotations

import re
from typing import Any

from flare_client import errors
from flare_client.conversation import Conversation
from flare_client.protocol.kit import AdminKitConfig

SERVICE_SESSION_ID = "ebc6125d-0a56-4688-9b08-355fe9e4d61a"
"""That of every kit without high availability."""
UNSUPPORTED_BY_AGENT = "this functionality is not supported by the dummy agent"
"""What the stand-in answers to whatever would change something."""

_END_POINT = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?:\d*:\d*"
)


def list_sp(conversation: Conversation) -> str:
    """List the service providers.

    Returns:
        What is known of the system, as the text of a dict of ``primary_sp``, ``sp_list`` and ``system``; official
        clients announce a dict and return the text.
    """
    return str(known_providers(conversation))


def get_active_sp(conversation: Conversation) -> dict[str, Any]:
    """Get the service provider that is active.

    Returns:
        ``name``, ``fl_port``, ``admin_port``, ``service_session_id``, ``primary`` and ``props``; the ports are text.
    """
    return _provider(conversation)


def promote_sp(conversation: Conversation, sp_end_point: str) -> None:
    """Make a service provider the active one, which only an overseer can.

    Args:
        sp_end_point: as ``example.com:8002:8003``.

    Raises:
        SyntaxError: no end point looks so.
        InternalError: there is no overseer.
    """
    if not _END_POINT.fullmatch(sp_end_point):
        raise SyntaxError(f"sp_end_point must be of the format example.com:8002:8003, but got {sp_end_point!r}")
    conversation.require_open()
    raise errors.InternalError(f"server internal error: {UNSUPPORTED_BY_AGENT}")


def known_providers(conversation: Conversation) -> dict[str, Any]:
    """What the stand-in knows of the system."""
    provider = _provider(conversation)
    entry = {
        "sp_end_point": ":".join((provider["name"], provider["fl_port"], provider["admin_port"])),
        "service_session_id": SERVICE_SESSION_ID,
        "primary": True,
        "state": "online",
    }
    return {"primary_sp": entry, "sp_list": [entry], "system": "ready"}


def _provider(conversation: Conversation) -> dict[str, Any]:
    conversation.require_open()
    config = conversation.kit.config
    if not isinstance(config, AdminKitConfig):
        raise errors.NotInRelease("service providers are of releases 2.4 to 2.6, but the kit is of a later one")
    return {
        "name": config.host,
        "fl_port": str(config.fl_port),
        "admin_port": str(config.admin_port),
        "service_session_id": SERVICE_SESSION_ID,
        "primary": True,
        "props": {},
    }
