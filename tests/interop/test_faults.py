"""What users of official clients see where something goes wrong: still what ``docs/faults.md`` says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.lab.fault_cases import CASES
from conformance.lab.fault_matrix import Matrix
from conformance.lab.fault_page import load
from conformance.peers import PeerUnavailable

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
BY_NAME = {case.name: case for case in CASES}
SIGHTINGS = load()


@pytest.fixture(scope="module", params=VERSIONS)
def matrix(request: pytest.FixtureRequest) -> Iterator[tuple[str, Matrix]]:
    version: str = request.param
    try:
        made = Matrix(f"official:{version}", version.rpartition(".")[0])
    except PeerUnavailable as problem:
        pytest.skip(str(problem))
    with made:
        yield version, made


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_users_see_what_was_measured(matrix: tuple[str, Matrix], name: str) -> None:
    version, made = matrix
    if name not in SIGHTINGS[version]:
        pytest.skip(f"no client of {version} can meet it")
    expected = SIGHTINGS[version][name]
    seen = made.run(BY_NAME[name])
    assert seen.fired
    assert {field: getattr(seen, field) for field in ("outcome", "after", "sent", "jobs", "left")} == {
        field: expected[field] for field in ("outcome", "after", "sent", "jobs", "left")
    }
