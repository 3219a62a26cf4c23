"""The model: what it lets pass, what it refuses, and what it learns from an answer."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.contract import RELEASES
from conformance.jobs import JobKind
from conformance.machines.calls import (
    Call,
    CallOnJob,
    CloseSession,
    Definition,
    ExpireSessions,
    Fault,
    GetSystemInfo,
    ListJobs,
    Monitored,
    MonitorJob,
    OpenSession,
    Outcome,
    Raised,
    Returned,
    SubmitJob,
    TryConnect,
    Until,
)
from conformance.machines.model import Impossible, Model
from conformance.machines.phases import Phase, ends, settle
from conformance.machines.release import RULES
from conformance.machines.state import State
from conformance.machines.users import LEAD, MEMBER, ORG_ADMIN, OTHER_LEAD, PROJECT_ADMIN, User, may

USERS = {"admin": PROJECT_ADMIN, "lead": LEAD, "other": OTHER_LEAD, "orgadmin": ORG_ADMIN, "member": MEMBER}
WAITING, LONG, QUICK = (Definition(kind, "a") for kind in (JobKind.WAITING, JobKind.LONG, JobKind.QUICK))


def model(release: str = "2.6") -> Model:
    return Model(RULES[release], USERS)


def after(*steps: tuple[Call, Outcome], release: str = "2.6", state: State | None = None) -> State:
    state = state or State()
    for call, outcome in steps:
        state = model(release).step(state, call, outcome)
    return state


def submitted(
    definition: Definition = WAITING, job_id: str = "1", session: str = "admin", token: str | None = None
) -> tuple[Call, Outcome]:
    return SubmitJob(session, definition, token, definition.name), Returned(job_id)


def on(method: str, job_id: Any = "1", session: str = "admin") -> CallOnJob:
    return CallOnJob(session, method, job_id)


def raised(name: str) -> Raised:
    return Raised((name, "Exception", "BaseException", "object"), "")


def meta(status: str, job_id: str = "1", name: str = "waiting-a", user: User = PROJECT_ADMIN, **more: Any) -> Any:
    return {
        "job_id": job_id,
        "name": name,
        "job_folder_name": name,
        "submitter_name": user.name,
        "submitter_org": user.org,
        "submitter_role": user.role,
        "submit_time_iso": f"time of {job_id}",
        "status": status,
        **more,
    }


def entry(status: str, job_id: str = "1", name: str = "waiting-a") -> Any:
    return {
        "job_id": job_id,
        "job_name": name,
        "status": status,
        "submit_time": f"time of {job_id}",
        "duration": "N/A",
    }


def phases(state: State, job_id: str = "1") -> set[Phase]:
    job = state.find(job_id)
    assert job is not None
    return set(job.phases)


# --- phases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (WAITING, {Phase.SUBMITTED}),
        (LONG, {Phase.SUBMITTED, Phase.DISPATCHED, Phase.RUNNING}),
        (QUICK, {Phase.SUBMITTED, Phase.DISPATCHED, Phase.RUNNING, Phase.COMPLETED}),
    ],
)
def test_a_new_job_may_be_as_far_as_its_kind_goes(definition: Definition, expected: set[Phase]) -> None:
    assert phases(after(submitted(definition))) == expected


def test_what_is_seen_narrows_and_never_goes_back() -> None:
    state = after(submitted(QUICK), (on("get_job_meta"), Returned(meta("RUNNING", name="quick-a"))))
    assert phases(state) == {Phase.RUNNING, Phase.COMPLETED}
    with pytest.raises(Impossible, match="FINISHED:COMPLETED or RUNNING as the status of 1, not SUBMITTED"):
        after((on("get_job_meta"), Returned(meta("SUBMITTED", name="quick-a"))), state=state)


def test_the_end_of_a_long_job_is_an_abort() -> None:
    state = after(submitted(LONG), (on("get_job_meta"), Returned(meta("RUNNING", name="long-a"))))
    with pytest.raises(Impossible):
        after((on("get_job_meta"), Returned(meta("FINISHED:COMPLETED", name="long-a"))), state=state)
    state = after((on("abort_job"), Returned()), state=state)
    assert phases(state) == {Phase.STOPPING, Phase.ABORTED}


def test_which_jobs_end_by_themselves() -> None:
    assert ends(JobKind.QUICK, settle(JobKind.QUICK, {Phase.SUBMITTED}))
    assert not ends(JobKind.LONG, settle(JobKind.LONG, {Phase.SUBMITTED}))
    assert ends(JobKind.LONG, settle(JobKind.LONG, {Phase.STOPPING}))
    assert not ends(JobKind.WAITING, frozenset({Phase.SUBMITTED}))


# --- commands -------------------------------------------------------------------------------------------------------


def test_a_deleted_job_is_gone() -> None:
    state = after(submitted(), (on("delete_job"), Returned()))
    for method in ("get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result"):
        assert after((on(method), raised("JobNotFound")), state=state) == state
        with pytest.raises(Impossible, match="JobNotFound"):
            after((on(method), Returned("2")), state=state)
    with pytest.raises(Impossible, match="none at all"):
        after((ListJobs("admin"), Returned([entry("SUBMITTED")])), state=state)


@pytest.mark.parametrize("job_id", [None, "", 5, "no-such-job"])
def test_a_wrong_id_is_no_job(job_id: Any) -> None:
    assert after((on("abort_job", job_id), raised("JobNotFound"))) == State()
    assert after((MonitorJob("admin", job_id, Until.FIRST), raised("JobNotFound"))) == State()


def test_the_id_of_a_new_job_is_new() -> None:
    with pytest.raises(Impossible, match="the id of a new job"):
        after(submitted(), submitted())
    with pytest.raises(Impossible, match="the id of a new job"):
        after(submitted(), (on("delete_job"), Returned()), submitted())


def test_a_running_job_is_not_deleted() -> None:
    state = after(submitted(LONG), (on("get_job_meta"), Returned(meta("RUNNING", name="long-a"))))
    assert after((on("delete_job"), raised("JobNotDone")), state=state) == state
    with pytest.raises(Impossible, match="JobNotDone"):
        after((on("delete_job"), Returned()), state=state)
    with pytest.raises(Impossible, match="to be deleted"):
        after(submitted(), (on("delete_job"), raised("JobNotDone")))


def test_a_refused_deletion_tells_that_the_job_runs() -> None:
    assert Phase.SUBMITTED not in phases(after(submitted(LONG), (on("delete_job"), raised("JobNotDone"))))


@pytest.mark.parametrize(
    ("release", "value"), [("2.7", None), ("2.8", {"job_id": "1", "submit_records_marked_deleted": 0})]
)
def test_what_a_deletion_returns(release: str, value: Any) -> None:
    after(submitted(), (on("delete_job"), Returned(value)), release=release)
    with pytest.raises(Impossible):
        after(submitted(), (on("delete_job"), Returned("deleted")), release=release)


def test_what_an_abort_says_tells_where_the_job_was() -> None:
    before = "Aborted the job 1 before running it."
    state = after(submitted(LONG), (on("abort_job"), Returned(before)), release="2.9")
    assert phases(state) == {Phase.ABORTED}
    with pytest.raises(Impossible, match="already completed"):
        after((on("abort_job"), Returned(before)), release="2.9", state=state)
    with pytest.raises(Impossible, match="None"):
        after(submitted(), (on("abort_job"), Returned(before)), release="2.6")


def test_a_clone_is_the_callers() -> None:
    state = after(submitted(session="lead"), (on("clone_job"), Returned("2")))
    after((on("get_job_meta", "2"), Returned(meta("SUBMITTED", "2", cloned_from="1"))), state=state)
    with pytest.raises(Impossible, match="cloned_from='1'"):
        after((on("get_job_meta", "2"), Returned(meta("SUBMITTED", "2"))), state=state)
    with pytest.raises(Impossible, match="submitter_name='admin@nvidia.com'"):
        after((on("get_job_meta", "2"), Returned(meta("SUBMITTED", "2", user=LEAD, cloned_from="1"))), state=state)


def test_the_time_of_submission_stays() -> None:
    state = after(submitted(), (ListJobs("admin"), Returned([entry("SUBMITTED")])))
    with pytest.raises(Impossible, match="time of 1 as the time of submission"):
        after((on("get_job_meta"), Returned({**meta("SUBMITTED"), "submit_time_iso": "later"})), state=state)


@pytest.mark.parametrize(("release", "names"), [("2.3", ["1", "1", "1"]), ("2.4", ["1", "1__1", "1__2"])])
def test_where_downloads_go(release: str, names: list[str]) -> None:
    state = after(submitted(), (on("abort_job"), Returned()), release=release)
    for name in names:
        state = after((on("download_job_result"), Returned(f"/kit/transfer/{name}")), release=release, state=state)
    with pytest.raises(Impossible, match="a folder"):
        after((on("download_job_result"), Returned("/kit/transfer/2")), release=release, state=state)


def test_the_result_of_a_job_that_waits() -> None:
    after(submitted(), (on("download_job_result"), Returned("/kit/1")), release="2.7")
    after(submitted(), (on("download_job_result"), raised("JobNotDone")), release="2.8")
    with pytest.raises(Impossible, match="JobNotDone"):
        after(submitted(), (on("download_job_result"), Returned("/kit/1")), release="2.8")


def test_a_bad_definition_makes_no_job() -> None:
    for fault in Fault:
        bad = SubmitJob("admin", Definition(JobKind.WAITING, "a", fault))
        assert after((bad, raised("InvalidJobDefinition"))) == State()
    # The right comes before the definition, but after what the client finds itself.
    refused = SubmitJob("member", Definition(JobKind.WAITING, "a", Fault.BAD_RESOURCES))
    after((refused, raised("AuthorizationError")))
    after((SubmitJob("member", Definition(JobKind.WAITING, "a", Fault.NO_FOLDER)), raised("InvalidJobDefinition")))


def test_a_job_that_never_starts_is_not_among_the_running_ones() -> None:
    info = {"server_info": {}, "client_info": [], "job_info": [{"app_name": "app", "job_id": "1"}]}
    after(submitted(LONG), (GetSystemInfo("admin"), Returned(info)))
    with pytest.raises(Impossible, match="never started"):
        after(submitted(), (GetSystemInfo("admin"), Returned(info)))


@pytest.mark.parametrize(
    ("until", "statuses", "code"),
    [
        (Until.FIRST, ["SUBMITTED"], "ENDED_BY_CB"),
        (Until.STARTED, ["SUBMITTED", "RUNNING"], "ENDED_BY_CB"),
        (Until.END, ["SUBMITTED", "RUNNING", "FINISHED:COMPLETED"], "JOB_FINISHED"),
        (Until.END, ["SUBMITTED", "RUNNING"], "TIMEOUT"),
    ],
)
def test_how_a_monitor_ends(until: Until, statuses: list[str], code: str) -> None:
    metas = tuple(meta(status, name="quick-a") for status in statuses)
    after(submitted(QUICK), (MonitorJob("admin", "1", until), Returned(Monitored(code, metas))))
    with pytest.raises(Impossible):
        after(submitted(QUICK), (MonitorJob("admin", "1", until), Returned(Monitored("OTHER", metas))))


def test_a_monitor_that_shows_a_status_of_before() -> None:
    metas = (meta("RUNNING", name="quick-a"), meta("SUBMITTED", name="quick-a"))
    with pytest.raises(Impossible, match="not SUBMITTED"):
        after(submitted(QUICK), (MonitorJob("admin", "1", Until.END), Returned(Monitored("TIMEOUT", metas))))


# --- lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "1 2 3"),
        ({"reverse": True}, "3 2 1"),
        ({"limit": 2}, "2 3"),
        ({"limit": 2, "reverse": True}, "3 2"),
        ({"limit": 0}, "1 2 3"),
        ({"limit": -1}, "2 3"),
        ({"limit": -1, "reverse": True}, "3 2"),
        ({"limit": -5}, ""),
        ({"limit": 9}, "1 2 3"),
        ({"name_prefix": "WAITING-B"}, "2 3"),
        ({"name_prefix": "waiting-b", "limit": 1}, "3"),
        ({"id_prefix": "2"}, "2"),
        ({"id_prefix": "2", "name_prefix": "waiting-a"}, ""),
        ({"name_prefix": "aiting"}, ""),
    ],
)
def test_which_jobs_a_list_has(options: dict[str, Any], expected: str) -> None:
    names = {"1": "a", "2": "b", "3": "bb"}
    made = [submitted(Definition(JobKind.WAITING, tail), job_id) for job_id, tail in names.items()]
    found = [entry("SUBMITTED", job_id, f"waiting-{names[job_id]}") for job_id in expected.split()]
    state = after(*made)
    after((ListJobs("admin", **options), Returned(found)), state=state)
    wrong = found[:-1] if found else [entry("SUBMITTED")]
    with pytest.raises(Impossible, match="the jobs"):
        after((ListJobs("admin", **options), Returned(wrong)), state=state)


@pytest.mark.parametrize(
    "wrong", [{"detailed": 1}, {"reverse": "no"}, {"limit": "2"}, {"id_prefix": 3}, {"name_prefix": 3}]
)
def test_arguments_of_the_wrong_type(wrong: dict[str, Any]) -> None:
    after((ListJobs("admin", **wrong), raised("ValueError")))
    with pytest.raises(Impossible, match="ValueError"):
        after((ListJobs("admin", **wrong), Returned([])))


def test_the_order_can_be_left_open() -> None:
    state = after(submitted(), submitted(job_id="2"))
    found = Returned([entry("SUBMITTED", "2"), entry("SUBMITTED", "1")])
    with pytest.raises(Impossible, match="in this order"):
        model().step(state, ListJobs("admin"), found)
    Model(RULES["2.6"], USERS, is_ordered=False).step(state, ListJobs("admin"), found)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_stands_for_a_definition_of_a_user() -> None:
    first = submitted(session="lead", token="t")
    state = after(first, release="2.9")
    assert after(first, release="2.9", state=state) == state
    other = SubmitJob("lead", Definition(JobKind.WAITING, "b"), "t", "waiting-b")
    after((other, raised("SubmitTokenConflict")), release="2.9", state=state)
    with pytest.raises(Impossible, match="for which the token stands"):
        after(submitted(session="lead", token="t", job_id="2"), release="2.9", state=state)
    assert len(after(submitted(token="t", job_id="2"), release="2.9", state=state).jobs) == 2


def test_a_token_outlives_its_job() -> None:
    deleted = Returned({"job_id": "1", "submit_records_marked_deleted": 1})
    state = after(submitted(token="t"), (on("delete_job"), deleted), release="2.9")
    after((submitted(token="t")[0], raised("SubmitTokenJobDeleted")), release="2.9", state=state)
    after((ListJobs("admin", token="t"), raised("SubmitTokenJobDeleted")), release="2.9", state=state)
    after((ListJobs("lead", token="t"), Returned([])), release="2.9", state=state)


# --- users and sessions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["abort_job", "delete_job", "download_job_result"])
def test_who_may_manage_a_job(method: str) -> None:
    assert [name for name, user in USERS.items() if may(user, method, LEAD)] == ["admin", "lead", "orgadmin"]
    assert [name for name, user in USERS.items() if may(user, method, OTHER_LEAD)] == ["admin", "other"]


def test_who_may_submit_and_clone() -> None:
    assert [name for name, user in USERS.items() if may(user, "submit_job")] == ["admin", "lead", "other"]
    assert [name for name, user in USERS.items() if may(user, "clone_job", LEAD)] == ["admin", "lead"]


def test_the_job_is_looked_for_before_the_right() -> None:
    state = after(submitted(session="lead"))
    assert after((on("delete_job", session="other"), raised("AuthorizationError")), state=state) == state
    after((on("delete_job", "2", session="other"), raised("JobNotFound")), state=state)
    after((on("get_job_meta", session="member"), Returned(meta("SUBMITTED", user=LEAD))), state=state)


def test_a_closed_session_answers_nothing() -> None:
    state = after((OpenSession("admin"), Returned()), (CloseSession("admin"), Returned()))
    for call in (ListJobs("admin"), on("abort_job"), TryConnect("admin"), GetSystemInfo("admin")):
        after((call, raised("SessionClosed")), state=state)
    after((on("abort_job", None), raised("JobNotFound")), state=state)
    after((CloseSession("admin"), Returned()), state=state)
    after((OpenSession("admin"), Returned()), (ListJobs("admin"), Returned([])), state=state)


@pytest.mark.parametrize(("release", "name"), [("2.6", "InternalError"), ("2.9", "SessionClosed")])
def test_an_expired_session(release: str, name: str) -> None:
    state = after((OpenSession("admin"), Returned()), (ExpireSessions(), Returned()), release=release)
    after((ListJobs("admin"), raised(name)), release=release, state=state)
    with pytest.raises(Impossible, match=name):
        after((ListJobs("admin"), Returned([])), release=release, state=state)


def test_every_release_has_rules() -> None:
    assert tuple(RULES) == RELEASES
