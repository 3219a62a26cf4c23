"""From looks at a job to the steps that the mock takes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conformance.recordings.calls import Call, MachineTime, Outcome, Seen
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import WATCH
from conformance.recordings.sightings import NoCourse, SeenJob, Sighting, collect, course, first_look, seconds_of

TIMES = {"submit_time_iso": "2026-01-01T10:00:00+00:00", "start_time": "2026-01-01 10:00:02.000000"}


def job(*looks: tuple[float, str], **more: Any) -> SeenJob:
    return SeenJob("<job 1>", sightings=[Sighting(at, status) for at, status in looks], **more)


def steps(seen: SeenJob) -> list[tuple[str, float, str]]:
    return [(step.origin.value, step.delay, step.to.value) for step in course(seen)]


def test_a_job_that_was_there_takes_its_steps_at_once() -> None:
    seen = job((0.0, "FINISHED:COMPLETED"), meta={**TIMES, "duration": "0:00:05"})
    assert steps(seen) == [
        ("SUBMITTED", 0.0, "DISPATCHED"),
        ("DISPATCHED", 0.0, "RUNNING"),
        ("RUNNING", 0.0, "FINISHED:COMPLETED"),
    ]


def test_one_that_never_ran_does_not_run() -> None:
    assert steps(job((0.0, "FINISHED:ABORTED"), meta={"start_time": ""})) == [("SUBMITTED", 0.0, "FINISHED:ABORTED")]


def test_a_step_is_taken_when_the_server_says() -> None:
    looks = ((1.0, "SUBMITTED"), (2.0, "SUBMITTED"), (4.0, "RUNNING"), (5.0, "RUNNING"), (9.0, "FINISHED:COMPLETED"))
    seen = job(*looks, made=1.0, meta={**TIMES, "duration": "0:00:04.5"})
    assert steps(seen) == [
        ("SUBMITTED", 2.0, "DISPATCHED"),  # at 3 s: submitted at 1 s, and started two seconds later
        ("DISPATCHED", 0.00001, "RUNNING"),
        ("RUNNING", 4.49999, "FINISHED:COMPLETED"),
    ]


@pytest.mark.parametrize("told", ["0:00:00", "1:00:00", "N/A"])
def test_and_never_against_what_was_seen(told: str) -> None:
    seen = job((0.0, "SUBMITTED"), (5.0, "RUNNING"), (6.0, "RUNNING"), (8.0, "FINISHED:COMPLETED"), made=0.0)
    seen.meta = {**TIMES, "duration": told}
    moments = []
    now = 0.0
    for step in course(seen):
        now += step.delay
        moments.append((step.to.value, now))
    ended = dict(moments)["FINISHED:COMPLETED"]
    assert 0.0 < dict(moments)["RUNNING"] <= 5.0
    assert 6.0 < ended <= 8.0


def test_what_the_recording_stopped_ends_by_that() -> None:
    seen = job((0.0, "SUBMITTED"), (2.0, "RUNNING"), (4.0, "FINISHED:ABORTED"), made=0.0, stopped=2)
    assert [step[2] for step in steps(seen)] == ["DISPATCHED", "RUNNING"]


def test_running_that_is_written_late_and_jobs_that_are_lost() -> None:
    late = job((0.0, "FINISHED:COMPLETED"), (2.0, "RUNNING"), meta=TIMES)
    assert steps(late)[-1] == ("FINISHED:COMPLETED", 1.0, "RUNNING")
    lost = job((0.0, "RUNNING"), lost=True)
    assert [step[2] for step in steps(lost)] == ["DISPATCHED", "RUNNING", "FINISHED:ABANDONED", "RUNNING"]


@pytest.mark.parametrize(
    ("looks", "told"), [(((0.0, "PAUSED"),), "PAUSED"), (((0.0, "RUNNING"), (1.0, "SUBMITTED")), "from RUNNING")]
)
def test_a_way_that_the_mock_does_not_have_is_told(looks: tuple[tuple[float, str], ...], told: str) -> None:
    with pytest.raises(NoCourse, match=told):
        course(job(*looks))


def test_the_first_look_of_the_scheduler_lies_between_two_metas() -> None:
    seen = SeenJob("<job 1>", made=1.0, sightings=[Sighting(1.0, "SUBMITTED", False), Sighting(3.0, "SUBMITTED", True)])
    assert first_look(seen) == 1.0
    assert first_look(SeenJob("<job 1>", made=1.0, sightings=[Sighting(1.0, "SUBMITTED", False)])) is None


def test_answers_tell_of_jobs() -> None:
    hiding = Hiding()
    meta = {"job_id": "b", "name": "n", "status": "RUNNING", "submit_time": 1.0, "schedule_count": 1}
    outcomes = [
        Outcome(Call("list_jobs"), 0.0, [{"job_id": "a", "job_name": "old", "status": "RUNNING", "submit_time": ""}]),
        Outcome(Call("get_system_info"), 0.5, {"job_info": [], "client_info": []}),
        Outcome(Call("submit_job", ("<definition quick>",)), 1.0, "b"),
        Outcome(Call(WATCH, ("<job 2>",)), 1.5, [Seen("SUBMITTED", 1.5, 2.0), Seen("RUNNING", 2.5, 2.5)]),
        Outcome(Call("get_job_meta", ("<job 2>",)), 3.0, meta),
        Outcome(Call("abort_job", ("<job 2>",)), 4.0, None),
    ]
    assert [hiding.name_of(one) for one in ("a", "b")] == ["<job 1>", "<job 2>"]
    old, own = collect(outcomes, hiding)
    assert (old.name, old.lost, old.made) == ("<job 1>", True, None)
    assert (own.made, own.stopped, own.definition, own.job_name) == (1.0, 5, "<definition quick>", "n")
    assert [(one.at, one.status) for one in own.sightings] == [
        (1.0, "SUBMITTED"),
        (1.5, "SUBMITTED"),
        (2.0, "SUBMITTED"),
        (2.5, "RUNNING"),
        (3.0, "RUNNING"),
    ]


def test_the_end_by_an_abort_is_told_from_an_end_of_its_own_by_the_order_of_calls() -> None:
    hiding = Hiding()
    hiding.name_of("a")
    outcomes = [
        Outcome(Call("submit_job", ("<definition long>",)), 1.0, "a"),
        Outcome(Call(WATCH, ("<job 1>",)), 2.0, [Seen("RUNNING", 2.0, 2.0)]),
        # A machine so fast, or a clock so coarse, that all of it has one time.
        Outcome(Call("abort_job", ("<job 1>",)), 2.0, None),
        Outcome(Call(WATCH, ("<job 1>",)), 2.0, [Seen("FINISHED:ABORTED", 2.0, 2.0)]),
        Outcome(Call("abort_job", ("<job 1>",)), 2.0, None),
    ]
    (seen,) = collect(outcomes, hiding)
    assert [step[2] for step in steps(seen)] == ["DISPATCHED", "RUNNING"]


def test_no_two_calls_have_the_same_time() -> None:
    clock = MachineTime()
    times = []
    for _ in range(100):
        spent = time.monotonic() + 0.0002  # less than a call takes
        while time.monotonic() < spent:
            pass
        times.append(clock.now())
    assert len(set(times)) == len(times)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:00:03.5", 3.5), ("1 day, 0:01:00", 86460.0), ("N/A", None), ("", None)]
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds
