"""Official clients on pedantic servers: every variation is legal, for what users see is what they see otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import Adapter
from conformance.peers import CELLNET_PEERS, PEERS
from flare_client.protocol.releases import profile_for
from mock_server import MockServer
from mock_server.transcript.entry import Kind
from mock_server.variation import VARIATIONS
from tests.interop.conftest import EVERY_PEER
from tests.interop.shares import WHOLE, share
from tests.pedantic import SCENARIO, walk

SEEDS = (1, 2, 3) if WHOLE else (1,)


def _with_peers() -> Iterator[Any]:
    """Yield each variation with the releases that try it.

    Each alone is tried over http: the schemes carry the same bytes, and seeds are tried over all.
    """
    for number, (name, variation) in enumerate(VARIATIONS.items()):
        having = [one for one in PEERS if variation.is_of(profile_for(one))]
        for version in share(number, having):
            scheme = "http" if version in CELLNET_PEERS else None
            yield pytest.param((version, scheme), name, id=f"{version}-{name}")


@pytest.fixture(scope="module")
def usual(client: Adapter, server: MockServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What users see on a server that is not pedantic."""
    server.reset(scenario=SCENARIO)
    return walk(client, server, tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("peer", EVERY_PEER, indirect=True, scope="session")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_changes_nothing_for_users(
    client: Adapter, server: MockServer, usual: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    server.reset(scenario={**SCENARIO, "pedantic": seed})

    assert walk(client, server, tmp_path) == usual
    assert any(entry.kind is Kind.VARIATION for entry in server.transcript.entries())


@pytest.mark.parametrize(("peer", "name"), list(_with_peers()), indirect=["peer"], scope="session")
def test_a_variation_that_always_strikes_changes_nothing_for_users(
    client: Adapter, server: MockServer, usual: dict[str, Any], tmp_path: Path, name: str
) -> None:
    server.reset(scenario={**SCENARIO, "pedantic": {"seed": 5, "only": [name], "share": 1.0}})

    assert walk(client, server, tmp_path) == usual
