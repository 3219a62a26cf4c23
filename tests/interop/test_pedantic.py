"""Official clients on pedantic servers: every variation is legal, for what users see is what they see otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import Adapter
from conformance.peers import PEERS
from flare_client.protocol.releases import profile_for
from mock_server import MockServer
from mock_server.transcript.entry import Kind
from mock_server.variation import VARIATIONS
from tests.interop.conftest import EVERY_PEER
from tests.interop.shares import WHOLE, share
from tests.pedantic import SCENARIO, walk

pytestmark = pytest.mark.parametrize("peer", EVERY_PEER, indirect=True, scope="session")

SEEDS = (1, 2, 3) if WHOLE else (1,)


@pytest.fixture(scope="module")
def usual(client: Adapter, server: MockServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What users see on a server that is not pedantic."""
    server.reset(scenario=SCENARIO)
    return walk(client, server, tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_changes_nothing_for_users(
    client: Adapter, server: MockServer, usual: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    server.reset(scenario={**SCENARIO, "pedantic": seed})

    assert walk(client, server, tmp_path) == usual
    assert any(entry.kind is Kind.VARIATION for entry in server.transcript.entries())


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_variation_that_always_strikes_changes_nothing_for_users(
    client: Adapter,
    server: MockServer,
    usual: dict[str, Any],
    tmp_path: Path,
    name: str,
    version: str,
    scheme: str | None,
) -> None:
    if not VARIATIONS[name].is_of(server.profile):
        pytest.skip(f"servers of {server.release} have no {name}")
    having = [one for one in PEERS if VARIATIONS[name].is_of(profile_for(one))]
    if version in having and version not in share(list(VARIATIONS).index(name), having):
        pytest.skip("another release tries it: `make official` has all")
    if scheme not in (None, "http"):
        pytest.skip("each alone is tried over http: the schemes carry the same bytes, and seeds are tried over all")
    server.reset(scenario={**SCENARIO, "pedantic": {"seed": 5, "only": [name], "share": 1.0}})

    assert walk(client, server, tmp_path) == usual
