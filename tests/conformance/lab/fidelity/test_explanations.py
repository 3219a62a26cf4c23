"""Explanations: what they explain, what they do not, and that one which explains nothing is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.lab.fidelity import explanations
from conformance.lab.fidelity.comparison import Compared, Likeness
from conformance.lab.fidelity.explanations import ExplanationError, explanation_of, stale

ENTRY = """
- probes: ["shell*: ls_target('server', '-l*)", "running: show_stats(*"]
  releases: ["2.6"]
  differs: [value, shape]
  reason: Nothing stands behind it.
"""


def read(tmp_path: Path, text: str) -> tuple[explanations.Explanation, ...]:
    path = tmp_path / "explanations.yaml"
    path.write_text(text)
    return explanations.load(path)


def difference(key: str, likeness: Likeness = Likeness.SAME_SHAPE) -> Compared:
    return Compared(key, "ls_target", likeness, "returned 1", "returned 2")


@pytest.mark.parametrize(
    ("release", "key", "likeness", "is_explained"),
    [
        ("2.6", "shell: ls_target('server', '-l', 'startup')", Likeness.SAME_SHAPE, True),
        ("2.6", "shell: ls_target('server', '-l', 'startup')", Likeness.SAME_OUTCOME, True),
        ("2.6", "shell: ls_target('server', '-l', 'startup')", Likeness.DIFFERENT, False),
        ("2.6", "running: show_stats(<job>[:8], 'all')", Likeness.SAME_SHAPE, True),
        ("2.6", "running: show_errors(<job>, 'all')", Likeness.SAME_SHAPE, False),
        ("2.9", "shell: ls_target('server', '-l', 'startup')", Likeness.SAME_SHAPE, False),
    ],
)
def test_what_is_explained(tmp_path: Path, release: str, key: str, likeness: Likeness, is_explained: bool) -> None:
    found = explanation_of(release, difference(key, likeness), read(tmp_path, ENTRY))
    assert (found is not None) is is_explained


def test_an_explanation_that_matches_nothing_is_stale(tmp_path: Path) -> None:
    known = read(tmp_path, ENTRY)
    assert stale(known, {"2.6": [difference("running: show_stats(<job>)")]}) == ()
    assert stale(known, {"2.6": [difference("waiting: show_stats(<job>)")]}) == known
    assert stale(known, {"2.6": []}) == known


def test_an_explanation_of_a_release_that_was_not_run_is_not_judged(tmp_path: Path) -> None:
    assert stale(read(tmp_path, ENTRY), {"2.9": []}) == ()


def test_one_of_what_is_so_at_times_alone_is_not_judged_either(tmp_path: Path) -> None:
    known = read(tmp_path, ENTRY + "  sometimes: true\n")
    assert stale(known, {"2.6": []}) == ()
    assert explanation_of("2.6", difference("running: show_stats(<job>)"), known) == known[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1", "expected a list"),
        ("- [", "explanations.yaml"),
        ("- {probes: [a], differs: value}", "entry 1"),
        ("- {probes: [a], differs: value, reason: ''}", "expected a reason"),
        ("- {probes: [a], differs: text, reason: r}", "expected some of outcome, shape, value, but got text"),
        ("- {probes: [a], differs: value, reason: r, releases: ['2.1']}", "but got 2.1"),
        ("- {probes: [a], differs: value, reason: r, since: 1}", "entry 1"),
        ("- {probes: [a], differs: value, reason: r, sometimes: often}", "expected sometimes as true or false"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ExplanationError, match=problem):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ExplanationError, match="no-such"):
        explanations.load(tmp_path / "no-such.yaml")


def test_the_explanations_of_the_repository_are_in_order() -> None:
    assert explanations.load()
