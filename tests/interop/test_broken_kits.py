"""Official clients with kits that are broken on purpose: what they make of them is what docs/broken-kits.md says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.lab.broken_kit_page import load
from conformance.lab.broken_kits import Bench
from conformance.peers import PEERS, PeerUnavailable
from mock_server.broken_kits import BROKEN_KITS

SIGHTINGS = load()

CASES = [
    pytest.param(version, name, id=f"{version}-{name}")
    for version in PEERS
    for name, kit in BROKEN_KITS.items()
    if kit.fits(version.rpartition(".")[0])
]


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    version: str = request.param
    try:
        made = Bench(f"official:{version}", version.rpartition(".")[0])
    except PeerUnavailable as problem:
        pytest.skip(str(problem))
    with made:
        yield made


@pytest.mark.parametrize(("version", "name"), CASES)
def test_every_kit_was_measured(version: str, name: str) -> None:
    assert name in SIGHTINGS[version]


@pytest.mark.parametrize(
    ("bench", "version", "name"), [(one.values[0], *one.values) for one in CASES], indirect=["bench"]
)
def test_official_clients_do_what_was_measured(bench: Bench, version: str, name: str) -> None:
    expected = SIGHTINGS[version][name]
    seen = bench.run(BROKEN_KITS[name])
    assert (seen.outcome, seen.then) == (expected["outcome"], expected.get("then", "")), seen.text
