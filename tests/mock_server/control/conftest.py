"""One server with a control surface for the tests of a module, as if just started for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_server import MockServer
from tests.mock_server.control.asking import Api

WORKLOAD = {
    "jobs": [{"match": {"name": "long*"}, "running": "1d"}, {"queued": "1s", "running": "10s"}],
    "workload": [{"name": "train"}, {"name": "long", "at": "5s", "submitter": "ops@nvidia.com"}],
    "description": "Two jobs of others.",
}


@pytest.fixture(scope="module")
def _module_server() -> Iterator[MockServer]:
    with MockServer(control=True) as server:
        yield server


@pytest.fixture(scope="module")
def _module_api(_module_server: MockServer) -> Api:
    return Api(_module_server)


@pytest.fixture
def api(_module_api: Api) -> Api:
    """The control API of a server that was just reset: two jobs of others, a virtual clock."""
    _module_api.server.reset(scenario=WORKLOAD, sites=["site-1", "site-2"], clock="virtual")
    return _module_api


@pytest.fixture
def server(api: Api) -> MockServer:
    return api.server
