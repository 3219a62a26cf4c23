"""``MockServer.reset``: the server is as if just started, and what clients hold of it on disk is still good."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
from pathlib import Path

import pytest

from flare_client import AuthorizationError, Session, SessionExpired, new_secure_session
from mock_server import ManualClock, MockServer, RealClock, ScenarioError, ServerError
from tests.support import ALL_RELEASES, CELL_RELEASES, JobMaker, wait_until

ADMIN = "admin@nvidia.com"


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_nothing_is_left_but_ports_certificates_and_kits(release: str, make_job: JobMaker) -> None:
    with MockServer(release) as server:
        kit, ports = server.kit(), (server.port, server.admin_port)
        certificate = (kit / "startup" / "client.crt").read_bytes()
        old = new_secure_session(ADMIN, str(kit))
        old.submit_job(str(make_job()))
        server.set_site_connected("site-2", False)
        server.withhold("clone_job")

        server.reset()

        assert server.job_metas() == []
        assert list(server.calls) == []
        assert server.transcript.entries() == []
        assert server.received("submit_job") == 0
        assert (server.port, server.admin_port) == ports
        assert server.faults.rules == []
        assert server.call(lambda context: len(context.sessions)) == 0
        with pytest.raises(SessionExpired):
            wait_until(lambda: _lists(old))
        old.close()
        with new_secure_session(ADMIN, str(kit)) as session:
            assert session.list_jobs() == []
            assert [site.name for site in session.get_system_info().client_info] == ["site-1", "site-2"]
            assert session.submit_job(str(make_job()))
        assert (server.kit() / "startup" / "client.crt").read_bytes() == certificate


@pytest.mark.parametrize("scheme", ["http", "tcp", "grpc"])
def test_connections_of_before_are_cut(scheme: str) -> None:
    with MockServer("2.9", scheme=scheme) as server:
        session = new_secure_session(ADMIN, str(server.kit()))
        server.reset()
        # The client opens another connection for the next command, and its token proves nothing.
        with pytest.raises(SessionExpired):
            wait_until(lambda: _lists(session))
        assert [entry.connection for entry in server.transcript.entries() if entry.kind == "connection"].count(1) == 0
        session.close()


def _lists(session: Session) -> bool:
    """Whether jobs are listed; what was sent just before the client heard that its connection was cut is lost."""
    try:
        return session.list_jobs() == []
    except ConnectionError:
        return False


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_token_of_before_is_good_after_a_restart_but_not_after_a_reset(release: str) -> None:
    with MockServer(release) as server:
        session = new_secure_session(ADMIN, str(server.kit()))
        server.restart()
        wait_until(lambda: _lists(session))
        server.reset()
        with pytest.raises(SessionExpired):
            wait_until(lambda: _lists(session))
        session.close()


def test_studies_are_again_those_of_the_scenario() -> None:
    scenario = {
        "users": [{"name": ADMIN}],
        "studies": [{"name": "brain", "sites": {"nvidia": ["site-1"]}, "users": [ADMIN]}],
    }
    with MockServer("2.9", scenario=scenario) as server:
        server.call(lambda context: (context.studies.remove("brain"), context.studies.add("heart")))
        server.reset()
        assert server.call(lambda context: [name for name, _ in context.studies]) == ["brain"]


def test_another_scenario_other_sites_another_clock(make_job: JobMaker) -> None:
    clock = ManualClock()
    with MockServer("2.6") as server:
        server.reset(scenario={"jobs": [{"outcome": "ABNORMAL"}]}, sites=["here"], clock=clock)
        with new_secure_session(ADMIN, str(server.kit())) as session:
            job_id = session.submit_job(str(make_job(min_clients=1)))
            clock.advance(60)
            assert session.get_job_meta(job_id)["status"] == "FINISHED:ABNORMAL"
            assert [site.name for site in session.get_system_info().client_info] == ["here"]
            assert server.transcript.entries()[-1].time.startswith("2023-11-14T22:14")
        server.reset()  # those of before
        assert server.clock is clock
        assert server.scenario.jobs[0].outcome == "ABNORMAL"
        server.reset(clock=RealClock())
        assert server.clock is not clock


def test_the_rights_are_those_of_the_scenario(make_job: JobMaker) -> None:
    nothing = {"format_version": "1.0", "permissions": {"project_admin": {"submit_job": "none"}}}
    with MockServer("2.6") as server:
        server.reset(scenario={"server": {"authorization": nothing}})
        with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session, pytest.raises(AuthorizationError):
            session.submit_job(str(make_job()))
        server.reset(scenario={})
        with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
            assert session.submit_job(str(make_job()))


def test_events_of_a_scenario_happen_again_after_a_reset() -> None:
    scenario = {"events": [{"at": "1h", "happens": "disconnect", "site": "site-2"}]}
    with MockServer("2.6", scenario=scenario, clock="virtual") as server:
        for _ in range(2):
            server.clock.advance("59m")
            assert len(server.call(lambda context: context.engine.connected_sites())) == 2
            server.clock.advance("2m")
            assert len(server.call(lambda context: context.engine.connected_sites())) == 1
            server.reset()


def test_an_unusable_scenario_changes_nothing(make_job: JobMaker) -> None:
    with MockServer("2.6") as server:
        with new_secure_session(ADMIN, str(server.kit())) as session:
            session.submit_job(str(make_job()))
        with pytest.raises(ScenarioError, match="jobs"):
            server.reset(scenario={"jobs": 5}, sites=["other"])
        with pytest.raises(ScenarioError, match="without studies"):
            server.reset(scenario={"studies": [{"name": "brain", "sites": {}, "users": []}]})
        assert len(server.job_metas()) == 1
        server.reset()
        assert [site.name for site in server.call(lambda context: context.engine.connected_sites())] == [
            "site-1",
            "site-2",
        ]


def test_a_server_that_does_not_serve_cannot_be_reset() -> None:
    server = MockServer("2.6")
    with pytest.raises(ServerError, match="a server that runs"):
        server.reset()
    with server:
        session = new_secure_session(ADMIN, str(server.kit()))
        session._connection.execute("shutdown client")
        session._connection.execute("shutdown server")
        assert server.wait(10)
        with pytest.raises(ServerError, match="a client has shut it down"):
            server.reset()
        session.close()


def test_a_restart_that_a_client_has_asked_for_is_off() -> None:
    with MockServer("2.9") as server:
        server.call(lambda context: context.restart())
        server.reset()
        with new_secure_session(ADMIN, str(server.kit())) as session:
            started = session.get_system_info().server_info.start_time
            assert session.list_jobs() == []
            assert session.get_system_info().server_info.start_time == started


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_what_a_fault_holds_up_never_happens(release: str) -> None:
    with MockServer(
        release, scenario={"faults": [{"action": {"kind": "delay", "seconds": 0.2}, "command": "x"}]}
    ) as server:
        kit = str(server.kit())
        fault = server.faults.inject("delay", seconds=0.2, command="list_jobs")
        server.faults.inject("clock_skew", seconds=3600, command="list_jobs")
        with new_secure_session(ADMIN, kit) as session:

            def ask(session: Session = session) -> None:
                with contextlib.suppress(Exception):  # its connection is cut
                    session.list_jobs()

            asking = threading.Thread(target=ask, daemon=True)
            asking.start()
            assert fault.wait(20)
            server.reset()
            asking.join(20)
        assert [rule.command for rule in server.faults.rules] == ["x"]  # those of the scenario
        with new_secure_session(ADMIN, kit) as session:
            session.list_jobs()
        # Later than the command of before would have been carried out.
        held = server.faults.inject("delay", seconds=0.3, command="check_status")
        with new_secure_session(ADMIN, kit) as session:
            session.get_system_info()
        assert held.fired == 1
        server.calls.require_once("list_jobs")


def test_a_server_that_a_fault_has_taken_down_is_up_again() -> None:
    with MockServer("2.6") as server:
        kit = str(server.kit())
        fault = server.faults.inject("restart", down=3600, command="list_jobs")
        with new_secure_session(ADMIN, kit) as session, contextlib.suppress(Exception):
            session.list_jobs()
        assert fault.fired == 1
        server.reset()
        with new_secure_session(ADMIN, kit) as session:
            assert session.list_jobs() == []


def test_files_of_jobs_are_gone(tmp_path: Path, make_job: JobMaker) -> None:
    workspace = tmp_path / "workspace"
    with MockServer("2.6", workspace=workspace) as server:
        with new_secure_session(ADMIN, str(server.kit())) as session:
            session.submit_job(str(make_job()))
        assert list((workspace / "run" / "jobs").iterdir())
        server.reset()
        assert not list((workspace / "run" / "jobs").iterdir())
        wait_until(lambda: {path.name for path in workspace.iterdir()} == {"kits", "pki", "run"})
    (workspace / ".run-7").mkdir()  # as a process leaves it that was killed
    with MockServer("2.6", workspace=workspace):
        assert not (workspace / ".run-7").exists()


def test_a_hundred_resets_leave_nothing_behind(make_job: JobMaker) -> None:
    with MockServer("2.9") as server:
        kit = str(server.kit())
        for _ in range(100):
            server.reset()
        with new_secure_session(ADMIN, kit) as session:
            assert session.list_jobs() == []


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_restarts_and_resets_at_the_same_time_leave_a_server_that_works(release: str) -> None:
    with MockServer(release) as server:
        kit = server.kit()
        acts = [server.restart, server.restart, server.reset, server.restart] * 3
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda act: act(), acts))  # none of them fails
        with new_secure_session(ADMIN, str(kit)) as session:
            assert session.list_jobs() == []
