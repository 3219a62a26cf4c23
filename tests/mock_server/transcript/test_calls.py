"""What came, command by command, and failures that say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import JobNotFound, Session, new_secure_session
from mock_server import CallError, MockServer
from tests.support import JobMaker


@pytest.fixture(params=["2.3", "2.6", "2.9"])
def server(request: pytest.FixtureRequest, workspace: Callable[[], Path]) -> Iterator[MockServer]:
    with MockServer(request.param, workspace=workspace()) as running:
        yield running


@pytest.fixture
def session(server: MockServer) -> Iterator[Session]:
    with new_secure_session("admin@nvidia.com", str(server.kit())) as opened:
        yield opened


def test_a_submission_is_told_with_its_upload(server: MockServer, session: Session, make_job: JobMaker) -> None:
    session.submit_job(str(make_job("hello")))
    call = server.calls.require_once("submit_job", "hello")
    assert call.user == "admin@nvidia.com"
    assert call.status == "ok"
    assert not call.is_refused
    assert call.session.startswith("<session ")
    assert (call.upload_size is None) == (server.release == "2.3")
    assert server.calls.require("submit_job", user="admin@nvidia.com") == [call]
    server.calls.require_none("submit_job", user="lead@nvidia.com")


def test_a_refusal_is_told_with_its_text(server: MockServer, session: Session) -> None:
    with pytest.raises(JobNotFound):
        session.get_job_meta("nope")
    call = server.calls.require_once("get_job_meta", "nope")
    assert call.is_refused
    assert "nope" in call.error


def test_a_failure_lists_what_came(server: MockServer, session: Session) -> None:
    session.list_jobs(name_prefix="a")
    session.list_jobs(name_prefix="b")
    with pytest.raises(CallError, match=r"expected list_jobs once, but it came 2 times") as failure:
        server.calls.require_once("list_jobs")
    assert "list_jobs -n a by admin@nvidia.com: ok" in str(failure.value)
    with pytest.raises(CallError, match=r"expected abort_job x at least once, but it came 0 times"):
        server.calls.require("abort_job", "x")
    with pytest.raises(CallError, match="it came 2 times"):
        server.calls.require_none("list_jobs")
    assert len(server.calls.require("list_jobs", times=2)) == 2


def test_order_is_demanded_by_names(server: MockServer, session: Session) -> None:
    session.list_jobs()
    session.get_system_info()
    server.calls.require_order("_cert_login", "_commands", "list_jobs", "check_status")
    with pytest.raises(CallError, match="expected list_jobs after check_status"):
        server.calls.require_order("check_status", "list_jobs")
    with pytest.raises(CallError, match="expected abort_job, but"):
        server.calls.require_order("abort_job")


def test_a_demand_on_every_call_names_the_one_that_breaks_it(server: MockServer, session: Session) -> None:
    session.list_jobs()
    server.calls.require_that(lambda call: call.user == "admin@nvidia.com", "one user")
    with pytest.raises(CallError, match=r"expected no list_jobs of every command, but got: list_jobs"):
        server.calls.require_that(lambda call: call.name != "list_jobs", "no list_jobs")


def test_calls_can_be_forgotten(server: MockServer, session: Session) -> None:
    assert len(server.calls) >= 2
    server.calls.clear()
    with pytest.raises(CallError, match="no command came at all"):
        server.calls.require("list_jobs")
    session.list_jobs()
    assert [call.name for call in server.calls] == ["list_jobs"]
