"""What tests of simulated machines share: servers with a site of each of two organisations, and time by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mock_server import ManualClock, MockServer
from tests.mock_server.desk import Desk

SITES = [{"name": "site-1", "org": "nvidia"}, {"name": "site-2", "org": "other"}]


@pytest.fixture
def desk_of(workspace: Callable[[], Path]) -> Iterator[Callable[..., Desk]]:
    """Desks of the project admin at fresh servers; jobs run ten seconds, one second after they came."""
    with ExitStack() as stack:

        def make(release: str, scenario: dict[str, Any] | None = None, **options: Any) -> Desk:
            content = {"sites": SITES, "jobs": [{"queued": "1s", "running": "10s"}]} | (scenario or {})
            folder = options.pop("workspace", None) or workspace()
            server = MockServer(release, scenario=content, clock=ManualClock(), workspace=folder, **options)
            return Desk(stack.enter_context(server))

        yield make


@pytest.fixture
def wait() -> Callable[[Desk, float], None]:
    """Let time pass at a server."""

    def advance(desk: Desk, seconds: float) -> None:
        assert isinstance(desk.server.clock, ManualClock)
        desk.server.clock.advance(seconds)

    return advance
