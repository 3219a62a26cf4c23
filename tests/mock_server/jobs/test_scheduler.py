"""The rules of the scheduler, and what a job's meta tells of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.patience import Patience
from mock_server.jobs.scheduler import NotNow, Scheduled, try_job
from mock_server.jobs.store import Job
from mock_server.sites import Site
from tests.mock_server.jobs.rig import LEAD, Rig
from tests.mock_server.jobs.uploads import LEAVE_OUT

PAIR = {"app": ["server", "site-1", "site-2"]}
TWO_APPS = {"a": ["server", "site-1"], "b": ["site-2"]}

CASES: list[tuple[dict[str, Any], list[str], dict[str, str] | str]] = [
    ({"deploy_map": {"app": ["@ALL"]}}, ["s1", "s2"], {"s1": "app", "s2": "app"}),
    ({"deploy_map": {"app": ["@all"]}}, ["s1"], {"s1": "app"}),
    ({"deploy_map": {"app": ["@ALL"]}, "min_clients": 2}, ["s1", "s2"], {"s1": "app", "s2": "app"}),
    ({"deploy_map": {"app": ["@ALL"]}, "min_clients": 3}, ["s1", "s2"], "connected sites (2) < min_sites (3)"),
    ({"deploy_map": {"app": ["@ALL"]}, "min_clients": "3"}, ["s1", "s2"], "connected sites (2) < min_sites (3)"),
    ({"deploy_map": {"app": ["@ALL"]}, "min_clients": 2.5}, ["s1", "s2"], "connected sites (2) < min_sites (2.5)"),
    ({"deploy_map": PAIR}, ["site-1", "site-9"], {"site-1": "app"}),
    ({"deploy_map": PAIR}, ["site-9"], "connected sites (0) < min_sites (1)"),
    ({"deploy_map": PAIR, "min_clients": None}, ["site-9"], "connected sites (0) < min_sites (1)"),
    ({"deploy_map": PAIR, "min_clients": 2}, ["site-1"], "connected sites (1) < min_sites (2)"),
    ({"deploy_map": TWO_APPS}, ["site-1", "site-2"], {"site-1": "a", "site-2": "b"}),
    ({"deploy_map": {"app": [{"sites": ["server", "s1"]}]}}, ["s1"], {"s1": "app"}),
    ({"deploy_map": PAIR, "mandatory_clients": ["site-2"]}, ["site-1"], "missing required site site-2"),
    ({"deploy_map": PAIR, "mandatory_clients": ["site-1"]}, ["site-1"], {"site-1": "app"}),
    ({"deploy_map": {"app": ["@ALL"]}, "mandatory_clients": ["s9"]}, ["s1"], "missing required site s9"),
    ({"deploy_map": PAIR, "mandatory_clients": ["site-2"], "min_clients": 9}, [], "missing required site site-2"),
    ({"deploy_map": PAIR, "mandatory_clients": []}, ["site-2"], {"site-2": "app"}),
]


@pytest.mark.parametrize(("meta", "online", "expected"), CASES)
def test_connected_sites_decide(meta: dict[str, Any], online: list[str], expected: dict[str, str] | str) -> None:
    result = try_job(Job("1", LEAD, meta, Path()), [Site(name, "nvidia") for name in online])
    assert result == (NotNow(expected) if isinstance(expected, str) else Scheduled(expected))


def test_waits_double_up_to_ten_minutes_and_the_last_is_not_waited_for() -> None:
    assert [Patience().wait_after(count) for count in range(1, 11)] == [10, 20, 40, 80, 160, 320, 600, 600, 600, 1]


def test_a_job_that_never_gets_its_sites_is_given_up_on_the_look_after_the_tenth(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"queued": 0}]})
    job = rig.submit(min_clients=5)
    looks = [0.0]
    while (when := rig.engine.next_event_at()) is not None:
        rig.clock.advance(when - rig.clock.time())
        rig.engine.advance()
        looks.append(rig.elapsed())
    waits = [10, 20, 40, 80, 160, 320, 600, 600, 600, 1]
    assert looks == list(itertools.accumulate([0, *waits]))
    assert job.status is JobStatus.FINISHED_CANT_SCHEDULE
    assert job.meta["schedule_count"] == 11
    history = [line.partition(": ")[2] for line in job.meta["schedule_history"]]
    assert history == ["connected sites (2) < min_sites (5)"] * 10 + ["exceeded max schedule count 10"]
    assert (job.meta["start_time"], job.meta["duration"]) == ("", "N/A")
    assert job.meta["last_schedule_time"] == rig.clock.time()


def test_nothing_is_tried_while_no_site_is_connected(tmp_path: Path) -> None:
    rig = Rig(tmp_path, sites=1)
    rig.engine.set_site_connected("site-1", False)
    job = rig.submit()
    rig.pass_time(100_000)
    assert job.status is JobStatus.SUBMITTED
    assert "schedule_count" not in job.meta
    rig.engine.set_site_connected("site-1", True)
    assert job.status is JobStatus.RUNNING


def test_nothing_is_counted_while_every_place_is_taken(tmp_path: Path) -> None:
    rules = [{"queued": 0, "running": 60}]
    rig = Rig(tmp_path, scenario={"jobs": rules, "limits": {"max_jobs": 2}})
    jobs = [rig.submit() for _ in range(5)]
    rig.pass_time(59)
    assert [job.status.value for job in jobs] == ["RUNNING"] * 2 + ["SUBMITTED"] * 3
    assert all("schedule_count" not in job.meta for job in jobs[2:])
    rig.pass_time(1)
    assert [job.status.value for job in jobs] == ["FINISHED:COMPLETED"] * 2 + ["RUNNING"] * 2 + ["SUBMITTED"]
    assert [job.meta["schedule_count"] for job in jobs[:4]] == [1] * 4
    assert len(rig.engine.running_jobs()) == 2


def test_a_place_goes_to_the_job_that_was_submitted_first(tmp_path: Path) -> None:
    rules = [{"match": {"name": "late"}, "queued": 5, "running": 1}, {"queued": 0, "running": 10}]
    rig = Rig(tmp_path, scenario={"jobs": rules, "limits": {"max_jobs": 1}})
    rig.submit(name="holder")
    late, early = rig.submit(name="late"), rig.submit(name="early")
    rig.pass_time(10)
    assert (late.status, early.status) == (JobStatus.RUNNING, JobStatus.SUBMITTED)


def test_a_site_that_connects_does_not_shorten_a_wait(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"queued": 0}]})
    rig.engine.set_site_connected("site-2", False)
    job = rig.submit(min_clients=2)
    rig.pass_time(1)
    rig.engine.set_site_connected("site-2", True)
    rig.pass_time(8.9)
    assert job.status is JobStatus.SUBMITTED
    rig.pass_time(0.1)
    assert job.status is JobStatus.RUNNING
    history = [line.partition(": ")[2] for line in job.meta["schedule_history"]]
    assert history == ["connected sites (1) < min_sites (2)", "scheduled"]


def test_a_job_that_says_nothing_needs_one_site(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit(deploy_map={"app": ["server", "site-9"]}, min_clients=LEAVE_OUT)
    rig.pass_time(1)
    assert job.status is JobStatus.SUBMITTED
    assert job.meta["schedule_history"][0].endswith(": connected sites (0) < min_sites (1)")
