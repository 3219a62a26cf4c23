"""Every case of the fault matrix is one that a server can have, and what was seen is told in words."""

from __future__ import annotations

import pytest

from conformance.lab.fault_cases import CASES, FaultCase
from conformance.lab.fault_page import FaultSighting, words
from mock_server.faults import Rule
from mock_server.faults.actions import kinds
from mock_server.faults.rules import Rule as RuleOfServers

MATCH = frozenset(RuleOfServers.__dataclass_fields__)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_is_a_fault(case: FaultCase) -> None:
    how = dict(case.how)
    action = kinds()[case.kind](**{name: how.pop(name) for name in list(how) if name not in MATCH})
    assert Rule(action=action, **how).action == action


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (FaultSighting("returned"), "returns"),
        (FaultSighting("hung", left=1), "no answer; leaves a folder"),
        (FaultSighting("returned", left=1, jobs=1), "returns; the job is there"),
        (FaultSighting("NoConnection", after="returned"), "`NoConnection`"),
        (FaultSighting("NoConnection", after="hung", jobs=-1), "`NoConnection`; then no answer; the job is gone"),
        (FaultSighting("SessionExpired", after="SessionExpired"), "`SessionExpired`; then `SessionExpired`"),
    ],
)
def test_what_was_seen_is_told_in_words(seen: FaultSighting, told: str) -> None:
    assert words(seen) == told


def test_a_fault_that_never_struck_is_no_sighting() -> None:
    assert not FaultSighting("returned").came_about
    assert FaultSighting("returned", fired=1).came_about
