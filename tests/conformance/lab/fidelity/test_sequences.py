"""Random sequences on two toy servers: what differs is found, and shrunk to the shortest that does."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings

from conformance.lab.fidelity.comparison import Compared
from conformance.lab.fidelity.peer import Seen
from conformance.lab.fidelity.probe import Job, Probe
from conformance.lab.fidelity.probes import is_in
from conformance.lab.fidelity.sequences import Nth, play, search, sequences

NOT_FOUND = Seen(raised=("JobNotFound", "Exception"))


class Toy:
    """Jobs that are there or not; one that is broken does not delete clones."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.jobs: dict[str, int] = {}
        self.calls = 0

    def begin(self, users: Iterable[str]) -> None:
        assert "member" in users
        self.jobs = {}

    def make(self, one: Probe) -> Seen:
        self.calls += 1
        about = one.args[0] if one.args else None
        depth = self.jobs.get(about.name) if isinstance(about, Job) else 0
        if depth is None:
            return NOT_FOUND
        if one.makes:
            self.jobs[one.makes] = depth + 1 if one.method == "clone_job" else 0
            return Seen("id")
        if one.method == "delete_job" and isinstance(about, Job) and not (self.broken and depth == 1):
            del self.jobs[about.name]
        return Seen(sorted(self.jobs))


def never(_one: Compared) -> bool:
    return False


def test_servers_that_do_the_same_never_differ() -> None:
    official, mock = Toy(), Toy()
    found = search("2.9", official, mock, never, examples=30, number=7, progress=lambda _text: None)
    assert found.played == 30
    assert found.differing == ()
    assert official.calls == mock.calls > 30


def test_what_differs_is_shrunk_to_the_shortest() -> None:
    told: list[str] = []
    found = search("2.9", Toy(), Toy(broken=True), never, examples=400, number=7, progress=told.append)
    [(script, reason)] = found.differing[:1]
    lines = script.splitlines()
    assert lines[:-2] == [
        "admin: job1 = submit_job(folder('waiting'))",
        "admin: job2 = clone_job(<job1>)",
        "admin: delete_job(<job2>)",
    ]
    assert lines[-2] == 'official: returned ["job1"]'
    assert lines[-1] == 'mock: returned ["job1", "job2"]'
    assert reason == ""
    assert "a sequence differs" in told[0]


def test_what_is_explained_does_not_end_a_search() -> None:
    def known(one: Compared) -> bool:
        return one.method in ("delete_job", "get_system_info", "list_jobs")

    found = search("2.9", Toy(), Toy(broken=True), known, examples=40, number=7, progress=lambda _text: None)
    assert found.played >= 40


def test_a_call_about_a_job_is_left_out_where_there_is_none() -> None:
    official, mock = Toy(), Toy()
    play([Probe("delete_job", (Nth(1),))], official, mock, never)
    assert official.calls == mock.calls == 0


@settings(max_examples=30, deadline=None)
@given(sequences())
def test_every_call_that_is_drawn_is_in_some_release(drawn: list[Probe]) -> None:
    assert all(is_in(one, "2.9") for one in drawn)
