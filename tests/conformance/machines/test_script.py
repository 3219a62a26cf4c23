"""Scripts: how calls look to a person."""

from __future__ import annotations

from typing import Any

import pytest

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
    MonitorJob,
    OpenSession,
    Raised,
    Returned,
    SubmitJob,
    TryConnect,
    Until,
)
from conformance.machines.script import Script

WAITING = Definition(JobKind.WAITING, "a")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (SubmitJob("admin", WAITING, "t1"), "admin.submit_job('waiting-a', submit_token='t1')"),
        (SubmitJob("admin", Definition(JobKind.QUICK, "b", Fault.NO_FOLDER)), "admin.submit_job('quick-b', no folder)"),
        (CallOnJob("lead", "abort_job", None), "lead.abort_job(None)"),
        (ListJobs("admin"), "admin.list_jobs()"),
        (
            ListJobs("admin", limit=-1, reverse=True, detailed=True),
            "admin.list_jobs(detailed=True, limit=-1, reverse=True)",
        ),
        (MonitorJob("admin", "x", Until.END), "admin.monitor_job('x', cb=never_stop)"),
        (GetSystemInfo("admin"), "admin.get_system_info()"),
        (TryConnect("admin"), "admin.try_connect(5.0)"),
        (CloseSession("admin"), "admin.close()"),
        (OpenSession("admin"), "admin = new_secure_session(...)"),
        (ExpireSessions(), "# the server ends every admin session"),
    ],
)
def test_a_call_is_written_as_python_has_it(call: Call, line: str) -> None:
    assert Script().line(call) == line


def test_jobs_get_names_in_the_order_in_which_they_come() -> None:
    script = Script("f00")
    script.add(SubmitJob("admin", WAITING, "t1-f00"), Returned("0d1e"))
    script.add(CallOnJob("admin", "clone_job", "0d1e"), Returned("2f3a"))
    script.add(SubmitJob("admin", WAITING, "t1-f00"), Returned("0d1e"))
    script.add(CallOnJob("lead", "delete_job", "2f3a"), Raised(("AuthorizationError", "Exception"), "no"))
    assert script.lines == [
        "job1 = admin.submit_job('waiting-a', submit_token='t1')",
        "job2 = admin.clone_job(job1)",
        "admin.submit_job('waiting-a', submit_token='t1')  # job1",
        "lead.delete_job(job2)  # AuthorizationError",
    ]
    assert script.plain("expected '2f3a' named waiting-f00-a") == "expected job2 named waiting-a"


@pytest.mark.parametrize("value", [None, "", 7, [1]])
def test_a_wrong_result_of_a_submission_is_no_job(value: Any) -> None:
    script = Script()
    script.add(SubmitJob("admin", WAITING), Returned(value))
    assert script.lines == ["admin.submit_job('waiting-a')"]
