"""Clocks: one that goes by itself, one that is moved."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import ManualClock, RealClock


def test_the_real_clock_is_the_machines() -> None:
    before = time.time()
    assert before <= RealClock().time() <= time.time()


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock(5.0)
    assert [clock.time(), clock.time()] == [5.0, 5.0]


@given(st.lists(st.integers(0, 10_000)))
def test_a_manual_clock_goes_as_far_as_it_is_moved(steps: list[int]) -> None:
    clock = ManualClock(0.0)
    for step in steps:
        assert clock.advance(step) == clock.time()
    assert clock.time() == sum(steps)


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock(5.0)
    with pytest.raises(ValueError, match=r"expected 0 seconds or more.*but got -1"):
        clock.advance(-1)
    assert clock.time() == 5.0
