"""Clocks: one that goes by itself, one that is moved."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import LATEST, Clock, ManualClock, RealClock, ScaledClock, SkewedClock, read_clock


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


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("250ms", 0.25), (3, 3)])
def test_a_manual_clock_reads_durations(text: str | float, seconds: float) -> None:
    assert ManualClock(0.0).advance(text) == seconds


def test_who_sleeps_on_a_manual_clock_moves_it() -> None:
    clock = ManualClock(100.0)
    clock.sleep(5)
    clock.sleep(-1)
    assert (clock.time(), clock.monotonic()) == (105.0, 5.0)
    assert (clock.advance_to(90), clock.advance_to(110)) == (105.0, 110.0)


def test_two_who_sleep_from_the_same_moment_sleep_at_the_same_time() -> None:
    clock = ManualClock(0.0)
    together = threading.Barrier(2)

    def sleep(seconds: float) -> None:
        begun = clock.time()
        together.wait()
        clock.advance_to(begun + seconds)

    threads = [threading.Thread(target=sleep, args=(seconds,)) for seconds in (10, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.time() == 10


def test_followers_are_told_of_each_move_until_they_have_enough() -> None:
    clock = ManualClock(0.0)
    seen: list[float] = []
    end = clock.follow(lambda: seen.append(clock.time()))
    clock.advance(1)
    clock.sleep(1)
    end()
    end()
    clock.advance(1)
    assert seen == [1, 2]


def test_a_scaled_clock_goes_faster() -> None:
    clock, started = ScaledClock(1000.0, 50.0), time.monotonic()
    clock.sleep(20)
    passed = (time.monotonic() - started) * 1000
    assert 70 <= clock.time() <= 50 + passed + 1000
    assert clock.monotonic() == pytest.approx(clock.time() - 50, abs=5000)
    until = clock.real_seconds_until(clock.time() + 10_000)
    assert until is not None
    assert until <= 10


def test_what_comes_by_itself_and_what_does_not() -> None:
    manual, real = ManualClock(10.0), RealClock()
    assert (manual.real_seconds_until(10), manual.real_seconds_until(11)) == (0, None)
    assert real.real_seconds_until(0) == 0
    skewed = SkewedClock(manual)
    skewed.skew = 5
    assert (skewed.time(), skewed.real_seconds_until(15), skewed.real_seconds_until(16)) == (15, 0, None)


@pytest.mark.parametrize(
    ("text", "kind"), [("real", RealClock), ("virtual", ManualClock), ("x100", ScaledClock), ("x0.5", ScaledClock)]
)
def test_clocks_have_names(text: str, kind: type[Clock]) -> None:
    assert type(read_clock(text, 7.0)) is kind


def test_no_clock_is_beyond_what_has_a_date() -> None:
    clock = ManualClock(LATEST - 10)
    for move in (lambda: clock.advance(11), lambda: clock.advance_to(LATEST + 1), lambda: clock.sleep(float("inf"))):
        with pytest.raises(ValueError, match="expected a time up to 253370764800, the end of the year 9998"):
            move()
    with pytest.raises(ValueError, match="expected 0 seconds or more"):
        clock.advance(float("nan"))
    assert clock.time() == LATEST - 10
    assert clock.advance(10) == LATEST
    fast = ScaledClock(1e9, LATEST - 1)
    fast.sleep(10)
    assert fast.time() == LATEST


@pytest.mark.parametrize("text", ["", "fast", "x", "100", "x-1", "x0", "x1" + "0" * 400])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a (clock|speed)"):
        read_clock(text)
