"""Official clients, each in an environment of its own, and mock servers of their release."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import Adapter, ClientSession
from conformance.lab.drives import official_client
from conformance.peers import SOCKET_PEERS
from flare_client.protocol.releases import ReleaseProfile, profile_for
from mock_server import MockServer

ADMIN = "admin@nvidia.com"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs an official release, and the first test of it may have to install that."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.interop)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session", params=list(SOCKET_PEERS))
def version(request: pytest.FixtureRequest) -> str:
    """Each official version."""
    return str(request.param)


@pytest.fixture
def profile(version: str) -> ReleaseProfile:
    """What the release does differently."""
    return profile_for(version)


@pytest.fixture(scope="session")
def client(version: str) -> Iterator[Adapter]:
    """The official client of a release, in a process of its own."""
    adapter = official_client(version)
    yield adapter
    adapter.close()


@pytest.fixture(scope="module")
def server(version: str) -> Iterator[MockServer]:
    """A mock server of the client's release, shared by the tests of a module."""
    with MockServer(version) as running:
        yield running


@pytest.fixture(scope="module")
def session(client: Adapter, server: MockServer) -> ClientSession:
    """A session of the project admin on the shared server."""
    return client.open(ADMIN, server.kit(ADMIN))


@pytest.fixture
def own_server(version: str) -> Iterator[Callable[..., MockServer]]:
    """Make servers that a test has for itself."""
    running: list[MockServer] = []

    def make(**settings: object) -> MockServer:
        server = MockServer(version, **settings)  # type: ignore[arg-type]  # passed on as they are
        server.start()
        running.append(server)
        return server

    yield make
    for one in running:
        one.stop()


@dataclasses.dataclass
class Watch:
    """A monitoring that is over: what it returned, and the calls of its callback."""

    returned: str
    calls: list[dict[str, Any]]


def watch(session: ClientSession, job_id: str, answers: Sequence[Any] = (True,), **arguments: Any) -> Watch:
    """Monitor a job with a callback that gives the answers in turn, the last one for ever."""
    calls: list[dict[str, Any]] = []

    def callback(same_session: bool, called_id: str, meta: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        calls.append({"same": same_session, "id": called_id, "status": meta["status"], "args": args, "kwargs": kwargs})
        return answers[min(len(calls), len(answers)) - 1]

    code = session.monitor(job_id, cb=callback, **({"timeout": 30.0, "poll_interval": 0.05} | arguments))
    return Watch(code.name, calls)
