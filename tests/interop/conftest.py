"""Official clients, each in an environment of its own, and mock servers of their release."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conformance.adapters.base import Adapter, ClientSession
from conformance.lab.drives import official_client
from conformance.peers import CELLNET_PEERS, SOCKET_PEERS, PeerUnavailable
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


T = TypeVar("T")


def or_skip(make: Callable[..., T], *given: Any) -> T:
    """Make what needs an official release; where that cannot be had, the test is skipped with the reason."""
    try:
        return make(*given)
    except PeerUnavailable as problem:
        pytest.skip(str(problem))


SCHEMES = ("http", "tcp", "grpc")
EVERY_PEER = [
    *(pytest.param((version, None), id=version) for version in SOCKET_PEERS),
    *(pytest.param((version, one), id=f"{version}-{one}") for version in CELLNET_PEERS for one in SCHEMES),
]
"""Official versions, and how frames travel where there is a choice."""


@pytest.fixture(scope="session", params=[(version, None) for version in SOCKET_PEERS], ids=list(SOCKET_PEERS))
def peer(request: pytest.FixtureRequest) -> tuple[str, str | None]:
    """Each official version of the socket dialect; a module that is for all has ``EVERY_PEER`` for parameters."""
    found: tuple[str, str | None] = request.param
    return found


@pytest.fixture(scope="session")
def version(peer: tuple[str, str | None]) -> str:
    """The official version."""
    return peer[0]


@pytest.fixture(scope="session")
def scheme(peer: tuple[str, str | None]) -> str | None:
    """How frames travel; ``None`` where the release has no schemes."""
    return peer[1]


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
def server(version: str, scheme: str | None) -> Iterator[MockServer]:
    """A mock server of the client's release, shared by the tests of a module."""
    with MockServer(version, scheme=scheme) as running:
        yield running


@pytest.fixture(scope="module")
def session(client: Adapter, server: MockServer) -> ClientSession:
    """A session of the project admin on the shared server."""
    return client.open(ADMIN, server.kit(ADMIN))


@pytest.fixture
def own_server(version: str, scheme: str | None) -> Iterator[Callable[..., MockServer]]:
    """Make servers that a test has for itself."""
    running: list[MockServer] = []

    def make(**settings: object) -> MockServer:
        server = MockServer(version, scheme=scheme, **settings)  # type: ignore[arg-type]  # passed on as they are
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
