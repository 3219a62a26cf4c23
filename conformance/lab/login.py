"""A login in its plainest form, to find out when an official server accepts one.

On the admin socket (releases to 2.6) it is independent of the client that is under test. On the other wire a login is
most of a client, so there flare_client does it. The official client with its pauses between tries is used on neither.
"""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any, Protocol

import flare_client

_SECONDS = 5.0
_END = b"\x04"
_PASSWORD = "admin"  # noqa: S105 - the one password that insecure servers know


class Admin(Protocol):
    """One admin user at an official server."""

    def login(self) -> str | None:
        """Return the token of a new admin session, or ``None`` if the server is not there or refuses."""

    def site_names(self, token: str) -> list[str]:
        """Return the names of the registered sites."""


def admin_at(kit: Path, user: str) -> Admin:
    """The admin user of a kit, by the kit's wire."""
    admin = json.loads((kit / "startup" / "fed_admin.json").read_text())["admin"]
    return SocketAdmin(kit, user) if "overseer_agent" in admin else CellAdmin(kit, user)


class CellAdmin:
    """One admin user at an official server of releases from 2.7 on.

    Args:
        kit: the root of the user's startup kit.
        user: the user's name.
    """

    def __init__(self, kit: Path, user: str) -> None:
        self._kit = kit
        self._user = user

    def login(self) -> str | None:
        """See ``Admin``; what is returned only says that it worked."""
        try:
            with flare_client.new_secure_session(self._user, str(self._kit), timeout=_SECONDS) as session:
                return session.release
        except flare_client.NoConnection:
            return None

    def site_names(self, token: str) -> list[str]:  # noqa: ARG002 - each look is a session of its own
        """See ``Admin``."""
        try:
            with flare_client.new_secure_session(self._user, str(self._kit), timeout=_SECONDS) as session:
                return sorted(str(client.name) for client in session.get_system_info().client_info)
        except flare_client.NoConnection:
            return []  # busy with its start


class SocketAdmin:
    """One admin user at an official server of releases to 2.6.

    Each exchange is complete: the official accept loop waits for a peer that stays silent, and 2.3 and 2.4 spin for
    ever on one that leaves early.

    Args:
        kit: the root of the user's startup kit.
        user: the user's name; ``admin`` for an insecure kit.
    """

    def __init__(self, kit: Path, user: str) -> None:
        startup = kit / "startup"
        admin = json.loads((startup / "fed_admin.json").read_text())["admin"]
        host, _, port = admin["overseer_agent"]["args"]["sp_end_point"].split(":")
        self._address = (host, int(port))
        self._user = user
        self._context: ssl.SSLContext | None = None
        if admin.get("with_ssl"):
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.check_hostname = False
            self._context.load_verify_locations(startup / "rootCA.pem")
            self._context.load_cert_chain(startup / "client.crt", startup / "client.key")

    def login(self) -> str | None:
        """Return the token of a new admin session, or ``None`` if the server is not there or refuses."""
        line = f"_cert_login {self._user}" if self._context else f"_login {self._user} {_PASSWORD}"
        return _first(self._exchange(line, None), "token")

    def site_names(self, token: str) -> list[str]:
        """Return the names of the registered sites."""
        reply = self._exchange("check_status server", token) or {}
        clients = reply.get("meta", {}).get("clients", [])
        return sorted(str(client["client_name"]) for client in clients)

    def _exchange(self, line: str, token: str | None) -> dict[str, Any] | None:
        data = [{"type": "command", "data": line}]
        if token is not None:
            data.append({"type": "token", "data": token})
        request = json.dumps({"time": "", "data": data, "meta": {}}).encode() + b"\x03" + _END
        try:
            with self._connect() as connection:
                connection.sendall(request)
                return _reply(connection)
        except (OSError, ValueError):  # not up yet, or a stranger on the port
            return None

    def _connect(self) -> socket.socket:
        plain = socket.create_connection(self._address, _SECONDS)
        return plain if self._context is None else self._context.wrap_socket(plain)


def _reply(connection: socket.socket) -> dict[str, Any] | None:
    received = bytearray()
    while not received.endswith(_END):
        block = connection.recv(4096)
        if not block:
            return None
        received += block
    answer = json.loads(received.rstrip(b"\x03\x04"))
    return answer if isinstance(answer, dict) else None


def _first(reply: dict[str, Any] | None, kind: str) -> str | None:
    items = (reply or {}).get("data", [])
    return next((str(item["data"]) for item in items if item.get("type") == kind), None)
