"""The servers of a test session: one a test, or shared ones that are reset between tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from mock_server.errors import ServerError
from mock_server.pytest_plugin.settings import Settings
from mock_server.server import MockServer

_Key = tuple[str, "str | None", "str | None", bool]


class Servers:
    """Starts servers, and keeps those that are shared."""

    def __init__(self) -> None:
        self._shared: dict[_Key, MockServer] = {}

    @contextlib.contextmanager
    def lent(self, settings: Settings) -> Iterator[MockServer]:
        """A server as if just started, for as long as the block lasts."""
        if settings.shared:
            server = self._take(settings)
            _inject(settings, server)
            yield server
            return
        with _made(settings) as server:
            _inject(settings, server)
            yield server

    def close(self) -> None:
        """Stop the shared servers."""
        for server in self._shared.values():
            server.stop()
        self._shared.clear()

    def _take(self, settings: Settings) -> MockServer:
        key = (settings.release, settings.scheme, settings.connection_security, settings.secure)
        server = self._shared.get(key)
        if server is not None and server.is_running:
            try:
                server.reset(scenario=settings.scenario, sites=settings.sites, clock=settings.clock)
            except ServerError:
                pass  # beyond help; the next one is not
            except ValueError as problem:
                pytest.fail(f"flare: {problem}", pytrace=False)
            else:
                return server
        if server is not None:
            # A test has stopped it, or a client has shut it down.
            del self._shared[key]
            server.stop()
        server = _made(settings)
        server.start()
        self._shared[key] = server
        return server


def _made(settings: Settings) -> MockServer:
    try:
        return MockServer(
            settings.release,
            settings.sites,
            settings.scenario,
            secure=settings.secure,
            clock=settings.clock,
            scheme=settings.scheme,
            connection_security=settings.connection_security,
        )
    except ValueError as problem:
        pytest.fail(f"flare: {problem}", pytrace=False)


def _inject(settings: Settings, server: MockServer) -> None:
    for fault in settings.faults:
        try:
            server.faults.inject(**fault)
        except (ValueError, TypeError) as problem:
            pytest.fail(f"flare: {problem}", pytrace=False)
