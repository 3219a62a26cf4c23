"""Scenarios and clocks on a server that clients talk to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flare_client import MonitorReturnCode, Session, SessionExpired, new_secure_session
from mock_server import ManualClock, MockServer, RealClock, ScaledClock, ScenarioError
from tests.mock_server.desk import Desk
from tests.support import ALL_RELEASES, JobMaker, wait_until

ADMIN = "admin@nvidia.com"
BOTH = ("2.6", "2.9")


def opened(server: MockServer) -> Session:
    session = new_secure_session(ADMIN, str(server.kit(ADMIN)))
    session.clock = server.clock
    return session


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_day_of_monitoring_passes_in_no_time(release: str, workspace: Callable[[], Path], make_job: JobMaker) -> None:
    scenario = {"jobs": [{"running": "30h"}]}
    with (
        MockServer(release, scenario=scenario, clock="virtual", workspace=workspace()) as server,
        opened(server) as session,
    ):
        job_id = session.submit_job(str(make_job()))
        begun, started = server.clock.time(), time.monotonic()
        assert session.monitor_job(job_id, timeout=86400, poll_interval=600) is MonitorReturnCode.TIMEOUT
        assert 86400 < server.clock.time() - begun <= 86400 + 2 * 600
        assert session.monitor_job(job_id, timeout=86400, poll_interval=600) is MonitorReturnCode.JOB_FINISHED
        assert time.monotonic() - started < 30 * 3600 / 100, "it was not waited for"
        assert session.get_job_meta(job_id)["duration"].startswith("1 day, 6:00:00")


@pytest.mark.parametrize("clock", ["virtual", "x1000", "real"])
def test_wait_until_moves_a_virtual_clock_and_waits_on_others(
    clock: str, workspace: Callable[[], Path], make_job: JobMaker
) -> None:
    scenario = {"jobs": [{"queued": "100ms", "running": "300ms"}]}
    with MockServer("2.6", scenario=scenario, clock=clock, workspace=workspace()) as server, opened(server) as session:
        job_id = session.submit_job(str(make_job()))
        if clock == "virtual":
            assert server.wait_until(job_id, "RUNNING")["status"] == "RUNNING"
        assert server.wait_until(job_id, "FINISHED")["status"] == "FINISHED:COMPLETED"
        with pytest.raises(TimeoutError, match=rf"expected job {job_id} to be RUNNING, but it is FINISHED:COMPLETED"):
            server.wait_until(job_id, "RUNNING", timeout="50ms")
        with pytest.raises(KeyError):
            server.wait_until("none", "RUNNING")
        with pytest.raises(ValueError, match="expected a status of FINISHED, SUBMITTED"):
            server.wait_until(job_id, "DONE")


def test_a_virtual_clock_on_which_nothing_more_will_happen_is_not_waited_on(
    workspace: Callable[[], Path], make_job: JobMaker
) -> None:
    scenario: dict[str, Any] = {"jobs": [{"stages": []}]}
    with (
        MockServer("2.6", scenario=scenario, clock="virtual", workspace=workspace()) as server,
        opened(server) as session,
    ):
        job_id = session.submit_job(str(make_job()))
        with pytest.raises(TimeoutError, match="it is RUNNING: nothing more will happen by itself"):
            server.wait_until(job_id, "FINISHED:COMPLETED")


@pytest.mark.parametrize("release", BOTH)
def test_a_restart_of_the_scenario_ends_sessions_and_jobs(
    release: str, workspace: Callable[[], Path], make_job: JobMaker
) -> None:
    scenario = {"jobs": [{"running": "1h"}], "events": [{"at": "10s", "happens": "restart"}]}
    clock = ManualClock()
    with MockServer(release, scenario=scenario, clock=clock, workspace=workspace()) as server:
        port = server.admin_port
        session = opened(server)
        job_id = session.submit_job(str(make_job()))
        server.wait_until(job_id, "RUNNING")
        clock.advance("10s")
        wait_until(
            lambda: server.call(lambda context: (len(list(context.sessions)), context.started))[1] > 1_700_000_009
        )
        wait_until(lambda: can_log_in(server))
        assert server.admin_port == port
        with opened(server) as again:
            status = again.get_job_meta(job_id)["status"]
        assert status == ("FINISHED:ABANDONED" if release == "2.6" else "RUNNING")
        session.close()


def can_log_in(server: MockServer) -> bool:
    try:
        opened(server).close()
    except Exception:  # noqa: BLE001 - whatever it is that a server in a restart does to a client
        return False
    return True


@pytest.mark.parametrize("release", BOTH)
def test_a_shutdown_of_the_scenario_comes_without_anybody_asking(release: str, workspace: Callable[[], Path]) -> None:
    scenario = {"events": [{"at": "300s", "happens": "shutdown"}], "clock": {"speed": 1000}}
    with MockServer(release, scenario=scenario, workspace=workspace()) as server:
        assert server.wait(30)
        assert not server.is_running


def test_sessions_expire_when_the_scenario_says_so(workspace: Callable[[], Path]) -> None:
    scenario = {"events": [{"at": "10s", "happens": "expire_sessions"}]}
    clock = ManualClock()
    with MockServer("2.6", scenario=scenario, clock=clock, workspace=workspace()) as server, opened(server) as session:
        assert session.list_jobs() == []
        clock.advance(10)
        with pytest.raises(SessionExpired):
            session.list_jobs()


def test_errors_and_logs_of_stages_are_what_the_commands_say(workspace: Callable[[], Path], make_job: JobMaker) -> None:
    stage = {
        "from": "RUNNING",
        "delay": "1s",
        "log": {"server": ["round 1"], "site-1": ["epoch 1"]},
        "errors": {"site-2": {"trainer": {"RuntimeError": "out of memory"}}},
    }
    scenario = {"jobs": [{"stages": [stage]}]}
    with MockServer("2.9", scenario=scenario, clock="virtual", workspace=workspace()) as server:
        desk = Desk(server)
        job_id = desk.job(make_job())
        server.wait_until(job_id, "RUNNING")

        def told(command: str) -> Any:
            return desk.ask(command)["data"][0]["data"]

        none = {"server": "No Error", "site-1": {}, "site-2": {}}
        assert told(f"show_errors {job_id} all") == none
        server.clock.sleep(1)
        found = {"trainer": {"RuntimeError": "out of memory"}}
        assert told(f"show_errors {job_id} all") == {**none, "site-2": found}
        logs = told(f"get_job_log {job_id} all")["logs"]
        assert logs["server"].endswith("round 1\n")
        assert logs["site-1"] == "epoch 1\n"
        desk.ask(f"reset_errors {job_id} all")
        assert told(f"show_errors {job_id} all") == none


def test_errors_of_stages_come_beside_those_of_the_plan_and_after_a_reset(
    workspace: Callable[[], Path], make_job: JobMaker
) -> None:
    stage = {"from": "RUNNING", "delay": "1s", "repeat": 2, "errors": {"site-1": {"trainer": {"RuntimeError": "late"}}}}
    site = {"name": "site-1", "errors": {"trainer": {"warning": "no GPU"}}}
    content = {"sites": [site, {"name": "site-2"}], "jobs": [{"stages": [stage]}]}
    with MockServer("2.9", scenario=content, clock="virtual", workspace=workspace()) as server:
        desk = Desk(server)
        job_id = desk.job(make_job())
        server.wait_until(job_id, "RUNNING")

        def found() -> Any:
            return desk.ask(f"show_errors {job_id} client site-1")["data"][0]["data"]["site-1"]

        assert found() == {"trainer": {"warning": "no GPU"}}
        server.clock.sleep(1)
        assert found() == {"trainer": {"warning": "no GPU", "RuntimeError": "late"}}
        desk.ask(f"reset_errors {job_id} client site-1")
        assert found() == {}
        server.clock.sleep(1)
        assert found() == {"trainer": {"RuntimeError": "late"}}


def test_a_server_takes_ready_scenarios_and_their_clocks(workspace: Callable[[], Path]) -> None:
    assert type(MockServer(scenario="realistic").clock) is RealClock
    long = MockServer(scenario="long-training").clock
    assert isinstance(long, ScaledClock)
    assert long.speed == 100
    assert type(MockServer(scenario="long-training", clock="real").clock) is RealClock
    start = {"clock": {"speed": "virtual", "start": "2026-01-31T08:00:00Z"}}
    assert MockServer(scenario=start).clock.time() == 1769846400
    with pytest.raises(ScenarioError, match="did you mean 'instant'"):
        MockServer(scenario="instent")


def test_the_jobs_of_others_are_seen_and_take_places(workspace: Callable[[], Path], make_job: JobMaker) -> None:
    with (
        MockServer("2.9", scenario="busy-cluster", clock="virtual", workspace=workspace()) as server,
        opened(server) as session,
    ):
        server.clock.sleep(1)
        assert len(session.list_jobs(name_prefix="nightly-batch")) == 10
        job_id = session.submit_job(str(make_job()))
        server.clock.sleep(5)
        assert session.get_job_meta(job_id)["status"] == "SUBMITTED"
        assert server.wait_until(job_id, "FINISHED")["status"] == "FINISHED:COMPLETED"


@pytest.mark.parametrize("release", BOTH)
def test_a_clone_of_a_job_of_others_runs_though_nobody_signed_it(release: str, workspace: Callable[[], Path]) -> None:
    scenario = {"workload": [{"name": "theirs"}]}
    with (
        MockServer(release, scenario=scenario, clock="virtual", workspace=workspace()) as server,
        opened(server) as session,
    ):
        clone = session.clone_job(session.list_jobs()[0]["job_id"])
        assert server.wait_until(clone, "FINISHED")["status"] == "FINISHED:COMPLETED"
        assert Path(session.download_job_result(clone), "workspace").is_dir()
