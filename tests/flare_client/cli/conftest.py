"""Servers that the command line is tried on, one a release, and the command with a kit of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mock_server import MockServer
from tests.flare_client.cli.command import SCENARIO, Flare
from tests.support import servers_of_releases

RELEASES = ("2.3", "2.6", "2.9")
"""They differ in their wire, in what they can, and in what they answer."""


@pytest.fixture(scope="package")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


@pytest.fixture
def flare_of(running: Callable[[str], MockServer], tmp_path: Path) -> Callable[..., Flare]:
    """The command with a kit of somebody at a server of a release."""

    def get(release: str = "2.9", user: str = "admin@nvidia.com", role: str = "project_admin") -> Flare:
        return Flare(running(release).kit(user, role=role, directory=tmp_path / "kits" / release))

    return get


@pytest.fixture(params=RELEASES)
def flare(request: pytest.FixtureRequest, flare_of: Callable[..., Flare]) -> Flare:
    return flare_of(request.param)
