"""A stage on a toy server: states are reached, probes are made in order, and nothing is left behind."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from conformance.lab.fidelity.peer import NoAnswer, Seen
from conformance.lab.fidelity.probe import LOOKED_AT, Chapter, Job, JobNeed, Probe, probe
from conformance.lab.fidelity.stage import HANGS, Stage
from conformance.lab.provisioning import LabError


class Toy:
    """A server and its client: jobs that the scheduler looks at when somebody asks for their meta."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.did: list[str] = []
        self.numbers = itertools.count(1)

    # --- the server

    def kit(self, user: str) -> Path:
        return Path("/kits") / user

    def restart(self) -> None:
        self.did.append("restart")

    def reset(self) -> None:
        self.did.append("reset")
        self.jobs = {}

    # --- the client

    def open(self, name: str, *_args: Any, **_further: Any) -> Seen:
        self.did.append(f"open {name}")
        return Seen(raised=("NoConnection",)) if name == "member" else Seen()

    def close(self, name: str) -> Seen:
        self.did.append(f"close {name}")
        return Seen()

    def start(self) -> None:
        self.did.append("start")

    def stop(self) -> None:
        self.did.append("stop")

    def call(self, session: str, method: str, *args: Any, **_kwargs: Any) -> Seen:
        self.did.append(f"{session}: {method}")
        return getattr(self, f"do_{method}")(*args)

    def do_submit_job(self, _folder: str) -> Seen:
        job_id = f"{next(self.numbers):08d}-0000-4000-8000-000000000000"
        self.jobs[job_id] = {"job_id": job_id, "name": "n", "status": "SUBMITTED", "schedule_count": 0}
        return Seen(job_id)

    def do_get_job_meta(self, job_id: str) -> Seen:
        if job_id not in self.jobs:
            return Seen(raised=("JobNotFound", "Exception"), text=f"no such job: {job_id}")
        self.jobs[job_id]["schedule_count"] += 1
        return Seen(dict(self.jobs[job_id]))

    def do_abort_job(self, job_id: str) -> Seen:
        self.jobs[job_id]["status"] = "FINISHED:ABORTED"
        return Seen()

    def do_delete_job(self, job_id: str) -> Seen:
        del self.jobs[job_id]
        return Seen()

    def do_list_jobs(self) -> Seen:
        return Seen(list(self.jobs.values()))

    def do_get_system_info(self) -> Seen:
        return Seen({"attributes": {"job_info": [], "client_info": []}})

    def do_get_client_job_status(self) -> Seen:
        return Seen([{"client_name": "site-1", "status": "no_jobs"}])

    def do_restart(self) -> Seen:
        raise NoAnswer("it hangs")


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def stage(toy: Toy, tmp_path: Path) -> Stage:
    return Stage(toy, toy, tmp_path, seconds=5.0, commands=lambda: len(toy.jobs))  # type: ignore[arg-type]


def played(stage: Stage, chapter: Chapter) -> dict[str, Seen]:
    return dict(stage.play(chapter, chapter.probes))


def test_a_job_is_there_in_its_state_and_its_id_has_its_name(stage: Stage, toy: Toy) -> None:
    chapter = Chapter("c", "", (probe("get_job_meta", Job("job")),), (JobNeed("job", "waiting", LOOKED_AT),))
    [(key, seen)] = played(stage, chapter).items()
    assert key == "c: get_job_meta(<job>)"
    assert seen.value == {"job_id": "<job>", "name": "n", "status": "SUBMITTED", "schedule_count": "<count: int>"}
    assert toy.jobs == {}, "what the chapter made is gone"


def test_a_job_may_be_aborted_and_deleted_before(stage: Stage) -> None:
    need = JobNeed("job", "waiting", LOOKED_AT, aborted=True, deleted=True)
    [seen] = played(stage, Chapter("c", "", (probe("get_job_meta", Job("job")),), (need,))).values()
    assert (seen.raised[0], seen.text) == ("JobNotFound", "no such job: <job>")


def test_probes_about_a_job_that_was_not_made_are_left_out(stage: Stage) -> None:
    probes = (probe("get_job_meta", Job("made")), Probe("submit_job", ("x",), makes="made"))
    again = Probe("get_job_meta", (Job("made"),), what="again")
    assert list(played(stage, Chapter("c", "", (*probes, again)))) == [
        "c: submit_job('x')",
        "c: get_job_meta(<made>) (again)",
    ]
    assert stage.asked == {"c: submit_job('x')"}, "by what counts as a command here"


def test_a_client_that_hangs_is_ended_and_the_next_probe_has_another(stage: Stage, toy: Toy) -> None:
    found = played(stage, Chapter("c", "", (probe("restart"), probe("list_jobs"))))
    assert [one.raised for one in found.values()] == [(HANGS,), ()]
    begin = toy.did.index("stop")
    assert toy.did[begin : begin + 4] == ["stop", "start", "open admin", "admin: list_jobs"]


def test_a_chapter_that_is_alone_has_a_server_of_its_own(stage: Stage, toy: Toy) -> None:
    played(stage, Chapter("c", "", (probe("list_jobs"),), alone=True))
    assert toy.did == ["stop", "start", "reset", "open admin", "admin: list_jobs"]


def test_a_login_that_fails_is_told(stage: Stage) -> None:
    with pytest.raises(LabError, match="expected a session of member"):
        played(stage, Chapter("c", "", (), users=("member",)))
