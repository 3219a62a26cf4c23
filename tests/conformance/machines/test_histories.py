"""Histories of several sessions: which the model explains, and what is left of one that it does not."""

from __future__ import annotations

from typing import Any

from conformance.jobs import JobKind
from conformance.machines.calls import Call, CallOnJob, Definition, ListJobs, Outcome, Raised, Returned, SubmitJob
from conformance.machines.histories import History, judge, script, smallest
from conformance.machines.linearise import Decision, Operation
from conformance.machines.model import Model
from conformance.machines.release import RULES
from conformance.machines.script import Script
from conformance.machines.state import State
from conformance.machines.users import LEAD, PROJECT_ADMIN

MODEL = Model(RULES["2.6"], {"one": PROJECT_ADMIN, "two": PROJECT_ADMIN, "lead": LEAD}, is_ordered=False)
WAITING = Definition(JobKind.WAITING, "a")


def submit(session: str, job_id: str) -> tuple[Call, Outcome]:
    return SubmitJob(session, WAITING, name="waiting-a"), Returned(job_id)


def clone(session: str, source: str, job_id: str) -> tuple[Call, Outcome]:
    return CallOnJob(session, "clone_job", source), Returned(job_id)


def delete(session: str, job_id: str, *, gone: bool = False) -> tuple[Call, Outcome]:
    return CallOnJob(session, "delete_job", job_id), Raised(("JobNotFound",), "") if gone else Returned()


def listed(session: str, *ids: str) -> tuple[Call, Outcome]:
    keys: dict[str, Any] = {"job_name": "waiting-a", "status": "SUBMITTED", "submit_time": "then", "duration": "N/A"}
    return ListJobs(session), Returned([{"job_id": job_id, **keys} for job_id in ids])


def history(*operations: tuple[tuple[Call, Outcome], float, float]) -> History:
    return [Operation(event, called, answered) for event, called, answered in operations]


def decision(*operations: tuple[tuple[Call, Outcome], float, float], state: State | None = None) -> Decision:
    return judge(MODEL, state or State(), history(*operations)).decision


def test_a_list_during_a_submission_may_have_the_job_or_not() -> None:
    for ids in ((), ("1",)):
        assert decision((submit("one", "1"), 0, 3), (listed("two", *ids), 1, 2)) is Decision.LINEARISABLE


def test_a_list_after_a_submission_has_the_job() -> None:
    assert decision((submit("one", "1"), 0, 1), (listed("two"), 2, 3)) is Decision.IMPOSSIBLE


def test_of_two_deletions_at_the_same_time_one_finds_the_job() -> None:
    before = (submit("one", "1"), 0.0, 1.0)
    late = (delete("two", "1", gone=True), 2.0, 5.0)
    assert decision(before, (delete("one", "1"), 2, 5), late) is Decision.LINEARISABLE
    assert decision(before, (delete("one", "1", gone=True), 2, 5), late) is Decision.IMPOSSIBLE
    assert decision(before, (delete("one", "1"), 2, 5), (delete("two", "1"), 2, 5)) is Decision.IMPOSSIBLE


def test_two_sessions_do_not_see_two_submissions_in_opposite_orders() -> None:
    submissions = ((submit("one", "1"), 0.0, 9.0), (submit("two", "2"), 0.0, 9.0))
    first, second = (listed("one", "1"), 1.0, 2.0), (listed("two", "2"), 1.5, 2.5)
    assert decision(*submissions, first) is Decision.LINEARISABLE
    assert decision(*submissions, second) is Decision.LINEARISABLE
    assert decision(*submissions, first, second) is Decision.IMPOSSIBLE


def test_what_has_nothing_to_do_with_it_is_left_out() -> None:
    state = State()
    for event in (submit("one", "old"), submit("one", "older")):
        state = MODEL.step(state, *event)
    lost = history(
        (clone("one", "old", "copy"), 0, 1),
        (submit("one", "1"), 0, 2),
        (listed("lead", "old", "older", "copy", "1"), 3, 4),
        (submit("two", "1"), 1, 3),
        (delete("two", "older"), 5, 6),
        (listed("one", "old", "copy", "1"), 7, 8),
    )
    known, left = smallest(MODEL, state, lost)
    assert known.jobs == ()
    assert [operation.event for operation in left] == [submit("one", "1"), submit("two", "1")]


def test_jobs_that_the_fault_needs_stay_with_their_clones() -> None:
    state = MODEL.step(State(), *submit("one", "old"))
    lost = history((clone("one", "old", "copy"), 0, 1), (listed("two", "old"), 2, 3), (listed("two", "old"), 4, 5))
    known, left = smallest(MODEL, state, lost)
    assert [job.id for job in known.jobs] == ["old"]
    assert len(left) == 2


def test_a_script_says_what_overlapped() -> None:
    before = Script()
    before.add(*submit("one", "old"))
    lines = script(before, history((submit("one", "new"), 0.5, 9.5), (delete("two", "old"), 1.5, 2.5)))
    assert lines == (
        "job1 = one.submit_job('waiting-a')",
        "[ 1 to  4] job2 = one.submit_job('waiting-a')",
        "[ 2 to  3] two.delete_job(job1)",
    )
    assert len(before.lines) == 1
