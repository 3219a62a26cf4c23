"""The store: order, and that a list of the newest does not cost more where there are more."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mock_server.jobs.runner import JobRunner
from mock_server.jobs.store import Job, JobStore
from tests.mock_server.jobs.rig import LEAD, Rig


def job(job_id: str) -> Job:
    return Job(job_id, LEAD, {}, Path("nowhere") / job_id)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef"))))
def test_the_order_is_that_of_submission_from_either_end(steps: list[tuple[bool, str]]) -> None:
    store = JobStore()
    expected: list[str] = []
    for adds, job_id in steps:
        if adds:
            store.add(job(job_id))
        elif (found := store.get(job_id)) is not None:
            store.remove(found)
        expected = [other for other in expected if other != job_id] + ([job_id] if adds else [])
    assert [found.job_id for found in store.jobs(reverse=False)] == expected
    assert [found.job_id for found in store.jobs(reverse=True)] == expected[::-1]
    assert len(store) == len(expected)
    sequence = [found.sequence for found in store.jobs(reverse=False)]
    assert sequence == sorted(set(sequence))


class Watched(dict[str, Job]):
    """The store's dict, that counts what is read of it."""

    reads = 0

    def values(self) -> WatchedValues:  # type: ignore[override]  # a view that counts
        return WatchedValues(self)


class WatchedValues:
    def __init__(self, jobs: Watched) -> None:
        self.jobs = jobs

    def __iter__(self):  # type: ignore[no-untyped-def]  # a generator in a stand-in
        for value in dict.values(self.jobs):
            self.jobs.reads += 1
            yield value

    def __reversed__(self):  # type: ignore[no-untyped-def]  # a generator in a stand-in
        for value in reversed(dict.values(self.jobs)):
            self.jobs.reads += 1
            yield value


def test_the_newest_of_twenty_thousand_are_read_and_no_others(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    store = rig.engine._store
    watched = store._jobs = Watched()
    for number in range(20_000):
        store.add(job(str(number)))
    for reverse, expected in ((True, range(19_999, 19_979, -1)), (False, range(20))):
        watched.reads = 0
        assert [found.job_id for found in islice(rig.engine.jobs(reverse=reverse), 20)] == [str(n) for n in expected]
        assert watched.reads == 20
    watched.reads = 0
    assert rig.engine.get("777") is not None
    assert watched.reads == 0


def test_jobs_that_wait_are_not_looked_at_again_and_again(tmp_path: Path) -> None:
    """A place that gets free costs one look, however many jobs wait for it."""
    rig = Rig(tmp_path, scenario={"jobs": [{"queued": 0, "running": 1}], "limits": {"max_jobs": 1}})
    looks: list[str] = []
    look_at = JobRunner._look_at

    class Counting(JobRunner):
        def _look_at(self, job: Job, now: float) -> None:
            looks.append(job.job_id)
            look_at(self, job, now)

    rig.engine._runner.__class__ = Counting
    jobs = [rig.submit() for _ in range(40)]
    rig.pass_time(100)
    assert looks == [job.job_id for job in jobs]
    assert all(job.status.is_finished for job in jobs)
