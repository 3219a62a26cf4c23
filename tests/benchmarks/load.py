"""Commands a second from many sessions at once, in both dialects, and how long the slowest of a hundred waits.

Server and clients are a process each, so that two cores have one each; ``programs/load.py`` is the clients.
"""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.lab.jobs import WAITING, write_named
from flare_client import new_secure_session
from tests.benchmarks.figures import Figure, Progress, at_least, below, number_text
from tests.benchmarks.memory import CpuUnknown, cpu_seconds
from tests.benchmarks.processes import ADMIN, ClientProcess, MockServerProcess, mock_server, own_client

SESSIONS = 32
MIN_SOCKET_RATE = 2000
MIN_CELL_RATE = 4000
MAX_P99_MS = 50

_WARM_UP = 2.0
_SECONDS = 10.0
_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Side:
    """One dialect.

    Attributes:
        name: as the figures call it.
        release: of the server.
        scheme: how frames travel.
        generator: the name of the load's factory.
        least: commands a second that are wanted.
        options: more for the factory.
    """

    name: str
    release: str
    scheme: str | None
    generator: str
    least: int
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


SIDES = (
    *(
        Side(f"the socket dialect (2.6), sessions of {name} resumed", "2.6", None, "socket-load", MIN_SOCKET_RATE, tls)
        for name, tls in (("TLS 1.2", {"tls": "TLSv1_2"}), ("TLS 1.3", {"tls": "TLSv1_3"}))
    ),
    Side("CellNet (2.9 over tcp, mutual TLS)", "2.9", "tcp", "cell-load", MIN_CELL_RATE),
)


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of a load.

    Attributes:
        taken: the seconds of each command.
        seconds: how long it took in all.
        server: seconds of the CPU that the server took; ``None`` where the system does not tell.
        clients: likewise of the clients.
        resumed: of how many commands the TLS session was one of before; ``None`` where a connection lasts.
    """

    taken: tuple[float, ...]
    seconds: float
    server: float | None = None
    clients: float | None = None
    resumed: int | None = None

    @property
    def rate(self) -> float:
        """Commands a second."""
        return len(self.taken) / self.seconds

    @property
    def p99(self) -> float:
        """Seconds within which all but a hundredth of the commands are answered."""
        return statistics.quantiles(self.taken, n=100)[98]


def measure(progress: Progress) -> list[Figure]:
    """Measure both dialects."""
    return [figure for side in SIDES for figure in side_figures(side, _runs(side, progress))]


def _runs(side: Side, progress: Progress) -> list[Run]:
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
        server = stack.enter_context(mock_server(scratch, release=side.release, scheme=side.scheme))
        with new_secure_session(ADMIN, str(server.kit)) as session:
            job_id = session.submit_job(str(write_named(scratch / "jobs", WAITING)))
        clients = stack.enter_context(own_client(scratch, side.generator))
        clients.open(
            host=server.host,
            port=server.admin_port,
            kit=str(server.kit),
            user=ADMIN,
            line=f"get_job_meta {job_id}",
            sessions=SESSIONS,
            **side.options,
        )
        progress(f"{side.name}: {_ROUNDS} times {_SECONDS:g} s")
        clients.call("run", _WARM_UP)
        return [_run(server, clients) for _ in range(_ROUNDS)]


def _run(server: MockServerProcess, clients: ClientProcess) -> Run:
    before = [_cpu(pid) for pid in (server.pid, clients.pid)]
    found = clients.call("run", _SECONDS)
    after = [_cpu(pid) for pid in (server.pid, clients.pid)]
    spent = [None if one is None or two is None else two - one for one, two in zip(before, after, strict=True)]
    return Run(tuple(found["taken"]), float(found["seconds"]), *spent, resumed=found.get("resumed"))


def _cpu(pid: int) -> float | None:
    try:
        return cpu_seconds(pid)
    except CpuUnknown:
        return None


def side_figures(side: Side, runs: list[Run]) -> list[Figure]:
    """The figures of one dialect: of the run in the middle.

    Args:
        side: the dialect.
        runs: what came of it, at least once.
    """
    middle = sorted(runs, key=lambda run: run.rate)[len(runs) // 2]
    rates = f"{number_text(min(run.rate for run in runs))} to {number_text(max(run.rate for run in runs))} 1/s"
    p99s = f"{number_text(min(run.p99 for run in runs) * 1e3)} to {number_text(max(run.p99 for run in runs) * 1e3)} ms"
    return [
        Figure(
            f"commands a second from {SESSIONS} sessions, {side.name}",
            middle.rate,
            "1/s",
            at_least(side.least),
            f"{rates} ({len(runs)} runs){_resumed(middle)}{_shares(middle)}",
        ),
        Figure(
            f"the 99th of a hundred commands, {side.name}",
            middle.p99 * 1e3,
            "ms",
            below(MAX_P99_MS),
            f"median {number_text(statistics.median(middle.taken) * 1e3)} ms; 99th {p99s}",
        ),
    ]


def _resumed(run: Run) -> str:
    """How many connections went on with the TLS session of another."""
    return "" if run.resumed is None else f"; {number_text(100 * run.resumed / len(run.taken))} % resumed"


def _shares(run: Run) -> str:
    """What a command costs each side, where the system tells."""
    if run.server is None or run.clients is None:
        return ""
    server, clients = (seconds / len(run.taken) * 1e6 for seconds in (run.server, run.clients))
    return (
        f"; a command takes {number_text(server)} µs of the CPU in the server, {number_text(clients)} µs in the clients"
    )
