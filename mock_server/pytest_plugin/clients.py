"""The user of a test: the startup kit, and a session of the client that was chosen."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.scenarios.system import User

if TYPE_CHECKING:
    from mock_server.pytest_plugin.settings import Settings
    from mock_server.server import MockServer

DEFAULT_CLIENT = "flare_client"
OFFICIAL = "official"
_PACKAGE = "nvflare"
_MODULES = {OFFICIAL: f"{_PACKAGE}.fuel.flare_api.flare_api"}
"""Where the functions are that open a session, for what is no module by itself."""
_USUAL = User(name="admin@nvidia.com")


def release_of(client: str) -> str | None:
    """The release that a client is of; ``None`` where it speaks several, or is not installed."""
    if client != OFFICIAL:
        return None
    try:
        return importlib.metadata.version(_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None


def user_of(settings: Settings, server: MockServer) -> User:
    """Who the kit and the session are of."""
    users = {user.name: user for user in server.scenario.users}
    name = settings.user or next(iter(users), _USUAL.name)
    known = users.get(name, _USUAL)
    return User(name=name, org=settings.org or known.org, role=settings.role or known.role)


def kit_of(settings: Settings, server: MockServer, directory: Path) -> Path:
    """Write the startup kit of the user into a folder, and return its root."""
    user = user_of(settings, server)
    return server.kit(user.name, user.org, user.role, directory=directory)


@contextlib.contextmanager
def opened(settings: Settings, server: MockServer, kit: Path) -> Iterator[Any]:
    """A session of the user, for as long as the block lasts."""
    name = "new_secure_session" if server.secure else "new_insecure_session"
    module = _MODULES.get(settings.client, settings.client)
    try:
        new_session = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as problem:
        pytest.fail(
            f"flare: expected a client of {DEFAULT_CLIENT}, {OFFICIAL} where nvflare is installed, or a module with "
            f"{name}, but got {settings.client!r}: {problem}",
            pytrace=False,
        )
    words = (user_of(settings, server).name, str(kit)) if server.secure else (str(kit),)
    session = new_session(*words)
    if hasattr(session, "clock"):
        session.clock = server.clock
    try:
        yield session
    finally:
        # A test may have stopped the server; how a client takes that when it leaves is not the test's business.
        with contextlib.suppress(Exception):
            session.close()
