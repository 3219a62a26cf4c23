"""The load of many sessions and the soak: their maths, and that they do what they count; nothing is about how fast."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from flare_client import new_secure_session
from mock_server import MockServer
from tests.benchmarks import load, soak
from tests.benchmarks.figures import MB, Verdict
from tests.benchmarks.load import SIDES, Run
from tests.benchmarks.memory import CpuUnknown, MemoryUnknown, cpu_seconds, open_files
from tests.benchmarks.programs.load import CellLoad, SocketLoad
from tests.benchmarks.soak import Sample
from tests.benchmarks.soak_work import Tally, Worker
from tests.support import write_job

ADMIN = "admin@nvidia.com"
NOBODY = 2**22 + 1


def test_a_rate_and_the_slowest_of_a_hundred_come_of_the_run_in_the_middle() -> None:
    runs = [Run(tuple([0.001] * 99 + [slow]), 100 / rate) for rate, slow in ((1999, 0.01), (2000, 0.02), (9000, 1.0))]
    rate, p99 = load.side_figures(SIDES[0], runs)
    assert (rate.value, rate.verdict) == (2000, Verdict.OK)
    assert p99.value == pytest.approx(19.81, abs=0.1)
    assert p99.verdict is Verdict.OK
    missed = load.side_figures(SIDES[-1], runs)
    assert [figure.verdict for figure in missed] == [Verdict.MISSED, Verdict.OK]


def test_what_a_command_costs_is_told_where_the_system_tells() -> None:
    [rate, _] = load.side_figures(SIDES[0], [Run((0.1,) * 1000, 1.0, server=0.4, clients=0.25)])
    assert "400 µs of the CPU in the server, 250 µs in the clients" in rate.detail
    [rate, _] = load.side_figures(SIDES[0], [Run((0.1,) * 1000, 1.0)])
    assert "µs" not in rate.detail


def test_how_many_tls_sessions_were_resumed_is_told_where_connections_do_not_last() -> None:
    [rate, _] = load.side_figures(SIDES[0], [Run((0.1,) * 1000, 1.0, resumed=990)])
    assert rate.detail.endswith("(1 runs); 99 % resumed")
    [rate, _] = load.side_figures(SIDES[-1], [Run((0.1,) * 1000, 1.0)])
    assert "resumed" not in rate.detail


@pytest.mark.parametrize("tls", ["TLSv1_2", "TLSv1_3"])
def test_connections_have_the_version_of_tls_that_is_asked_for(tls: str, tmp_path: Path) -> None:
    with MockServer("2.6", scenario={"jobs": [{"queued": "1d"}]}) as server:
        kit = str(server.kit())
        with new_secure_session(ADMIN, kit) as session:
            job_id = session.submit_job(str(write_job(tmp_path)))
        one = SocketLoad(server.host, server.admin_port, kit, ADMIN, f"get_job_meta {job_id}", 2, tls)
        mark = server.transcript.last
        found = one.run(0.05)
        secured = [entry for entry in server.transcript.entries(mark) if entry.detail.get("event") == "tls"]
        assert {entry.detail["version"] for entry in secured} == {tls.replace("_", ".")}
        assert all(entry.detail["resumed"] for entry in secured)
        assert found["resumed"] == len(found["taken"]) > 0


@pytest.mark.parametrize(
    ("release", "scheme", "make"), [("2.6", None, SocketLoad), ("2.9", "tcp", CellLoad)], ids=["sockets", "cells"]
)
def test_a_load_counts_the_commands_that_the_server_answered(
    release: str, scheme: str | None, make: Any, tmp_path: Path
) -> None:
    with MockServer(release, scheme=scheme, scenario={"jobs": [{"queued": "1d"}]}) as server:
        kit = str(server.kit())
        with new_secure_session(ADMIN, kit) as session:
            job_id = session.submit_job(str(write_job(tmp_path)))
        one = make(server.host, server.admin_port, kit, ADMIN, f"get_job_meta {job_id}", 3)
        assert server.received("_cert_login") == 1 + 3
        before = server.received("get_job_meta")
        found = one.run(0.05)
        asked = server.received("get_job_meta") - before
        assert len(found["taken"]) > 0
        # Those that are out when the time is over are waited for, and not counted.
        assert 0 <= asked - len(found["taken"]) <= 3
        assert found["seconds"] >= 0.05
        assert found.get("resumed", len(found["taken"])) == len(found["taken"])
        with pytest.raises(ValueError, match="expected a reply with the status ok, but got"):
            make(server.host, server.admin_port, kit, ADMIN, "get_job_meta 11111111-2222-4333-8444-555555555555", 1)


def test_time_and_files_of_a_process_are_known_as_far_as_the_system_tells() -> None:
    before = cpu_seconds(os.getpid())
    assert before > 0
    files = open_files(os.getpid())
    with Path(__file__).open():
        assert open_files(os.getpid()) == files + 1
    with pytest.raises(CpuUnknown):
        cpu_seconds(NOBODY)
    with pytest.raises(MemoryUnknown):
        open_files(NOBODY)


def day(*held: float, files: int = 10) -> list[Sample]:
    return [Sample(int(one * MB), files, 1000) for one in held]


def test_memory_that_stays_is_flat_and_memory_that_grows_is_not() -> None:
    flat = soak.figures("2.6", day(30, 60, 60, 60, 61, 59, 61, 60), tally := Tally())
    assert flat[0].verdict is Verdict.OK
    growing = soak.figures("2.6", day(30, 35, 40, 45, 50, 55, 60, 65), tally)
    assert growing[0].verdict is Verdict.MISSED
    assert growing[0].value == pytest.approx(62.5 / 42.5)


def test_files_that_stay_open_are_noticed() -> None:
    samples = day(*[60] * 6) + day(60, 60, files=90)
    assert [figure.verdict for figure in soak.figures("2.6", samples, Tally())][1] is Verdict.MISSED


def test_what_sessions_should_not_meet_is_a_figure_that_is_missed() -> None:
    tally = Tally()
    tally.add(commands=5, jobs=1)
    assert [figure.verdict for figure in soak.figures("2.6", day(*[60] * 8), tally)] == [Verdict.OK] * 5
    tally.surprise(ValueError("odd"))
    *_, commands, surprises = soak.figures("2.6", day(*[60] * 8), tally)
    assert (commands.value, surprises.verdict) == (5, Verdict.MISSED)
    assert "1 × ValueError: odd" in surprises.detail


@pytest.mark.parametrize("release", soak.RELEASES)
def test_workers_see_jobs_through_and_leave_nothing(release: str, tmp_path: Path) -> None:
    # On so fast a clock a session would be idle for hours between two commands.
    quiet = {"events": [], "workload": [{"name": "nightly", "count": 2}], "idle_timeout": "100d"}
    scenario = {**soak.scenario(), **quiet}
    with MockServer(release, scenario=scenario, clock="x20000") as server:
        tally, stop = Tally(), threading.Event()
        kit = server.kit()
        worker, keeper = (Worker(kit, tmp_path / name, tally, stop) for name in ("worker", "keeper"))
        threads = [threading.Thread(target=worker.work), threading.Thread(target=keeper.tidy)]
        for thread in threads:
            thread.start()
        while tally.jobs < 6 and not tally.surprises:
            stop.wait(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert tally.surprises == {}
        assert tally.commands >= 6 * 3
        assert server.received("download_job") > 0
        assert len(server.job_metas()) <= 3
        assert not list((tmp_path / "worker" / ADMIN / "transfer").glob("*/workspace"))
