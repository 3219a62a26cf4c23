"""Any sequence of calls with a process that is killed in between: against a dict, and against an engine that lives."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flare_client.protocol.jobs import JobStatus
from mock_server.jobs.store import DEFINITION_FILE, Again, Job, Submitter
from mock_server.jobs.submissions import Record, Scope
from mock_server.scenarios import library
from mock_server.scenarios.jobs import DEFAULT_RULE, JobRule
from mock_server.scenarios.results import ResultSpec
from mock_server.state import Owner, State
from mock_server.state.records import plan_text, read_plan
from tests.mock_server.jobs.rig import LEAD, Rig
from tests.mock_server.jobs.test_machine import CALLS, SCENARIO, make_call
from tests.mock_server.state.rig import DurableRig

OWNER = Owner("2.6", "example_project", secure=True)
TEXTS = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from("abcd")
PLANS = (
    DEFAULT_RULE.plan,
    JobRule(running=7.5, outcome="ABNORMAL", result=ResultSpec(size=5, files={"a/b": "c"})).plan,
    *(rule.plan for name in library.names() for rule in library.find(name).jobs),
)
PLANNED = st.none() | st.tuples(st.floats(0, 2e9), st.integers(0, 2) | st.sampled_from(Again))


class StoreMachine(RuleBasedStateMachine):
    """A state against dicts: what was committed is there after it was opened again, and nothing else."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.now = 0.0
        self.jobs: dict[str, Job] = {}
        self.submissions: dict[Scope, Record] = {}
        self.facts: dict[str, Any] = {}
        self.open()
        self.commit()

    def open(self) -> None:
        self.state = State(self.folder / "state", OWNER)
        kept = self.state.load(self.root, lambda: self.now)
        self.loaded = kept
        self.live = {job.job_id: job for job in kept.jobs} if kept is not None else {}
        self.live_submissions = dict(kept.submissions) if kept is not None else {}
        self.live_facts = (
            {name: fact for name, fact in kept.facts.items() if name in "abcd"} if kept is not None else {}
        )

    @property
    def root(self) -> Path:
        return self.folder / "state" / "run" / "jobs"

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.state.close()
            shutil.rmtree(self.folder)

    @rule(name=NAMES, plan=st.sampled_from(PLANS), meta=st.dictionaries(TEXTS, JSON, max_size=3), own=st.booleans())
    def add(self, name: str, plan: Any, meta: dict[str, Any], own: bool) -> None:
        old = self.live.get(name)
        if old is not None:
            self.state.removed(old)
        number = 1 + max((job.sequence for job in self.live.values()), default=0)
        folder = next(
            path
            for path in (self.root / f"{name}{suffix}" for suffix in ("", ".2", ".3", ".4", ".5", ".6"))
            if not path.exists()
        )
        job = Job(name, LEAD, {**meta, "status": "SUBMITTED"}, folder, sequence=number, plan=plan, result=plan.result)
        job.own_definition = self.folder / "own.zip" if own else None
        if not own:
            folder.mkdir()
            (folder / DEFINITION_FILE).write_bytes(name.encode())
        self.live[name] = job
        self.state.changed(job)

    @rule(
        name=NAMES,
        status=st.sampled_from(JobStatus),
        times=st.tuples(st.none() | st.floats(0, 2e9), st.none() | st.floats(0, 2e9)),
        planned=PLANNED,
        saved=st.booleans(),
        lines=st.dictionaries(NAMES, st.lists(TEXTS, max_size=2), max_size=2),
        size=st.none() | st.integers(0, 9),
    )
    def change(
        self, name: str, status: JobStatus, times: Any, planned: Any, saved: bool, lines: Any, size: Any
    ) -> None:
        job = self.live.get(name)
        if job is None:
            return
        job.status, job.meta["status"], job.is_saved, job.planned = status, status.value, saved, planned
        job.started, job.ended = times
        job.taken[len(lines)] += 1
        job.logs, job.errors = lines, {"server": {"a": {"b": name}}} if saved else {}
        job.run_sites = {"site-1": "app"} if saved else {}
        if size is not None:
            job.result = job.result.extended(ResultSpec(size=size))
        self.state.changed(job)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        job = self.live.pop(name, None)
        if job is not None:
            self.state.removed(job)

    @rule(token=NAMES, study=NAMES, job_id=NAMES, deleted=TEXTS)
    def note_submission(self, token: str, study: str, job_id: str, deleted: str) -> None:
        scope, record = (study, Submitter("me", "org", "lead"), token), Record(job_id, "content", deleted)
        self.live_submissions[scope] = record
        self.state.submitted(scope, record)

    @rule(name=NAMES, fact=JSON)
    def note(self, name: str, fact: Any) -> None:
        self.live_facts[name] = fact
        self.state.note(name, fact)

    @rule(seconds=st.integers(0, 9))
    def commit(self, seconds: int = 0) -> None:
        self.now += seconds
        self.state.note("committed at", self.now)
        self.state.commit()
        self.jobs = {name: copy_of(job) for name, job in self.live.items()}
        self.submissions = {scope: Record(**vars(record)) for scope, record in self.live_submissions.items()}
        self.facts = dict(self.live_facts)

    @rule()
    def kill(self) -> None:
        """What was told and not committed never was."""
        self.state.close()
        self.open()
        assert self.loaded is not None
        assert {name: described(job) for name, job in self.live.items()} == {
            name: described(job) for name, job in self.jobs.items()
        }
        assert [job.sequence for job in self.loaded.jobs] == sorted(job.sequence for job in self.jobs.values())
        assert self.live_submissions == self.submissions
        assert self.live_facts == self.facts
        assert self.loaded.time == self.loaded.facts["committed at"]
        there = {path.name for path in self.root.iterdir()}
        assert there >= {job.folder.name for job in self.jobs.values() if job.own_definition is None}
        # A job whose definition is elsewhere has a folder, too: for its result. What a killed process was about to put
        # there, for a job of the same id that was never committed, stays until the job goes.
        assert there <= {job.folder.name for job in self.jobs.values()}

    @rule()
    def clear(self) -> None:
        self.state.clear()
        self.state.close()
        self.jobs, self.submissions, self.facts = {}, {}, {}
        self.open()
        assert self.loaded is None
        self.commit()

    @invariant()
    def every_job_that_was_committed_has_its_definition(self) -> None:
        for job in getattr(self, "jobs", {}).values():
            assert job.own_definition is not None or (job.folder / DEFINITION_FILE).is_file()


def described(job: Job) -> dict[str, Any]:
    """What of a job must be as it was."""
    return {**vars(job), "own_definition": job.own_definition is not None, "events": 0}


def copy_of(job: Job) -> Job:
    """A job that does not change with another one."""
    fresh = Job(**{**vars(job), "meta": dict(job.meta), "taken": job.taken.copy()})
    fresh.logs = {name: list(lines) for name, lines in job.logs.items()}
    return fresh


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_is_the_same_once_it_is_read(plan: Any) -> None:
    name, text = plan_text(plan)
    assert read_plan(text) == plan
    assert plan_text(read_plan(text)) == (name, text)


@settings(max_examples=40)
@given(calls=st.lists(CALLS, max_size=20), release=st.sampled_from(["2.3", "2.6", "2.7", "2.9"]))
def test_a_process_that_is_killed_makes_the_history_of_a_restart(calls: list[tuple[str, Any]], release: str) -> None:
    """The same calls at the same times, once with restarts, once with kills: no client can tell the two apart."""
    with tempfile.TemporaryDirectory() as folder:
        lives = Rig(Path(folder) / "lives", release, scenario=SCENARIO, sites=3)
        lives.root.mkdir(exist_ok=True)
        killed = DurableRig(Path(folder), release, scenario=SCENARIO, sites=3)
        for call, value in calls:
            make_call(lives, call, value, 1)
            if call == "restart":
                killed.kill()
            else:
                make_call(killed, call, value, 1)  # type: ignore[arg-type] # as a rig, as far as calls go
                killed.state.commit()
        expected = [dict(job.meta) for job in lives.engine.jobs(reverse=False)]
        assert killed.metas() == expected
        killed.kill()
        lives.engine.restart()
        assert killed.metas() == [dict(job.meta) for job in lives.engine.jobs(reverse=False)]
        assert {path.name for path in killed.jobs_root.iterdir()} == {meta["job_id"] for meta in expected}
        killed.state.close()
