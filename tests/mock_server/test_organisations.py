"""Two organisations in one project: who may do what to whose job, and at whose site.

The project, the cases and the texts are those that the integration tests of the official repository expect of a real
server (its group of tests on authorization); they were read there, and are written anew here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.mock_server.desk import Desk
from tests.support import write_job

SITES = {"site-1": "org_a", "site-2": "org_b", "site-3": "org_b"}
USERS = {
    "super@test.org": ("org_a", "project_admin"),
    "admin@a.org": ("org_a", "org_admin"),
    "admin@b.org": ("org_b", "org_admin"),
    "trainer@a.org": ("org_a", "lead"),
    "trainer@b.org": ("org_b", "lead"),
    "user@a.org": ("org_a", "member"),
    "user@b.org": ("org_b", "member"),
}
SCENARIO: dict[str, Any] = {
    "sites": [{"name": name, "org": org} for name, org in SITES.items()],
    "jobs": [{"queued": 0, "running": "1h"}],
}
SUBMITTER = "trainer@a.org"
DeskOf = Callable[[str], Desk]


@pytest.fixture(scope="module", params=("2.3", "2.6", "2.9"))
def desk_of(request: pytest.FixtureRequest) -> Iterator[DeskOf]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(MockServer(request.param, scenario=SCENARIO))
        yield lambda user: Desk(server, user, *USERS[user])


@pytest.fixture(scope="module")
def job_of_a(desk_of: DeskOf, tmp_path_factory: pytest.TempPathFactory) -> str:
    return submitted(desk_of(SUBMITTER), tmp_path_factory.mktemp("jobs"))


def submitted(desk: Desk, folder: Path) -> str:
    answered = desk.submit(write_job(folder))
    job_id: str = answered["meta"]["job_id"]
    assert answered["data"][0] == {"type": "string", "data": f"Submitted job: {job_id}"}
    return job_id


def refusal(user: str, command: str) -> dict[str, Any]:
    reason = f"user '{user}' is not authorized for '{command}'"
    return {
        "data": [{"type": "error", "data": f"Authorization Error: {reason}"}],
        "meta": {"status": "not_authorized", "info": reason},
    }


@pytest.mark.parametrize("user", USERS)
def test_who_may_submit(desk_of: DeskOf, user: str, tmp_path: Path) -> None:
    if user in {"super@test.org", "trainer@a.org", "trainer@b.org"}:
        assert submitted(desk_of(user), tmp_path)
    else:
        assert desk_of(user).submit(write_job(tmp_path)) == refusal(user, "submit_job")


@pytest.mark.parametrize("user", USERS)
def test_who_may_clone_a_job_of_a_lead(desk_of: DeskOf, job_of_a: str, user: str) -> None:
    answered = desk_of(user).ask(f"clone_job {job_of_a}")
    if user in {"super@test.org", SUBMITTER}:
        assert answered["data"][0]["data"].startswith(f"Cloned job {job_of_a} as: ")
    else:
        assert answered == refusal(user, "clone_job")


@pytest.mark.parametrize("user", USERS)
def test_who_may_abort_a_job_of_a_lead(desk_of: DeskOf, user: str, tmp_path: Path) -> None:
    """The admin of the organisation may, too, and nobody of another one."""
    job_id = submitted(desk_of(SUBMITTER), tmp_path)
    answered = desk_of(user).ask(f"abort_job {job_id}")
    if user in {"super@test.org", "admin@a.org", SUBMITTER}:
        assert answered["meta"]["status"] == "ok", answered
        assert desk_of(user).ask(f"get_job_meta {job_id}")["meta"]["job_meta"]["status"] == "FINISHED:ABORTED"
    else:
        assert answered == refusal(user, "abort_job")


@pytest.mark.parametrize("user", USERS)
def test_everybody_lists_jobs(desk_of: DeskOf, job_of_a: str, user: str) -> None:
    assert job_of_a in {job["job_id"] for job in desk_of(user).ask("list_jobs")["meta"]["jobs"]}


@pytest.mark.parametrize("user", USERS)
def test_who_may_look_into_a_site(desk_of: DeskOf, user: str) -> None:
    printed = "\n".join(item["data"] for item in desk_of(user).ask("ls site-1")["data"] if item["type"] == "string")
    if user in {"super@test.org", "admin@a.org", "trainer@a.org"}:
        expected = ["audit.log", "daemon_pid.fl", "local", "log.txt", "pid.fl", "readme.txt", "startup", "transfer"]
        assert set(expected) <= set(printed.split())
    else:
        assert f"user '{user}' is not authorized for 'ls'" in str(desk_of(user).ask("ls site-1")["data"])
