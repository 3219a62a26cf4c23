"""Official clients with kits that are broken on purpose: what they make of them is what docs/broken-kits.md says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.lab.broken_kit_page import load
from conformance.lab.broken_kits import Bench
from conformance.peers import PEERS, PeerUnavailable
from mock_server.broken_kits import BROKEN_KITS
from tests.interop.shares import share

SIGHTINGS = load()

FITTING = {name: [one for one in PEERS if kit.fits(one.rpartition(".")[0])] for name, kit in BROKEN_KITS.items()}
CASES = sorted(
    (version, name) for number, (name, fitting) in enumerate(FITTING.items()) for version in share(number, fitting)
)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    version: str = request.param
    try:
        made = Bench(f"official:{version}", version.rpartition(".")[0])
    except PeerUnavailable as problem:
        pytest.skip(str(problem))
    with made:
        yield made


def test_every_kit_was_measured() -> None:
    assert [(one, name) for name, fitting in FITTING.items() for one in fitting if name not in SIGHTINGS[one]] == []


@pytest.mark.parametrize(
    ("bench", "version", "name"),
    [pytest.param(version, version, name, id=f"{version}-{name}") for version, name in CASES],
    indirect=["bench"],
)
def test_official_clients_do_what_was_measured(bench: Bench, version: str, name: str) -> None:
    expected = SIGHTINGS[version][name]
    seen = bench.run(BROKEN_KITS[name])
    assert (seen.outcome, seen.then) == (expected["outcome"], expected.get("then", "")), seen.text
