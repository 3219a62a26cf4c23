"""CellNet, release 2.9: opening a session, one command, the transfer of large jobs, and many sessions at once.

Servers and clients are processes of their own, measured in turn. Floors are a WebSocket over mutual TLS, without
anything of FLARE in it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.lab.jobs import WAITING, write_named
from conformance.lab.provisioning import LabError
from conformance.lab.server import OfficialServer
from conformance.peers import PeerUnavailable
from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.transcript.entry import Direction, Kind
from tests.benchmarks.figures import MB, MIB, Figure, Progress, at_least, at_most, below, number_text, ratio
from tests.benchmarks.memory import MemoryUnknown, forget_peak, memory_of
from tests.benchmarks.processes import (
    ADMIN,
    CELL_OFFICIAL_VERSION,
    ClientProcess,
    MockServerProcess,
    bare_websocket_server,
    in_memory,
    mock_server,
    official_client,
    own_client,
)
from tests.benchmarks.timing import Samples, Take, interleaved, pooled

RELEASE = "2.9"
SCHEMES = ("http", "tcp", "grpc")
MAX_OPEN_MS = 50
MAX_TIMES_HANDSHAKE = 4
MAX_TIMES_ECHO = 3
MIN_TIMES_OFFICIAL = 6
MIN_TIMES_RATE = 2
MAX_GROWTH_MIB = 64
SIZE = 512 * MIB
SESSIONS = 1000
MAX_SESSIONS_MIB = 600

_ROUNDS = 8
_PROCESSES = 5
_OPENS = 3
_CALLS = 10
_TRANSFERS = 2
_SECONDS = 15
_METHOD = "list_jobs"
_SERVED = f"the official client {CELL_OFFICIAL_VERSION}"


def measure_commands(progress: Progress) -> list[Figure]:
    """Opening a session, and ``list_jobs``, over ``http``."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
        progress("starting MockServer")
        server = stack.enter_context(mock_server(scratch, release=RELEASE))
        _submit(server.kit, scratch)
        sizes = exchange_sizes()
        others: dict[str, Take] = {}
        reason = ""
        try:
            progress(f"starting the official server {CELL_OFFICIAL_VERSION}")
            pair, guest = stack.enter_context(_official(scratch, server))
            others["official"] = lambda: pair.time(_METHOD, count=_CALLS)
            others["guest"] = lambda: guest.time(_METHOD, count=_CALLS)
        except (LabError, PeerUnavailable) as problem:
            reason = str(problem)
        opened, asked = [], []
        for number in range(_PROCESSES):
            progress(f"opening sessions and `{_METHOD}`, {number + 1} of {_PROCESSES}")
            opening, asking = _with_new_clients(scratch, server, sizes, others)
            opened.append(opening)
            asked.append(asking)
        return open_figures(pooled(opened)) + ask_figures(pooled(asked), reason)


def _with_new_clients(
    scratch: Path, server: MockServerProcess, sizes: tuple[int, int], others: Mapping[str, Take]
) -> tuple[dict[str, Samples], dict[str, Samples]]:
    """Measure both with clients, and a floor, that are new processes.

    An exchange with nothing in it takes half as long where the system has put both sides on one core, and it leaves
    them there: what counts is what several processes take.
    """
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(bare_websocket_server(scratch, server))
        own = stack.enter_context(own_client(scratch))
        floor = stack.enter_context(own_client(scratch, "websocket"))
        own.open(user=ADMIN, kit=str(server.kit))
        asked, answered = sizes
        floor.open(host=server.host, port=port, kit=str(server.kit), asked=asked, answered=answered)
        opening: dict[str, Take] = {
            "own": lambda: own.time_open(_OPENS, user=ADMIN, kit=str(server.kit)),
            "floor": lambda: floor.time_open(
                _OPENS, host=server.host, port=port, kit=str(server.kit), asked=8, answered=0
            ),
        }
        asking: dict[str, Take] = {
            "own": lambda: own.time(_METHOD, count=_CALLS),
            "floor": lambda: floor.time("exchange", count=_CALLS),
            **others,
        }
        return interleaved(_ROUNDS, opening), interleaved(_ROUNDS, asking)


def open_figures(found: dict[str, Samples]) -> list[Figure]:
    """The figures of opening a session: ``own`` and ``floor``."""
    own, floor = found["own"], found["floor"]
    return [
        Figure(
            "opening a session, flare_client on MockServer 2.9 over http",
            own.median * 1e3,
            "ms",
            at_most(MAX_OPEN_MS),
            own.spread("ms"),
        ),
        Figure(
            "the same as a multiple of a bare WebSocket handshake over mutual TLS",
            ratio(own.median, floor.median),
            "×",
            at_most(MAX_TIMES_HANDSHAKE),
            f"handshake {floor.spread('ms')}",
        ),
    ]


def ask_figures(found: dict[str, Samples], reason: str) -> list[Figure]:
    """The figures of ``list_jobs``.

    Args:
        found: ``own``, ``floor`` and, if they could be measured, ``official`` and ``guest``: the official client on
            the official server, and on MockServer.
        reason: why those are missing.
    """
    own, floor, official, guest = found["own"], found["floor"], found.get("official"), found.get("guest")
    return [
        Figure(f"`{_METHOD}`, flare_client on MockServer", own.median * 1e3, "ms", detail=own.spread("ms")),
        Figure(
            "the same as a multiple of a bare echo of the same size over the same transport",
            ratio(own.median, floor.median),
            "×",
            at_most(MAX_TIMES_ECHO),
            f"echo {floor.spread('ms')}",
        ),
        Figure(
            f"{_SERVED} on the official server, as a multiple of flare_client's time",
            ratio(official.median, own.median) if official else None,
            "×",
            at_least(MIN_TIMES_OFFICIAL),
            official.spread("ms") if official else reason,
        ),
        Figure(
            f"{_SERVED} on MockServer, as a multiple of its time on the official server",
            ratio(guest.median, official.median) if official and guest else None,
            "×",
            at_most(1),
            guest.spread("ms") if guest else reason,
        ),
    ]


def measure_transfers(progress: Progress) -> list[Figure]:
    """A job of 512 MiB up and down over each scheme: rates and memory."""
    figures: list[Figure] = []
    for scheme in SCHEMES:
        with in_memory(), tempfile.TemporaryDirectory(prefix="flare-bench-") as scratch:
            progress(f"{SIZE // MIB} MiB over {scheme}")
            figures += _transfer(Path(scratch), scheme)
    return figures


def _transfer(scratch: Path, scheme: str) -> list[Figure]:
    # A job that never starts: it is the same on both servers, and neither has anything to do beside the transfer.
    folder = write_named(scratch / "jobs", WAITING)
    (folder / "app" / "custom").mkdir()
    with (folder / "app" / "custom" / "data.bin").open("wb") as data:
        for _ in range(SIZE // MIB):
            data.write(os.urandom(MIB))
    with (
        mock_server(scratch, release=RELEASE, scheme=scheme) as server,
        own_client(scratch) as own,
    ):
        sides = {"own": _Mover(own, server.kit, folder)}
        growth = _growth(sides["own"], server)
        reason = ""
        with contextlib.ExitStack() as stack:
            try:
                official = stack.enter_context(OfficialServer(CELL_OFFICIAL_VERSION, scheme=scheme))
                client = stack.enter_context(official_client(scratch, CELL_OFFICIAL_VERSION))
                sides["official"] = _Mover(client, official.kit(), folder)
            except (LabError, PeerUnavailable) as problem:
                reason = str(problem)
            up = interleaved(_TRANSFERS, {name: side.upload for name, side in sides.items()}, warm_up=0)
            down = interleaved(_TRANSFERS, {name: side.download for name, side in sides.items()}, warm_up=0)
    figures = [
        *rate_figures(f"up over {scheme}", up, reason),
        *rate_figures(f"down over {scheme}", down, reason),
    ]
    for what, grown in growth.items():
        figures.append(
            Figure(f"memory of {what} grows meanwhile by", grown, "MiB", below(MAX_GROWTH_MIB), f"over {scheme}")
        )
    return figures


def rate_figures(what: str, found: dict[str, Samples], reason: str) -> list[Figure]:
    """The figures of the rate, from the seconds of ``own`` and, if it could be measured, of ``official``."""
    own, official = found["own"], found.get("official")
    size = SIZE / MIB
    return [
        Figure(
            f"{SIZE // MIB} MiB {what}: flare_client on MockServer",
            size / own.median,
            "MiB/s",
            detail=own.spread("s"),
        ),
        Figure(
            f"as a multiple of the official pair {CELL_OFFICIAL_VERSION}",
            ratio(official.median, own.median) if official else None,
            "×",
            at_least(MIN_TIMES_RATE),
            f"official: {number_text(size / official.median)} MiB/s, {official.spread('s')}" if official else reason,
        ),
    ]


class _Mover:
    """A client that submits a large job, and downloads what it left, again and again."""

    def __init__(self, client: ClientProcess, kit: Path, folder: Path) -> None:
        self.client = client
        self._kit = kit
        self._folder = folder
        self._jobs: list[str] = []
        client.open(user=ADMIN, kit=str(kit))
        client.set_timeout(120.0)

    def upload(self) -> list[float]:
        """The seconds of one submission; what was written before is on disk by then."""
        os.sync()
        seconds, job_id = self.client.time_with_result("submit_job", str(self._folder))
        self._jobs.append(job_id)
        return [seconds]

    def download(self) -> list[float]:
        """The seconds of one download of what was submitted last; then nothing is left of it anywhere."""
        job_id = self._jobs.pop()
        with new_secure_session(ADMIN, str(self._kit)) as session:
            session.abort_job(job_id)  # only a job that is over can be downloaded
        os.sync()
        seconds, location = self.client.time_with_result("download_job_result", job_id)
        found = list(Path(location).rglob("data.bin"))
        if len(found) != 1 or found[0].stat().st_size != SIZE:
            raise ValueError(f"expected one file of {SIZE} bytes in {location}, but found {found}")
        shutil.rmtree(location)
        with new_secure_session(ADMIN, str(self._kit)) as session:
            session.delete_job(job_id)
        return [seconds]


def _growth(mover: _Mover, server: MockServerProcess) -> dict[str, float | None]:
    """By how many MiB client and server grow while a job goes up and comes down; nothing where the system is mute."""
    pids = {"flare_client": mover.client.pid, "MockServer": server.pid}
    try:
        before = {name: forget_peak(pid) for name, pid in pids.items()}
        mover.upload()
        mover.download()
        return {name: (memory_of(pid).peak - before[name].resident) / MIB for name, pid in pids.items()}
    except MemoryUnknown:
        return dict.fromkeys(pids)


def measure_sessions(progress: Progress) -> list[Figure]:
    """A thousand sessions held open, each asking once a second."""
    with tempfile.TemporaryDirectory(prefix="flare-bench-") as folder:
        scratch = Path(folder)
        with mock_server(scratch, release=RELEASE, scheme="tcp") as server, own_client(scratch) as client:
            job_id = _submit(server.kit, scratch)
            progress(f"opening {SESSIONS} sessions")
            client.open(SESSIONS, user=ADMIN, kit=str(server.kit))
            progress(f"`get_job_meta` of each, every second, for {_SECONDS} s")
            late = client.every_second("get_job_meta", job_id, rounds=_SECONDS)
            try:
                held: float | None = memory_of(server.pid).peak / MB
            except MemoryUnknown:
                held = None
    return [
        Figure(
            f"memory of MockServer with {SESSIONS:,} sessions, each asking `get_job_meta` every second",
            held,
            "MB",
            below(MAX_SESSIONS_MIB),
        ),
        Figure(
            "the slowest round of all sessions",
            late,
            "s",
            at_most(1.0),
            f"{_SECONDS} rounds; an error of any session ends the measurement",
        ),
    ]


def _submit(kit: Path, scratch: Path) -> str:
    with new_secure_session(ADMIN, str(kit)) as session:
        return session.submit_job(str(write_named(scratch / "jobs", WAITING)))


def exchange_sizes() -> tuple[int, int]:
    """The bytes of the measured command's frames, and of those that answer it, of which one is the acknowledgement."""
    with MockServer(RELEASE) as server, tempfile.TemporaryDirectory(prefix="flare-bench-") as scratch:
        kit = server.kit()
        _submit(kit, Path(scratch))
        with new_secure_session(ADMIN, str(kit)) as session:
            before = server.transcript.last
            session.list_jobs()
            # What is answered next was sent after all of the answer before.
            session.get_system_info()
            messages = [one for one in server.transcript.entries(before) if one.kind is Kind.MESSAGE]
    sizes = [(one.direction, int(one.detail["frame"]["length"])) for one in messages]
    incoming = [index for index, (direction, _) in enumerate(sizes) if direction is Direction.IN]
    first, second = incoming[:2]
    return sizes[first][1], sum(size for _, size in sizes[first + 1 : second])


@contextlib.contextmanager
def _official(scratch: Path, server: MockServerProcess) -> Iterator[tuple[ClientProcess, ClientProcess]]:
    """The official client on the official server, and on MockServer."""
    with (
        OfficialServer(CELL_OFFICIAL_VERSION) as official,
        official_client(scratch, CELL_OFFICIAL_VERSION) as pair,
        official_client(scratch, CELL_OFFICIAL_VERSION) as guest,
    ):
        _submit(official.kit(), scratch / "official")
        pair.open(user=ADMIN, kit=str(official.kit()))
        guest.open(user=ADMIN, kit=str(server.kit))
        yield pair, guest
