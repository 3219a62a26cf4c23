"""Parts of a run as one run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reports import ReportError, joined
from conformance.results import RunRecord
from tests.conformance.reports.records import RECORD, records

A, B = Path("a.json"), Path("b.json")


def part(*indexes: int, **changes: Any) -> RunRecord:
    return dataclasses.replace(RECORD, results=tuple(RECORD.results[index] for index in indexes), **changes)


def test_parts_make_the_whole() -> None:
    first = part(
        0, 2, 4, 6, command=("run", "--client=x", "--shard=1/2", "--json=a.json", "--select=MON-*"), seconds=3.0
    )
    second = part(1, 3, 5, started="2026-01-02T03:04:04+00:00", seconds=7.0)
    whole = joined({A: first, B: second})
    assert sorted(whole.results, key=lambda r: r.contract) == sorted(RECORD.results, key=lambda r: r.contract)
    assert (whole.started, whole.seconds) == (second.started, 7.0)
    assert whole.command == ("run", "--client=x", "--select=MON-*")
    assert whole.conforms is False


@given(record=records, mask=st.integers(min_value=0, max_value=31))
def test_any_division_is_undone(record: RunRecord, mask: int) -> None:
    parts = [
        tuple(result for index, result in enumerate(record.results) if bool(mask >> index & 1) is side)
        for side in (True, False)
    ]
    whole = joined({A: dataclasses.replace(record, results=parts[0]), B: dataclasses.replace(record, results=parts[1])})
    assert whole.results == tuple(sorted(record.results, key=lambda result: result.contract))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client": "other"}, "b.json: client: expected 'my_client:open' as in a.json, but got 'other'"),
        ({"release": "2.6"}, "release: expected '2.9'"),
        ({"seed": 8}, "seed: expected 7"),
        ({"server": "another"}, "server: expected 'mock_server 2.9'"),
    ],
)
def test_parts_of_two_runs_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ReportError, match=text):
        joined({A: part(0), B: part(1, **changes)})


def test_a_contract_that_stands_twice_is_refused() -> None:
    with pytest.raises(ReportError, match="expected each contract once, but a.json has CONN-EXPIRE-01, too"):
        joined({A: part(0, 1), B: part(1)})
