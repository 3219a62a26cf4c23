"""The badge: its words are as honest as two words can be."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance import catalogue
from conformance.reports import write_badge
from conformance.reports.badge import badge
from conformance.reports.standing import Tone, standing
from conformance.requirements import required
from conformance.results import Result, RunRecord, Verdict
from tests.conformance.reports.records import HOSTILE_RECORD, RECORD


def ran(**verdicts: Verdict) -> RunRecord:
    """A run of every contract of 2.9; all passed, but for those that are named, with ``_`` for ``-``."""
    given = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    results = [Result(c.id, given.get(c.id, Verdict.PASSED), 0.1) for c in catalogue.select("2.9")]
    return dataclasses.replace(RECORD, results=tuple(results))


ALL = len(catalogue.select("2.9"))
MISSING = len(required("2.9") - {contract.id for contract in catalogue.select("2.9")[:10]})


@pytest.mark.parametrize(
    ("record", "tone", "text"),
    [
        (ran(), Tone.GOOD, "conforming"),
        (ran(META_SAME_01=Verdict.FAILED), Tone.BAD, f"1 of {ALL} broken"),
        (ran(META_SAME_01=Verdict.UNEXPECTED_PASS), Tone.BAD, f"1 of {ALL} broken"),
        (ran(META_SAME_01=Verdict.EXPECTED_FAILURE), Tone.FAIR, "conforming, 1 known failure"),
        (
            ran(META_SAME_01=Verdict.SKIPPED, SUB_OK_01=Verdict.INCONCLUSIVE),
            Tone.FAIR,
            "conforming, 2 not decided",
        ),
        (dataclasses.replace(ran(), results=ran().results[:10]), Tone.FAIR, f"conforming, {MISSING} not run"),
        (dataclasses.replace(RECORD, results=()), Tone.NONE, "nothing passed"),
        (
            dataclasses.replace(RECORD, results=(Result("A-B-01", Verdict.SKIPPED, 0.0, "why"),)),
            Tone.NONE,
            "nothing passed",
        ),
    ],
)
def test_the_words_say_no_more_than_is_known(record: RunRecord, tone: Tone, text: str) -> None:
    ended = standing(record)
    assert (ended.tone, ended.text) == (tone, text)
    texts = [element.text for element in ElementTree.fromstring(badge(record)).iter() if element.tag.endswith("}text")]  # noqa: S314 - ours
    assert texts == ["FLARE admin API 2.9", text]


def test_a_failure_that_does_not_count_breaks_nothing() -> None:
    results = [dataclasses.replace(r, counts=r.contract != "META-SAME-01") for r in ran().results]
    record = dataclasses.replace(ran(META_SAME_01=Verdict.FAILED), results=tuple(results))
    failed = [dataclasses.replace(r, verdict=Verdict.FAILED) if not r.counts else r for r in record.results]
    assert standing(dataclasses.replace(record, results=tuple(failed))).text == "conforming"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "badge.svg"
    write_badge(path, dataclasses.replace(HOSTILE_RECORD, release=HOSTILE_RECORD.client))
    elements = {element.tag.rpartition("}")[2] for element in ElementTree.parse(path).iter()}  # noqa: S314 - ours
    assert elements == {"svg", "title", "clipPath", "rect", "g", "text"}
