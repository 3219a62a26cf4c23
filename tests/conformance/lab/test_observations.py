"""What the comparison of two runs overlooks on purpose, and what it does not."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.adapters.base import ClientError, ReturnCode
from conformance.lab.observations import Observation, Recorder, compare


def seen(*values: Any) -> list[Observation]:
    recorder = Recorder()
    for number, value in enumerate(values):
        recorder.observe(f"step {number}", lambda value=value: value)
    return recorder.observations


def failed(*types: str, text: str = "no") -> list[Observation]:
    def call() -> None:
        raise ClientError(types, text)

    recorder = Recorder()
    recorder.observe("step", call)
    return recorder.observations


@given(st.lists(st.uuids(version=4), min_size=1, max_size=5))
def test_other_ids_in_the_same_places_are_the_same(ids: list[uuid.UUID]) -> None:
    other = {one: str(uuid.uuid4()) for one in ids}
    assert compare(seen([str(one) for one in ids]), seen([other[one] for one in ids])) == []


def test_an_id_in_another_place_is_a_difference() -> None:
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    assert compare(seen([one, two], one), seen([one, two], two))


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ({"submit_time": 1.5}, {"submit_time": 99.0}),
        ({"start_time": "2026-01-02 03:04:05.678"}, {"start_time": "2027-01-02 03:04:05.6"}),
        ({"schedule_count": 1}, {"schedule_count": 4}),
        ({"job_deploy_detail": ["site-1: OK", "server: OK"]}, {"job_deploy_detail": ["server: OK", "site-1: OK"]}),
        ({"schedule_history": ["2026-01-02 03:04:05: a"]}, {"schedule_history": ["2026-01-02 03:04:06: a"] * 2}),
        ({"cloned_from": "x", "name": "n"}, {"name": "n", "cloned_from": "x"}),
        ("at localhost:8003", "at 127.0.0.1:9003"),
        ("in /tmp/here/job is not", "in /var/there/job is not"),
        (ReturnCode("TIMEOUT", 1), ReturnCode("TIMEOUT", 1)),
    ],
)
def test_what_is_overlooked(expected: object, came: object) -> None:
    assert compare(seen(expected), seen(came)) == []


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ({"submit_time": 1.5}, {"submit_time": "1.5"}),
        ({"duration": "N/A"}, {"duration": "0:00:01"}),
        ({"start_time": ""}, {}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"schedule_history": ["2026-01-02 03:04:05: a"]}, {"schedule_history": ["2026-01-02 03:04:05: b"]}),
        (["a", "b"], ["b", "a"]),
        ("in /tmp/here/job", "in /tmp/here/other"),
        (None, ""),
        (0, False),
    ],
)
def test_what_is_not_overlooked(expected: object, came: object) -> None:
    [difference] = compare(seen(expected), seen(came))
    assert difference.step == "step 0"


def test_a_class_below_the_expected_one_may_have_a_text_of_its_own() -> None:
    assert compare(failed("InternalError"), failed("SessionExpired", "InternalError", text="the session expired")) == []
    assert compare(failed("InternalError"), failed("InternalError", text="another"))
    assert compare(failed("InternalError"), failed("JobNotFound"))
    assert compare(failed("InternalError"), [Observation("step", None)])


def test_a_step_that_was_not_reached_is_a_difference() -> None:
    [difference] = compare(seen(1, 2), seen(1))
    assert "not reached" in str(difference)
