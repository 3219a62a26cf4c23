"""``run_job`` on a mock server, in all the situations that a real one would have to be brought into."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobrunner import Ending, run_job

QUICK = {"timeout": 30, "poll_interval": 0.02}


def test_the_result_of_a_job_is_fetched(flare_server, flare_session, job: Path) -> None:
    run = run_job(flare_session, job, **QUICK)

    assert (run.ending, run.status) == (Ending.COMPLETED, "FINISHED:COMPLETED")
    assert (run.result / "workspace" / "app_server" / "accuracy.txt").read_text() == "0.93"
    submitted = flare_server.calls.require_once("submit_job", "accuracy")
    assert submitted.upload_size or flare_server.release == "2.3"
    flare_server.calls.require_order("submit_job", "get_job_meta", "download_job")
    flare_server.calls.require_none("abort_job")


@pytest.mark.flare(scenario={"jobs": [{"queued": 0, "running": "50ms", "outcome": "EXECUTION_EXCEPTION"}]})
def test_nothing_is_fetched_of_a_job_that_failed(flare_server, flare_session, job: Path) -> None:
    run = run_job(flare_session, job, **QUICK)

    assert (run.ending, run.status, run.result) == (Ending.FAILED, "FINISHED:EXECUTION_EXCEPTION", None)
    flare_server.calls.require_none("download_job")


@pytest.mark.flare(scenario={"jobs": [{"queued": 0, "running": "1d"}]}, clock="virtual")
def test_a_job_that_takes_too_long_is_aborted(flare_server, flare_session, job: Path) -> None:
    began = flare_server.clock.time()

    run = run_job(flare_session, job, timeout=8 * 3600, poll_interval=60)  # on the server's clock: at once

    assert (run.ending, run.status) == (Ending.TOO_LONG, "FINISHED:ABORTED")
    assert 8 * 3600 < flare_server.clock.time() - began < 8 * 3600 + 120
    flare_server.calls.require_once("abort_job", run.job_id)


@pytest.mark.flare(scenario={"jobs": [{"queued": 0, "running": "1d"}]})
def test_a_job_that_somebody_else_aborts_has_failed(flare_server, flare_session, job: Path) -> None:
    def abort_while_it_runs(status: str) -> None:
        if status == "RUNNING":
            flare_server.abort_job(flare_server.job_metas()[0]["job_id"])

    run = run_job(flare_session, job, **QUICK, tell=abort_while_it_runs)

    assert (run.ending, run.status) == (Ending.FAILED, "FINISHED:ABORTED")


@pytest.mark.flare(scenario={"jobs": [{"running": "20h", "result": {"size": "1MiB"}}]}, clock="virtual")
def test_the_result_of_a_day_of_training_is_fetched(flare_session, job: Path) -> None:
    run = run_job(flare_session, job, timeout=24 * 3600, poll_interval=300)

    assert run.ending is Ending.COMPLETED
    assert (run.result / "workspace").is_dir()


@pytest.mark.flare(pedantic=True)
def test_no_habit_of_the_mock_is_relied_on(flare_session, job: Path) -> None:
    assert run_job(flare_session, job, **QUICK).ending is Ending.COMPLETED


@pytest.mark.flare(sites=["hospital"])
def test_a_job_waits_for_its_sites(flare_session, job: Path) -> None:
    # Two sites are wanted, one is connected.
    seen: list[str] = []
    run = run_job(flare_session, job, timeout=0.1, poll_interval=0.02, tell=seen.append)

    assert (set(seen) <= {"SUBMITTED"}, run.ending) == (True, Ending.TOO_LONG)


def test_each_test_has_a_server_as_if_just_started(flare_session) -> None:
    assert flare_session.list_jobs() == []
