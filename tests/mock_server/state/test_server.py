"""``MockServer(state=...)``: what clients were told is so on the server that comes after, and their kits are good."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flare_client import (
    InternalError,
    JobNotFound,
    Session,
    SubmitTokenConflict,
    SubmitTokenJobDeleted,
    new_secure_session,
)
from mock_server import ManualClock, MockServer, ServerError
from mock_server.state import State, StateError
from tests.mock_server.state.rig import free_port
from tests.support import ALL_RELEASES, JobMaker, wait_until

ADMIN = "admin@nvidia.com"
LONG = {"jobs": [{"match": {"name": "long"}, "queued": 0, "running": "1d"}, {"queued": 0, "running": 0}]}


def durable(release: str, state: Path, **more: Any) -> MockServer:
    """A server with a state; the first one on it is given ports that are free when the next one comes."""
    ports = {} if state.exists() else {"port": free_port(), "admin_port": free_port()}
    return MockServer(release, state=state, **ports, **more)


def session(kit: Path) -> Session:
    return new_secure_session(ADMIN, str(kit))


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_a_server_goes_on_where_the_one_before_was(release: str, tmp_path: Path, make_job: JobMaker) -> None:
    folder = tmp_path / "state"
    with durable(release, folder, scenario=LONG) as server:
        kit = server.kit()
        ports = server.port, server.admin_port
        with session(kit) as before:
            done, deleted, runs = (before.submit_job(str(make_job(name))) for name in ("done", "deleted", "long"))
            clone = before.clone_job(done)
            before.delete_job(deleted)
            waits = before.submit_job(str(make_job("waits", min_clients=9)))
            metas = {job_id: before.get_job_meta(job_id) for job_id in (done, clone, waits, runs)}
            first = sorted(path.name for path in Path(before.download_job_result(done)).rglob("*"))
    with durable(release, folder, scenario=LONG) as server:
        assert (server.port, server.admin_port) == ports
        abandons = server.profile.abandons_jobs_at_restart
        with session(kit) as after:
            assert {job["job_id"] for job in after.list_jobs()} == {done, clone, waits, runs}
            assert [after.get_job_meta(one) for one in (done, clone)] == [metas[done], metas[clone]]
            assert after.get_job_meta(waits) == metas[waits]
            assert metas[runs]["status"] == "RUNNING"
            expected = "FINISHED:ABANDONED" if abandons else "RUNNING"
            assert after.get_job_meta(runs) == metas[runs] | {"status": expected}
            with pytest.raises(JobNotFound):
                after.get_job_meta(deleted)
            assert sorted(path.name for path in Path(after.download_job_result(done)).rglob("*")) == first
            assert after.get_job_meta(after.clone_job(waits))["cloned_from"] == waits
            if not abandons:
                with pytest.raises(InternalError, match="not running"):
                    after.abort_job(runs)


@pytest.mark.parametrize("release", ["2.8", "2.9"])
def test_tokens_studies_and_disabled_sites(release: str, tmp_path: Path, make_job: JobMaker) -> None:
    job, other = str(make_job("one")), str(make_job("two"))
    with durable(release, tmp_path / "state", scenario=LONG) as server:
        kit = server.kit()
        with session(kit) as before:
            kept, gone = before.submit_job(job, submit_token="kept"), before.submit_job(job, submit_token="gone")
            before.delete_job(gone)
            before.register_study("brain", site_orgs=["nvidia:site-1,site-2"])
            before.add_study_user("brain", "lead@nvidia.com")
            before.register_study("heart", site_orgs=["nvidia:site-1"])
            before.remove_study("heart")
            study = before.show_study("brain")
            before.disable_client("site-2")
            before.disable_client("site-9")
    with durable(release, tmp_path / "state", scenario=LONG) as server, session(kit) as after:
        assert after.submit_job(job, submit_token="kept") == kept
        with pytest.raises(SubmitTokenConflict):
            after.submit_job(other, submit_token="kept")
        with pytest.raises(SubmitTokenJobDeleted):
            after.submit_job(job, submit_token="gone")
        assert after.list_studies()["studies"] == ["brain"]
        assert after.show_study("brain") == study
        assert [site.name for site in after.get_system_info().client_info] == ["site-1"]
        assert after.enable_client("site-2")["clients"][0]["was_disabled"] is True
        assert after.enable_client("site-9")["clients"][0]["was_disabled"] is True
        assert [site.name for site in after.get_system_info().client_info] == ["site-1", "site-2"]


def test_what_was_to_happen_goes_on_and_nothing_happens_twice(tmp_path: Path) -> None:
    scenario = {
        "jobs": [{"match": {"occurrence": 2}, "outcome": "ABNORMAL"}, {}],
        "workload": [{"name": "work", "count": 4, "every": "10s"}],
        "events": [
            {"at": "15s", "happens": "disconnect", "site": "site-2"},
            {"at": "1h", "happens": "disconnect", "site": "site-1"},
        ],
    }
    metas = []
    for seconds in (12, 10, 100):
        clock = ManualClock()
        with durable("2.6", tmp_path / "state", scenario=scenario, clock=clock) as server:
            clock.advance(seconds)
            metas.append([(meta["name"], meta["status"]) for meta in server.job_metas()])
            sites = server.call(lambda context: [site.name for site in context.engine.connected_sites()])
            assert sites == (["site-1", "site-2"] if seconds == 12 else ["site-1"])
    names = [[name for name, _ in found] for found in metas]
    assert names == [["work-1", "work-2"], ["work-1", "work-2", "work-3"], [f"work-{n}" for n in (1, 2, 3, 4)]]
    assert [status for _, status in metas[2]] == [
        "FINISHED:COMPLETED",
        "FINISHED:ABNORMAL",
        "FINISHED:COMPLETED",
        "FINISHED:COMPLETED",
    ]


def test_a_server_whose_clock_ran_ahead_does_not_go_back(tmp_path: Path, make_job: JobMaker) -> None:
    clock = ManualClock()
    with durable("2.6", tmp_path / "state", clock=clock) as server:
        clock.advance("2d")
        with session(server.kit()) as before:
            submitted = before.get_job_meta(before.submit_job(str(make_job())))["submit_time"]
    with durable("2.6", tmp_path / "state", clock="virtual") as server:
        assert server.clock.time() >= submitted
    with durable("2.6", tmp_path / "state", clock="x100") as server:
        assert server.clock.time() >= submitted


def test_the_state_follows_the_clock_though_nobody_asks(tmp_path: Path, make_job: JobMaker) -> None:
    """What ended before the process did has ended, whether or not anybody looked."""
    clock = ManualClock()
    with durable("2.6", tmp_path / "state", clock=clock) as server:
        with session(server.kit()) as before:
            job_id = before.submit_job(str(make_job()))
        clock.advance("1h")

        def status() -> str:
            # Past the server: whoever asked it would have it look at the clock.
            record = json.loads(state._database.read("SELECT record FROM jobs")[0][0])
            assert record["meta"]["job_id"] == job_id
            return str(record["status"])

        state = server._require_running().held.state
        assert state is not None
        wait_until(lambda: status() == "FINISHED:COMPLETED")


def test_an_answer_leaves_after_what_it_says_is_kept_or_says_that_it_is_not(
    tmp_path: Path, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with durable("2.6", tmp_path / "state", scenario=LONG) as server, session(server.kit()) as client:
        kept = client.submit_job(str(make_job("kept")))

        def fail(_: State) -> None:
            raise StateError("expected room on the disk, but there is none")

        with monkeypatch.context() as patch:
            patch.setattr(State, "commit", fail)
            with pytest.raises(InternalError, match="expected room on the disk"):
                client.clone_job(kept)
        assert client.clone_job(kept)  # the disk has room again


def test_a_reset_empties_the_state_and_keeps_kits(tmp_path: Path, make_job: JobMaker) -> None:
    with durable("2.9", tmp_path / "state") as server:
        kit = server.kit()
        with session(kit) as before:
            before.submit_job(str(make_job()))
        server.reset()
        assert server.job_metas() == []
    with durable("2.9", tmp_path / "state") as server, session(kit) as after:
        assert after.list_jobs() == []
        assert list((tmp_path / "state" / "run" / "jobs").iterdir()) == []


def test_kits_are_in_the_workspace_where_there_is_one(tmp_path: Path) -> None:
    with durable("2.6", tmp_path / "state", workspace=tmp_path / "lab") as server:
        assert server.kit().is_relative_to(tmp_path / "lab")
    assert (tmp_path / "state" / "pki" / "ca.pem").is_file()


def test_a_second_server_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with durable("2.6", tmp_path / "state") as server, session(server.kit()) as client:
        with pytest.raises(ServerError, match="in use by process"):
            durable("2.6", tmp_path / "state").start()
        assert client.list_jobs() == []


def test_the_port_of_kits_that_somebody_else_has_is_an_error(tmp_path: Path) -> None:
    with durable("2.6", tmp_path / "state") as server:
        port = server.admin_port
    expected = f"port {port} of 127.0.0.1, which kits of this state name"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ServerError, match=expected):
        durable("2.6", tmp_path / "state").start()
    with durable("2.6", tmp_path / "state") as server:
        assert server.admin_port == port


def test_the_command_goes_on_after_kill_9_and_refuses_what_is_not_its_state(tmp_path: Path, make_job: JobMaker) -> None:
    command = [sys.executable, "-m", "mock_server.cli", "serve", "--release", "2.6", "--state", str(tmp_path / "state")]
    command += ["--user", f"{ADMIN}:nvidia:project_admin", "--json"]
    command += ["--port", str(free_port()), "--admin-port", str(free_port())]
    job_id = ""
    for again in (False, True):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            kit = json.loads(process.stdout.readline())["kits"][ADMIN]
            with session(kit) as client:
                if again:
                    assert [job["job_id"] for job in client.list_jobs()] == [job_id]
                else:
                    job_id = client.submit_job(str(make_job()))
            process.send_signal(signal.SIGKILL)
    done = subprocess.run([*command[:5], "2.9", *command[6:]], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "expected the state of a secure server of release 2.9" in done.stderr
    assert "Traceback" not in done.stderr
