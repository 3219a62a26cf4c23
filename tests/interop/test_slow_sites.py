"""What users of official clients see of sites that take their time, on a server whose time goes faster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.adapters.base import Adapter, ClientError
from flare_client.protocol.releases import ReleaseProfile
from mock_server import MockServer
from tests.interop.conftest import ADMIN, EVERY_PEER

pytestmark = pytest.mark.parametrize("peer", EVERY_PEER, indirect=True, scope="session")

SITES = [{"name": "quick"}, {"name": "slow", "answers": "5s"}, {"name": "silent", "answers": "never"}]


def test_a_site_that_is_silent_has_no_status_and_others_have(
    client: Adapter, own_server: Callable[..., MockServer], profile: ReleaseProfile
) -> None:
    if not profile.client_status_in_meta:
        pytest.skip("servers of 2.3 tell it in a table alone, which no method of `Session` reads")
    server = own_server(scenario={"sites": SITES}, clock="x50")
    session = client.open(ADMIN, server.kit(ADMIN))
    began = server.clock.monotonic()

    told = {one["client_name"]: one["status"] for one in session.call("get_client_job_status")}

    assert told == {"quick": "no_jobs", "slow": "no_jobs", "silent": "no_reply"}
    assert server.clock.monotonic() - began >= 10.0
    assert "slow" in session.call("get_working_directory", "slow")
    with pytest.raises(ClientError, match="InternalError: server internal error: client timeout"):
        session.call("get_working_directory", "silent")
