"""Servers of the lab behind one shape, and the official client as an adapter.

Owns: what a script of calls needs of a server, and how the official client of a release is started.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from conformance.adapters.base import Adapter
from conformance.lab.jobs import QUICK, SLOW
from conformance.lab.provisioning import ADMIN, USERS
from conformance.parties import OFFICIAL, make_adapter
from mock_server import MockServer

_SCENARIO: dict[str, Any] = {
    "jobs": [
        {
            "match": {"name": QUICK},
            "queued": "100ms",
            "running": "500ms",
            "result": {"files": {"models/server.npy": "the model that the training writes"}},
        },
        {"match": {"name": SLOW}, "queued": "100ms", "running": "1h"},
    ]
}


class DrivenServer(Protocol):
    """A server with the users and sites of the lab's project."""

    def kit(self, user: str = ADMIN) -> Path:
        """Return the startup kit of a user."""

    def restart(self) -> None:
        """Restart the server; returns when it accepts logins again."""

    def reset(self) -> None:
        """Start again without jobs and with every site, also after the server was shut down."""


def official_client(version: str) -> Adapter:
    """Return the official client of a release, in a process and an environment of its own.

    Args:
        version: a published version, as ``2.6.3``.

    Raises:
        PeerUnavailable: the release cannot be had on this machine.
    """
    return make_adapter(f"{OFFICIAL}{version}", None)


class MockTarget:
    """A mock server of a release, with the users of the lab's project.

    Args:
        version: a release or a version of it.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._server = MockServer(version, scenario=_SCENARIO)

    def __enter__(self) -> MockTarget:
        self._server.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.stop()

    def kit(self, user: str = ADMIN) -> Path:
        """Return the startup kit of one of the project's users."""
        known = next(one for one in USERS if one.name == user)
        return self._server.kit(known.name, org=known.org, role=known.role)

    def restart(self) -> None:
        """Restart the server."""
        self._server.restart()

    def reset(self) -> None:
        """Start again, as another server."""
        self._server.stop()
        self._server = MockServer(self._version, scenario=_SCENARIO)
        self._server.start()

    def commands(self) -> int:
        """How many commands came so far."""
        return len(self._server.calls)
