"""Official clients with kits that are broken on purpose: what they make of them is what docs/broken-kits.md says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.lab.broken_kits import LAB, KitBench
from conformance.lab.cases.clients import OFFICIALS, official
from mock_server.broken_kits import BROKEN_KITS
from tests.interop.conftest import or_skip
from tests.interop.shares import share

SIGHTINGS = LAB.load()
CASES = sorted(
    (client.name, name)
    for number, (name, kit) in enumerate(BROKEN_KITS.items())
    for client in share(number, [one for one in OFFICIALS if kit.fits(one.release)])
)


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[KitBench]:
    with or_skip(KitBench, official(request.param)) as made:
        yield made


@pytest.mark.parametrize(
    ("bench", "version", "name"),
    [pytest.param(version, version, name, id=f"{version}-{name}") for version, name in CASES],
    indirect=["bench"],
)
def test_official_clients_do_what_was_measured(bench: KitBench, version: str, name: str) -> None:
    expected = SIGHTINGS[version].cases[name]
    seen = bench.run(BROKEN_KITS[name])
    assert (seen.outcome, seen.then) == (expected.outcome, expected.then), seen.text
