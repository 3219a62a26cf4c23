"""Fixtures that many tests share."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from mock_server import MockServer
from tests.support import JobMaker, RawClient, servers_of_releases, write_job

# Properties that talk to a server are slower than the default deadline on a busy machine; none of them is about time.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("suite")


@pytest.fixture
def make_job(tmp_path: Path) -> JobMaker:
    """Write job folders below the test's own folder."""

    def make(folder: str = "hello", /, **content: Any) -> Path:
        return write_job(tmp_path / "jobs", folder, **content)

    return make


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], MockServer]]:
    """Servers with the default scenario, one a release, shared by the tests of a module."""
    with servers_of_releases() as get:
        yield get


@pytest.fixture(scope="module")
def raw(servers: Callable[[str], MockServer]) -> Callable[[str], RawClient]:
    """Raw clients of the project admin, one a release."""

    def get(release: str) -> RawClient:
        server = servers(release)
        return RawClient(server, server.kit())

    return get


_SHARE = "FLARE_SHARE"
"""The environment variable that says which share of the tests is run: ``0/2`` and ``1/2`` are all of them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the share.

    Begin with what asks for more time than usual, so that no worker is left alone with it in the end.
    """
    if share := os.environ.get(_SHARE):
        number, shares = map(int, share.split("/"))
        kept: list[pytest.Item] = []
        left_out: list[pytest.Item] = []
        for item in items:
            (kept if zlib.crc32(item.nodeid.encode()) % shares == number else left_out).append(item)
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Programs in the background of a shell are started with Ctrl-C ignored, and hand that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
