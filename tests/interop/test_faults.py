"""What users of official clients see where something goes wrong: still what ``docs/faults.md`` says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.lab.cases.clients import official
from conformance.lab.fault_matrix import LAB, FaultBench
from tests.interop.conftest import or_skip

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

VERSIONS = ("2.3.12", "2.6.3", "2.9.0")
REPRESENTATIVE = (
    "connect-refused-once",
    "login-refused",
    "login-late",
    "certificate-expired",
    "certificate-name",
    "tls-old",
    "token-signature",
    "list-late",
    "list-closed",
    "list-closed-after",
    "list-cut",
    "list-garbage",
    "list-unknown-item",
    "list-extra",
    "list-twice",
    "list-status",
    "list-expired",
    "list-forgotten",
    "delete-closed-after",
    "submit-closed",
    "submit-closed-after",
    "submit-disk",
    "upload-closed",
    "monitor-closed",
    "monitor-no-status",
    "download-closed",
    "download-cut",
    "download-corrupt",
    "download-reply-cut",
    "download-no-files",
)
BY_NAME = {case.name: case for case in LAB.cases}
SIGHTINGS = LAB.load()


@pytest.fixture(scope="module", params=VERSIONS)
def bench(request: pytest.FixtureRequest) -> Iterator[tuple[str, FaultBench]]:
    with or_skip(FaultBench, official(request.param)) as made:
        yield request.param, made


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_users_see_what_was_measured(bench: tuple[str, FaultBench], name: str) -> None:
    version, made = bench
    if name not in SIGHTINGS[version].cases:
        pytest.skip(f"no client of {version} can meet it")
    expected = SIGHTINGS[version].cases[name]
    assert LAB.settled(made, BY_NAME[name], expected, print) == expected
