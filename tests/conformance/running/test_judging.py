"""Verdicts: what counts at once, what is confirmed first, and what the machine may be to blame for."""

from __future__ import annotations

import threading
import time

import pytest

from conformance import catalogue
from conformance.adapters.base import ClientError, ClientFailure
from conformance.judging import BEHIND, judge
from conformance.lag import LagMeter, Waits
from conformance.results import Lag, Verdict
from conformance.timing import measured, not_after
from conformance.verdicts import Inconclusive, TooLate, Unsuitable, Violation
from tests.support import wait_until

CONTRACT = catalogue.find("MON-CB-01")
NO_ANSWER = ClientError(("NoConnection", "ConnectionError", "Exception"), "no answer")


def caused(problem: Exception, cause: Exception) -> Exception:
    problem.__cause__ = cause
    return problem


@pytest.mark.parametrize(
    ("problem", "verdict", "confirm"),
    [
        (None, Verdict.PASSED, False),
        (Violation("a", "b"), Verdict.FAILED, False),
        (TooLate("a", "b"), Verdict.FAILED, True),
        (Inconclusive("why"), Verdict.INCONCLUSIVE, True),
        (Unsuitable("why"), Verdict.SKIPPED, False),
        (ClientError(("KeyError",), "x"), Verdict.FAILED, False),
        (ClientFailure("crashed"), Verdict.FAILED, False),
        (RuntimeError("x"), Verdict.FAILED, False),
    ],
)
def test_the_end_of_a_check(problem: Exception | None, verdict: Verdict, confirm: bool) -> None:
    for behind in (0.0, 10.0):
        outcome = judge(CONTRACT, problem, 1.0, behind)
        assert (outcome.result.verdict, outcome.confirm, outcome.noise) == (verdict, confirm, "")
        assert outcome.settled == outcome.result


@pytest.mark.parametrize("problem", [NO_ANSWER, caused(Violation("an answer", "none"), NO_ANSWER)])
def test_a_client_that_gave_up_waiting_is_excused_by_a_machine_that_was_behind(problem: Exception) -> None:
    quiet, busy = judge(CONTRACT, problem, 1.0, BEHIND / 2), judge(CONTRACT, problem, 1.0, BEHIND)
    assert (quiet.confirm, quiet.settled.verdict) == (False, Verdict.FAILED)
    assert (busy.confirm, busy.result.verdict, busy.settled.verdict) == (True, Verdict.FAILED, Verdict.INCONCLUSIVE)
    assert "while the machine was 0.3 s behind" in busy.settled.message


def test_threads_that_want_the_processor_are_seen_as_lag() -> None:
    ended = threading.Event()

    def burn() -> None:
        while not ended.is_set():
            pass

    threads = [threading.Thread(target=burn) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        with measured() as spent:
            deadline = time.thread_time() + 0.15
            while time.thread_time() < deadline:
                pass
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    # The work took a fraction of the time; the rest went to the other threads, and a good part of it is known to have:
    # who waits for the interpreter and not for a processor is noticed by sleeping threads alone, now and then.
    assert spent.seconds > 0.3
    assert spent.lag > (spent.seconds - 0.15) / 4
    with pytest.raises(Inconclusive):
        not_after(spent, spent.seconds - spent.lag / 2, "it")


def test_a_sleep_is_no_lag() -> None:
    with measured() as spent:
        threading.Event().wait(0.5)
    assert spent.lag < spent.seconds


def test_those_that_measure_do_not_count() -> None:
    meters = [LagMeter(0.001) for _ in range(20)]
    for meter in meters:
        meter.start()
    waits = Waits()
    wait_until(lambda: all(meter.lag != Lag() for meter in meters))
    waits.look()
    counted = set(waits._last)
    for meter in meters:
        meter.stop()
    assert len(counted) < len(meters)


def test_the_lag_of_two_is_the_worse_of_each() -> None:
    assert Lag(1.0, 0.1).joined(Lag(0.5, 0.2)) == Lag(1.0, 0.2)
    meter = LagMeter()
    assert meter.lag == Lag()
    meter.start()
    meter.stop()
    assert meter.behind >= 0
