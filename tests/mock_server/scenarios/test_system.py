"""What happens to the server and its sites by itself, and jobs of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.jobs import JobStatus
from mock_server.clock import ManualClock
from mock_server.play import play
from mock_server.scenarios import Scenario
from mock_server.scenarios.timeline import Timeline
from tests.mock_server.jobs.rig import Rig


def played(release: str = "2.9", **content: Any) -> Timeline:
    return play(Scenario.from_dict(content), release=release)


def what(timeline: Timeline, name: str) -> list[tuple[float, str]]:
    return [(moment.time, moment.what) for moment in timeline.moments if moment.subject == name]


def test_a_job_waits_for_a_site_that_joins_late() -> None:
    sites = [{"name": "site-1", "joins": "30s"}]
    timeline = played(sites=sites, workload=[{"name": "early"}], jobs=[{"running": "1s"}])
    assert what(timeline, "early") == [
        (0, "SUBMITTED"),
        (30, "DISPATCHED"),
        (30, "RUNNING"),
        (31, "FINISHED:COMPLETED"),
    ]
    assert timeline.sites == (("site-1", False),)


def test_a_job_that_needs_a_site_that_left_waits_as_long_as_the_scheduler_is_patient() -> None:
    timeline = played(
        sites=[{"name": "site-1"}, {"name": "site-2", "leaves": "5s"}],
        workload=[{"name": "pair", "at": "6s", "meta": {"min_clients": 2}}],
        scheduler={"max_schedule_count": 2, "min_schedule_interval": "3s"},
        jobs=[{"queued": 0}],
    )
    assert what(timeline, "pair") == [
        (6, "SUBMITTED"),
        (6, "not scheduled"),
        (9, "not scheduled"),
        (10, "FINISHED:CAN_NOT_SCHEDULE"),
    ]


def test_a_disabled_site_is_kept_out_until_it_is_enabled() -> None:
    timeline = played(
        sites=[{"name": "site-1", "disabled": True}],
        workload=[{"name": "one"}],
        events=[{"at": "10s", "happens": "enable", "site": "site-1"}],
    )
    assert what(timeline, "one")[1] == (10, "DISPATCHED")


@pytest.mark.parametrize(("release", "end"), [("2.6", "FINISHED:ABANDONED"), ("2.9", None)])
def test_a_restart_at_a_given_time_loses_what_runs(release: str, end: str | None) -> None:
    timeline = played(
        release,
        workload=[{"name": "long"}, {"name": "next", "at": "11s"}],
        jobs=[{"running": "1h"}],
        events=[{"at": "10s", "happens": "restart", "every": "1m", "times": 2}],
    )
    assert [moment.time for moment in timeline.of_system()] == [10, 70]
    assert what(timeline, "long")[3:] == ([(10, end)] if end else [])
    assert (11.1, "RUNNING") in what(timeline, "next")


def test_the_work_of_others_comes_when_it_should_and_can_be_downloaded(tmp_path: Path) -> None:
    work = {"name": "batch", "at": "1s", "count": 3, "every": "2s", "submitter": "ops@nvidia.com"}
    rig = Rig(tmp_path, scenario={"workload": [work]})
    rig.pass_time(4)
    jobs = list(rig.engine.jobs(reverse=False))
    assert [(job.name, job.submitter.name) for job in jobs] == [
        ("batch-1", "ops@nvidia.com"),
        ("batch-2", "ops@nvidia.com"),
    ]
    assert [job.meta["submit_time"] - rig.clock.time() + 4 for job in jobs] == [1, 3]
    rig.pass_time(10)
    assert [file.name for file in rig.engine.result_files(jobs[0])] == ["workspace.zip", "meta.json", "job.zip"]
    clone = rig.engine.clone(jobs[0], jobs[0].submitter)
    rig.pass_time(10)
    assert clone.status is JobStatus.FINISHED_COMPLETED
    rig.engine.delete(jobs[0].job_id)
    assert rig.engine.get(jobs[0].job_id) is None


def test_the_start_of_the_clock_is_what_the_file_says() -> None:
    for text, seconds in (("2026-01-31T08:00:00Z", 1769846400.0), ("2026-01-31", 1769817600.0), (12.5, 12.5)):
        assert Scenario.from_dict({"clock": {"start": text}}).clock.start == seconds
    assert ManualClock(12.5).time() == 12.5
