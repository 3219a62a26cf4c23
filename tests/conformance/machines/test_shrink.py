"""Shrinking: what is left out, what must stay, and when it stops."""

from __future__ import annotations

from collections.abc import Callable

from conformance.jobs import JobKind
from conformance.machines.calls import (
    Call,
    CallOnJob,
    Definition,
    GetSystemInfo,
    ListJobs,
    MadeBy,
    Nth,
    Steps,
    SubmitJob,
)
from conformance.machines.player import KnownJobs
from conformance.machines.shrink import Failure, shrink
from conformance.verdicts import Violation


def numbered(*calls: Call) -> Steps:
    return tuple(enumerate(calls))


def failing(condition: Callable[[list[Call]], bool]) -> Callable[[Steps], Failure | None]:
    """Replays calls in which the fault shows at the end of the first part that meets a condition."""

    def replay(steps: Steps) -> Failure | None:
        calls = [call for _, call in steps]
        for end in range(1, len(calls) + 1):
            if condition(calls[:end]):
                return Failure(steps[:end], Violation("this", "that"))
        return None

    return replay


def shrunk(steps: Steps, condition: Callable[[list[Call]], bool], plays: int = 1000) -> list[Call]:
    replay, left = failing(condition), iter(range(plays))
    first = replay(steps)
    assert first is not None
    return [call for _, call in shrink(first, replay, lambda: next(left, None) is not None).steps]


SUBMIT = SubmitJob("admin", Definition(JobKind.WAITING, "a"))
LIST, INFO = ListJobs("admin"), GetSystemInfo("admin")
DELETE = CallOnJob("admin", "delete_job", MadeBy(0))


def test_calls_that_do_not_matter_are_left_out() -> None:
    steps = numbered(SUBMIT, INFO, LIST, INFO, INFO, DELETE, INFO, INFO, LIST, INFO)
    found = shrunk(steps, lambda calls: DELETE in calls and LIST in calls[calls.index(DELETE) :])
    assert found == [DELETE, LIST]


def test_what_comes_after_the_fault_is_cut() -> None:
    assert shrunk(numbered(LIST, INFO, SUBMIT), lambda calls: INFO in calls) == [INFO]


def test_arguments_that_do_not_matter_become_plain() -> None:
    call = ListJobs("lead", detailed=True, limit=2, reverse=True)
    found = shrunk(numbered(INFO, call), lambda calls: any(isinstance(one, ListJobs) and one.limit for one in calls))
    assert found == [ListJobs("lead", limit=2)]
    odd = SubmitJob("admin", Definition(JobKind.WAITING, "ab"), "t1")
    assert shrunk(numbered(odd), lambda calls: any(isinstance(one, SubmitJob) for one in calls)) == [SUBMIT]


def test_it_stops_when_it_is_told_to() -> None:
    steps = numbered(*[INFO] * 9, LIST)
    assert len(shrunk(steps, lambda calls: LIST in calls, plays=0)) == 10
    assert 1 < len(shrunk(steps, lambda calls: LIST in calls, plays=1)) < 10


def test_a_fault_that_does_not_come_again_is_not_taken() -> None:
    first, answers = Failure(numbered(INFO, LIST), Violation("this", "that")), iter([True, False] * 10)

    def replay(steps: Steps) -> Failure | None:
        return Failure(steps, first.violation) if next(answers) else None

    assert shrink(first, replay, lambda: True) == first


def test_jobs_are_named_by_the_calls_that_made_them() -> None:
    known = KnownJobs()
    known.add(3, "first")
    known.add(7, "second")
    known.add(9, "first")  # a token gave the job of before
    assert known.ids == ["first", "second"]
    assert known.fixed(CallOnJob("admin", "delete_job", Nth(0))) == CallOnJob("admin", "delete_job", MadeBy(7))
    assert known.fixed(CallOnJob("admin", "delete_job", Nth(3))) == CallOnJob("admin", "delete_job", MadeBy(3))
    assert known.find(MadeBy(3)) == "first"
    assert known.find(MadeBy(4)) is None
    assert KnownJobs().find(Nth(0)) is None
