"""The recordings of official servers in docs/examples: the mock satisfies them, and nothing in them is secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.recordings import checking, document
from conformance.recordings.probes import LOOKS, OWN_JOBS, UNKNOWN_JOB

FOLDER = Path(__file__).parents[3] / "docs" / "examples" / "recordings"
EXAMPLES = sorted(path.parent for path in FOLDER.glob(f"*/{document.RECORDING_FILE}"))
_SECRETS = re.compile(
    r"-----BEGIN|(?<!127)(?<!\d)\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-|/tmp/|/home/|/root/"
)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_the_mock_answers_as_the_official_server_did(folder: Path) -> None:
    checked = checking.check(folder)
    assert [str(one) for one in checked.differences] == []


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_nothing_in_it_says_where_it_was_made(folder: Path) -> None:
    for path in folder.iterdir():
        text = re.sub(r"\b(?:127\.0\.0\.1|0\.0\.0\.0)\b", "", path.read_text()).replace(UNKNOWN_JOB, "")
        assert [found[0] for found in _SECRETS.finditer(text)] == []


def test_there_is_one_of_each_wire_and_each_is_whole() -> None:
    made = [document.read(folder)[0] for folder in EXAMPLES]
    assert [one.made.release for one in made] == ["2.6", "2.9"]
    assert all(one.complete and one.made.own_jobs for one in made)
    asked = {entry.call for one in made for entry in one.transcript}
    per_subject = {"show_study"}  # the servers had no studies
    assert {probe.method for probe in (*LOOKS, *OWN_JOBS)} - asked == per_subject
