"""The page on faults is what was measured, and every case is one that a server can have."""

from __future__ import annotations

import pytest

from conformance.lab.fault_cases import CASES
from conformance.lab.fault_page import PAGE, load, page
from mock_server.faults import Rule
from mock_server.faults.actions import kinds
from mock_server.faults.rules import Rule as RuleOfServers

MATCH = frozenset(RuleOfServers.__dataclass_fields__)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_is_a_fault(case: object) -> None:
    how = dict(case.how)
    action = kinds()[case.kind](**{name: how.pop(name) for name in list(how) if name not in MATCH})
    assert Rule(action=action, **how).action == action


def test_every_case_was_measured_with_every_release_that_has_it() -> None:
    for version, seen in load().items():
        line = version.rpartition(".")[0]
        expected = {case.name for case in CASES if not case.releases or line in case.releases}
        assert set(seen) == expected, version


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
