"""Any sequence of calls: the engine against a small model of the rules, and against itself."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.outcomes import AbortOutcome, JobIsRunning
from mock_server.jobs.states import TRANSITIONS
from mock_server.jobs.store import Job
from tests.mock_server.jobs.rig import LEAD, Rig

MAX_JOBS = 2
RUNNING_SECONDS = 5
SCENARIO = {
    "jobs": [{"queued": 1, "running": RUNNING_SECONDS}],
    "limits": {"max_jobs": MAX_JOBS},
}


@dataclasses.dataclass
class Seen:
    """What the model knows of a job."""

    job: Job
    needs: int
    status: JobStatus = JobStatus.SUBMITTED
    started: float | None = None


class EngineMachine(RuleBasedStateMachine):
    """Calls in any order. The model keeps what must be true whatever the order."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.rig = Rig(self.folder, scenario=SCENARIO, sites=3)
        self.model: dict[str, Seen] = {}
        self.connected = {"site-1", "site-2", "site-3"}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def add(self, job: Job, needs: int) -> str:
        assert job.job_id not in self.model
        self.model[job.job_id] = Seen(job, needs)
        return job.job_id

    @rule(target=jobs, needs=st.integers(1, 4))
    def submit(self, needs: int) -> str:
        return self.add(self.rig.submit(min_clients=needs), needs)

    @rule(target=jobs, source=jobs)
    def clone(self, source: str) -> str:
        seen = self.model[source]
        clone = self.rig.engine.clone(seen.job, LEAD)
        assert clone.meta["cloned_from"] == source
        return self.add(clone, seen.needs)

    @rule(job_id=jobs)
    def abort(self, job_id: str) -> None:
        job = self.model[job_id].job
        self.rig.engine.advance()
        before = job.status
        outcome = self.rig.engine.abort(job)
        if before.is_finished:
            assert (outcome, job.status) == (AbortOutcome.ALREADY_DONE, before)
        else:
            ran = before is JobStatus.RUNNING
            assert outcome is (AbortOutcome.SIGNALLED if ran else AbortOutcome.BEFORE_RUN)
            assert job.status is JobStatus.FINISHED_ABORTED
            assert (job.meta["duration"] != "N/A") is ran

    @rule(job_id=consumes(jobs))
    def delete(self, job_id: str) -> None:
        seen = self.model[job_id]
        self.rig.engine.advance()
        try:
            self.rig.engine.delete(job_id)
        except JobIsRunning:
            assert seen.job.status is JobStatus.RUNNING
            self.rig.engine.abort(seen.job)
            self.rig.engine.delete(job_id)
        del self.model[job_id]
        assert not seen.job.folder.exists()

    @rule(seconds=st.sampled_from([0, 0.5, 1, 4, 10, 100, 5000]))
    def pass_time(self, seconds: float) -> None:
        self.rig.pass_time(seconds)

    @rule()
    def go_to_the_next_event(self) -> None:
        when = self.rig.engine.next_event_at()
        if when is not None:
            assert when > self.rig.clock.time(), "what was due has happened"
            self.rig.pass_time(when - self.rig.clock.time())

    @rule(site=st.sampled_from(["site-1", "site-2", "site-3"]), connected=st.booleans())
    def connect(self, site: str, connected: bool) -> None:
        self.rig.engine.set_site_connected(site, connected)
        (self.connected.add if connected else self.connected.discard)(site)

    @rule()
    def restart(self) -> None:
        running = self.rig.engine.running_jobs()
        self.rig.engine.restart()
        assert all(job.status is JobStatus.FINISHED_ABANDONED for job in running)

    @rule(job_id=jobs)
    def download(self, job_id: str) -> None:
        seen = self.model[job_id]
        names = [file.name for file in self.rig.engine.result_files(seen.job)]
        assert ("workspace.zip" in names) is seen.job.is_saved
        assert names[-2:] == ["meta.json", "job.zip"]

    @invariant()
    def jobs_are_those_of_the_model_in_order(self) -> None:
        if hasattr(self, "model"):
            found = [job.job_id for job in self.rig.engine.jobs(reverse=False)]
            assert found == list(self.model)
            assert found[::-1] == [job.job_id for job in self.rig.engine.jobs(reverse=True)]
            assert {path.name for path in self.rig.jobs_root.iterdir()} == set(found)

    @invariant()
    def every_step_of_a_job_is_legal(self) -> None:
        for seen in getattr(self, "model", {}).values():
            assert seen.job.meta["status"] == seen.job.status.value
            assert reachable(seen.status, seen.job.status)
            seen.status = seen.job.status

    @invariant()
    def places_are_neither_overbooked_nor_left_free(self) -> None:
        if not hasattr(self, "model"):
            return
        now, running = self.rig.clock.time(), self.rig.engine.running_jobs()
        assert len(running) <= MAX_JOBS
        assert set(running) == {seen.job for seen in self.model.values() if seen.status is JobStatus.RUNNING}
        for job in running:
            assert job.started is not None
            assert now - RUNNING_SECONDS < job.started <= now
        if len(running) < MAX_JOBS and self.connected:
            fresh = [seen.job for seen in self.model.values() if seen.status is JobStatus.SUBMITTED]
            assert not [job for job in fresh if "schedule_count" not in job.meta and job.meta["submit_time"] + 1 <= now]

    @invariant()
    def only_jobs_that_had_their_sites_ever_ran(self) -> None:
        for seen in getattr(self, "model", {}).values():
            assert not seen.job.run_sites or len(seen.job.run_sites) >= seen.needs
            assert bool(seen.job.meta["start_time"]) is bool(seen.job.run_sites)


def reachable(start: JobStatus, end: JobStatus) -> bool:
    """Whether steps of the table lead from one status to another."""
    return start is end or any(reachable(step, end) for step in TRANSITIONS[start])


TestEngine = EngineMachine.TestCase
TestEngine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


EXACT_SECONDS = [0.0625, 1, 7, 300]
"""An eighth of each is exact in binary, so that eight small steps end at the time of a large one."""

CALLS = st.one_of(
    st.tuples(st.just("submit"), st.integers(1, 4)),
    st.tuples(st.sampled_from(["abort", "clone", "delete"]), st.integers(0, 9)),
    st.tuples(st.just("pass"), st.sampled_from(EXACT_SECONDS)),
    st.tuples(st.sampled_from(["connect", "disconnect"]), st.integers(1, 3)),
    st.tuples(st.just("restart"), st.none()),
)


def history(calls: list[tuple[str, Any]], *, steps: int = 1) -> list[dict[str, Any]]:
    """All metas after the calls; time passes in so many steps, after each of which the engine catches up."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), scenario=SCENARIO, sites=3)
        for call, value in calls:
            make_call(rig, call, value, steps)
        return [dict(job.meta) for job in rig.engine.jobs(reverse=False)]


def make_call(rig: Rig, call: str, value: Any, steps: int) -> None:
    if call == "submit":
        rig.submit(min_clients=value)
    elif call == "pass":
        for _ in range(steps):
            rig.pass_time(value / steps)
    elif call == "restart":
        rig.engine.restart()
    elif call in ("connect", "disconnect"):
        rig.engine.set_site_connected(f"site-{value}", call == "connect")
    elif jobs := list(rig.engine.jobs(reverse=False)):
        end_or_clone(rig, call, jobs[value % len(jobs)])


def end_or_clone(rig: Rig, call: str, job: Job) -> None:
    if call == "abort":
        rig.engine.abort(job)
    elif call == "clone":
        rig.engine.clone(job, LEAD)
    elif job.status is not JobStatus.RUNNING:
        rig.engine.delete(job.job_id)


@settings(max_examples=40)
@given(st.lists(CALLS, max_size=20))
def test_the_same_calls_at_the_same_times_make_the_same_history(calls: list[tuple[str, Any]]) -> None:
    assert history(calls) == history(calls)


@settings(max_examples=40)
@given(st.lists(CALLS, max_size=20))
def test_how_often_the_engine_is_asked_changes_nothing(calls: list[tuple[str, Any]]) -> None:
    assert history(calls, steps=8) == history(calls, steps=1)
