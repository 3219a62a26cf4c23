"""Official clients, each in an environment of its own, and mock servers of their release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.lab.client import OfficialClient, OfficialSession
from conformance.peers import PEERS
from mock_server import MockServer

ADMIN = "admin@nvidia.com"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs an official release, and the first test of it may have to install that."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session", params=list(PEERS))
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficialClient]:
    """The official client of each release; its prints are in the test's temporary folder."""
    folder = tmp_path_factory.mktemp(f"official-{request.param}")
    with OfficialClient(request.param, cwd=folder, log=folder / "prints.log") as official:
        yield official


@pytest.fixture(scope="module")
def server(client: OfficialClient) -> Iterator[MockServer]:
    """A mock server of the client's release, shared by the tests of a module."""
    with MockServer(client.version) as running:
        yield running


@pytest.fixture(scope="module")
def session(client: OfficialClient, server: MockServer) -> OfficialSession:
    """A session of the project admin on the shared server."""
    return client.open(server.kit(ADMIN), ADMIN)


@pytest.fixture
def own_server(client: OfficialClient) -> Iterator[Callable[..., MockServer]]:
    """Make servers that a test has for itself."""
    running: list[MockServer] = []

    def make(**settings: object) -> MockServer:
        server = MockServer(client.version, **settings)  # type: ignore[arg-type]  # passed on as they are
        server.start()
        running.append(server)
        return server

    yield make
    for one in running:
        one.stop()
