"""How far uploads and downloads have come, told by sessions of every release."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import Session, Transferred
from mock_server import MockServer
from tests.support import JobMaker, servers_of_releases

SCENARIO = {"jobs": [{"queued": 0, "running": 0, "result": {"size": "3MiB"}}], "limits": {"max_jobs": 1000}}
SIZE = 3 * 1024 * 1024


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


def test_an_upload_grows_to_its_size(session: Session, make_job: JobMaker) -> None:
    told: list[Transferred] = []
    session.progress = told.append
    session.submit_job(str(make_job("hello", files={"app/data.bin": "x" * SIZE})))
    assert {one.name for one in told} == {"hello"}
    (total,) = {one.total for one in told}
    assert total is not None
    assert total > SIZE
    sent = [one.done for one in told]
    assert sent == sorted(sent)
    assert (sent[0], sent[-1]) == (0, total)
    assert len(set(sent)) > 2, "it is told on the way, too"
    assert told[-1].is_whole


def test_a_download_is_told_file_by_file(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("hello")))
    session.monitor_job(job_id, timeout=20, poll_interval=0.01)
    told: list[Transferred] = []
    session.progress = told.append
    session.download_job_result(job_id)
    ends = [one for one in told if one.is_whole]
    assert max(one.done for one in ends) > SIZE
    if session.release == "2.3":
        assert [one.name for one in told] == [f"{job_id}.zip"], "one reply, told once"
        return
    for end in ends:
        came = [one.done for one in told if one.name == end.name]
        assert came == sorted(came)
        assert came[-1] == end.done
    assert len(told) > len(ends) + 2


def test_who_does_not_ask_is_told_nothing(session: Session, make_job: JobMaker) -> None:
    told: list[Transferred] = []
    session.progress = told.append
    session.progress = None
    assert session.progress is None
    session.submit_job(str(make_job("hello")))
    assert told == []


def test_what_the_listener_raises_ends_the_transfer_and_nothing_is_kept(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("hello")))
    session.monitor_job(job_id, timeout=20, poll_interval=0.01)

    def refuse(_: Transferred) -> None:
        raise KeyboardInterrupt

    session.progress = refuse
    with pytest.raises(KeyboardInterrupt):
        session.download_job_result(job_id)
    assert list(Path(session.download_dir).iterdir()) == []
    session.progress = None
    assert Path(session.download_job_result(job_id)).is_dir()
