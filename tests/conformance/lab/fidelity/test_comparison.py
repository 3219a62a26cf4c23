"""Same outcome, same shape, same value: each can be missed by itself."""

from __future__ import annotations

import pytest

from conformance.lab.fidelity.comparison import Likeness, compare, likeness
from conformance.lab.fidelity.peer import Seen

FAILED = Seen(raised=("JobNotFound", "Exception"), text="no such job: x")


@pytest.mark.parametrize(
    ("official", "mock", "expected"),
    [
        (Seen({"a": 1}), Seen({"a": 1}), Likeness.SAME_VALUE),
        (Seen({"a": 1}), Seen({"a": 2}), Likeness.SAME_SHAPE),
        (Seen({"a": 1, "b": 2}), Seen({"b": 2, "a": 1}), Likeness.SAME_SHAPE),
        (Seen({"a": 1}), Seen({"a": "1"}), Likeness.SAME_OUTCOME),
        (Seen({"a": 1}), Seen({}), Likeness.SAME_OUTCOME),
        (Seen([1]), Seen([1, 2]), Likeness.SAME_SHAPE),
        (Seen([1]), Seen([]), Likeness.SAME_OUTCOME),
        (Seen(True), Seen(1), Likeness.SAME_OUTCOME),
        (Seen("text"), Seen("other"), Likeness.SAME_SHAPE),
        (Seen("text"), Seen(""), Likeness.SAME_OUTCOME),
        (Seen("text"), Seen("two\nlines"), Likeness.SAME_OUTCOME),
        (Seen("text"), Seen(None), Likeness.SAME_OUTCOME),
        (FAILED, FAILED, Likeness.SAME_VALUE),
        (FAILED, Seen(raised=FAILED.raised, text="other"), Likeness.SAME_SHAPE),
        (FAILED, Seen(raised=("JobNotFound", "KeyError", "Exception")), Likeness.SAME_OUTCOME),
        (FAILED, Seen(raised=("InternalError", "Exception")), Likeness.DIFFERENT),
        (FAILED, Seen(None), Likeness.DIFFERENT),
        (Seen(1, printed="x"), Seen(1), Likeness.SAME_SHAPE),
        (Seen(1, given=({"id": 1},)), Seen(1), Likeness.SAME_SHAPE),
    ],
)
def test_how_like_two_outcomes_are(official: Seen, mock: Seen, expected: Likeness) -> None:
    assert likeness(official, mock) is expected


def test_a_probe_that_one_server_had_no_occasion_for_differs_and_one_that_neither_had_is_left_out() -> None:
    methods = {"a": "m", "b": "m", "c": "m"}
    found = {one.key: one.likeness for one in compare(methods, {"a": Seen(1), "b": Seen(1)}, {"a": Seen(1)})}
    assert found == {"a": Likeness.SAME_VALUE, "b": Likeness.DIFFERENT}
