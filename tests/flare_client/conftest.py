"""Sessions of the reference client on mock servers of every release; the scenario is that of a module's ``running``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import Session, new_secure_session
from mock_server import MockServer
from tests.support import ALL_RELEASES


@pytest.fixture(params=ALL_RELEASES)
def server(request: pytest.FixtureRequest, running: Callable[[str], MockServer]) -> MockServer:
    return running(request.param)


@pytest.fixture
def session(server: MockServer, tmp_path: Path) -> Iterator[Session]:
    """A session with a kit of its own, so that downloads of tests do not meet."""
    with new_secure_session("admin@nvidia.com", str(server.kit(directory=tmp_path / "kits"))) as connected:
        yield connected
