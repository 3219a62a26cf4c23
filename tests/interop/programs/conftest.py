"""Servers of 2.9.0 for the command ``nvflare``: a mock one, and the official one, which has to agree with what is
expected of the mock."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.lab.jobs import QUICK, SLOW, write_named
from conformance.lab.provisioning import ADMIN, USERS
from conformance.lab.server import OfficialServer
from mock_server import MockServer
from tests.interop.programs.official import SECONDS, Done, Nvflare, nvflare_of

VERSION = "2.9.0"
SCENARIO: dict[str, Any] = {
    "jobs": [
        {"match": {"name": SLOW}, "queued": 0, "running": "1h"},
        {"match": {"name": QUICK}, "queued": 0, "running": 0.2},
        {"match": {"name": "broken"}, "queued": 0, "running": 0, "outcome": "EXECUTION_EXCEPTION"},
    ]
}


@dataclasses.dataclass(frozen=True)
class Place:
    """A server, with the users of the lab's project.

    Attributes:
        kit: the startup kit of a user.
        mock: the server, if it is a mock one.
    """

    kit: Callable[[str], Path]
    mock: MockServer | None


@pytest.fixture(scope="module", params=["mock", pytest.param("official", marks=pytest.mark.servers)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where the programs go."""
    if request.param == "official":
        with OfficialServer(VERSION) as official:
            yield Place(official.kit, None)
        return
    users = {user.name: user for user in USERS}
    with MockServer(VERSION, scenario=SCENARIO) as mock:
        yield Place(lambda name: mock.kit(name, users[name].org, users[name].role), mock)


@pytest.fixture(scope="module")
def nvflare(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nvflare]:
    """The command of the project admin."""
    with nvflare_of(VERSION, tmp_path_factory.mktemp("home"), place.kit(ADMIN)) as command:
        yield command


@pytest.fixture
def submit(nvflare: Nvflare, tmp_path: Path) -> Callable[..., str]:
    """Submit one of the lab's jobs, and return its id."""

    def make(kind: str, *options: str, **more: Any) -> str:
        folder = write_named(tmp_path / "jobs", kind)
        return str(nvflare.json("job", "submit", "-j", str(folder), *options, **more).data["job_id"])

    return make


def until(ask: Callable[[], Done], holds: Callable[[Any], bool]) -> Any:
    """Ask until the answer is as wanted, and return it."""
    deadline = time.monotonic() + SECONDS
    while not holds(data := ask().data):
        assert time.monotonic() < deadline, data
    return data
