"""Downloads over CellNet: pieces that come while others are written, and what is left of one that fails."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from flare_client import Session, new_secure_session
from flare_client.cellnet import link, transfer
from flare_client.protocol.cellnet import download
from flare_client.protocol.cellnet.blocks import LARGE
from mock_server import MockServer
from tests.support import JobMaker

PIECES = 3
Write = Callable[[bytes], int]


@pytest.fixture(params=["http", "tcp", "grpc"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session whose jobs end at once and leave a large file."""
    scenario = {"jobs": [{"queued": 0, "running": 0, "result": {"size": PIECES * download.PIECE_SIZE}}]}
    with (
        MockServer("2.9", scheme=request.param, scenario=scenario) as server,
        new_secure_session("admin@nvidia.com", str(server.kit())) as opened,
    ):
        yield opened


def write_by(monkeypatch: pytest.MonkeyPatch, write: Callable[[Write, bytes], int]) -> None:
    """Have every block of a piece written by a function, which is given what really writes it."""

    class Target:
        def __init__(self, inner: BinaryIO) -> None:
            self.inner = inner
            self.flush = inner.flush

        def write(self, data: bytes) -> int:
            return write(self.inner.write, data)

    fetch = transfer._fetch

    def fetch_into(connection: Any, reference: str, target: BinaryIO, *, confirms: bool) -> None:
        fetch(connection, reference, Target(target), confirms=confirms)  # type: ignore[arg-type] # enough of a file

    monkeypatch.setattr(transfer, "_fetch", fetch_into)


def finished(session: Session, make_job: JobMaker) -> str:
    job_id: str = session.submit_job(str(make_job()))
    session.monitor_job(job_id, timeout=30, poll_interval=0.05)
    return job_id


def test_the_next_piece_is_asked_for_before_one_is_written(
    session: Session, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    history: list[str | int] = []
    start = link.Link.start

    def started(self: link.Link, channel: str, topic: str, content: Any, headers: Any = None) -> Any:
        if channel == download.CHANNEL:
            history.append("ask")
        return start(self, channel, topic, content, headers)

    def written(really: Write, data: bytes) -> int:
        if history and isinstance(history[-1], int):
            history[-1] += len(data)  # another block of the same piece
        else:
            history.append(len(data))
        return really(data)

    monkeypatch.setattr(link.Link, "start", started)
    write_by(monkeypatch, written)
    session.download_job_result(finished(session, make_job))
    full = download.PIECE_SIZE
    first = history.index(full)
    assert history[first - 2 : first + 3] == ["ask", "ask", full, "ask", full]


def test_a_download_that_cannot_be_written_leaves_nothing_and_ends_nothing_else(
    session: Session, make_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = finished(session, make_job)
    with monkeypatch.context() as broken:

        def full(really: Write, data: bytes) -> int:
            if len(data) >= LARGE // 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return really(data)

        write_by(broken, full)
        with pytest.raises(OSError, match="No space left"):
            session.download_job_result(job_id)
    assert session.get_job_meta(job_id)["job_id"] == job_id
    location = Path(session.download_job_result(job_id))
    assert [path.stat().st_size for path in location.rglob("*") if path.stat().st_size >= download.PIECE_SIZE]
    assert sorted(path.name for path in location.parent.iterdir()) == [location.name]
