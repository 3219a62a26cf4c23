"""A result of 512 MiB by the pull-based transfer of release 2.6: the memory of either side, and the rate.

Server and clients are processes of their own. The first download makes the server write the result, so it is the one
whose memory counts; the rates are those of downloads after it, flare_client and the official client in turn.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

from conformance.peers import PeerUnavailable
from flare_client import new_secure_session
from tests.benchmarks.figures import MIB, Bound, Figure, Progress, at_least, below, number_text, ratio
from tests.benchmarks.memory import MemoryUnknown, forget_peak, memory_of
from tests.benchmarks.processes import (
    ADMIN,
    OFFICIAL_VERSION,
    ClientProcess,
    MockServerProcess,
    in_memory,
    mock_server,
    official_client,
    own_client,
)
from tests.benchmarks.timing import Samples, Take, interleaved
from tests.support import write_job

SIZE = 512 * MIB
MAX_GROWTH_MIB = 64
MIN_TIMES_OFFICIAL = 2

_ROUNDS = 6
_DOWNLOAD = "download_job_result"


@dataclasses.dataclass(frozen=True)
class Growth:
    """By how many bytes client and server grew during a download: the peak over what was resident before."""

    client: int
    server: int


def measure(progress: Progress) -> list[Figure]:
    """Download the result several times, by both clients in turn."""
    scenario = {"jobs": [{"queued": 0, "running": 0, "result": {"size": SIZE}}]}
    with contextlib.ExitStack() as stack:
        stack.enter_context(in_memory())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
        server = stack.enter_context(mock_server(scratch, scenario))
        with new_secure_session(ADMIN, str(server.kit)) as session:
            job_id = session.submit_job(str(write_job(scratch)))
        own = _Downloader(stack.enter_context(own_client(scratch)), server, job_id)
        progress("memory of flare_client and MockServer during a download")
        growth = own.growth()
        sides: dict[str, Take] = {"own": own.take}
        official_growth: Growth | str
        reason = ""
        try:
            official = _Downloader(stack.enter_context(official_client(scratch)), server, job_id)
            progress(f"memory of the official client {OFFICIAL_VERSION} during a download")
            official_growth = official.growth()
            sides["official"] = official.take
        except PeerUnavailable as problem:
            official_growth = reason = str(problem)
        progress("downloads in turn")
        rates = interleaved(_ROUNDS, sides, warm_up=0)
        return memory_figures(growth, official_growth) + rate_figures(rates, reason)


def memory_figures(growth: Growth | str, official: Growth | str) -> list[Figure]:
    """The figures of memory; a text says why there is none."""
    size = f"{SIZE // MIB} MiB result"
    bound = below(MAX_GROWTH_MIB)
    return [
        _growth_figure(f"memory of flare_client grows during the download of a {size} by", growth, "client", bound),
        _growth_figure("memory of MockServer grows meanwhile by", growth, "server", bound),
        _growth_figure(f"memory of the official client {OFFICIAL_VERSION} grows by", official, "client", None),
    ]


def _growth_figure(name: str, growth: Growth | str, side: str, bound: Bound | None) -> Figure:
    if isinstance(growth, str):
        return Figure(name, None, "MiB", bound, growth)
    return Figure(name, getattr(growth, side) / MIB, "MiB", bound)


def rate_figures(found: dict[str, Samples], reason: str) -> list[Figure]:
    """The figures of the rate: bytes of the result by the time of the whole call, which unpacks them too.

    Args:
        found: the seconds of ``own`` and, if it could be measured, of ``official``.
        reason: why there is no ``official``.
    """
    own, official = found["own"], found.get("official")
    name = f"flare_client's rate as a multiple of the official client's ({OFFICIAL_VERSION}), both on MockServer"
    return [
        Figure("rate of flare_client", SIZE / MIB / own.median, "MiB/s", detail=own.spread("s")),
        Figure(
            name,
            ratio(official.median, own.median) if official else None,
            "×",
            at_least(MIN_TIMES_OFFICIAL),
            f"official: {number_text(SIZE / MIB / official.median)} MiB/s, {official.spread('s')}"
            if official
            else reason,
        ),
    ]


class _Downloader:
    """A client that downloads the result of a job from a server, again and again."""

    def __init__(self, client: ClientProcess, server: MockServerProcess, job_id: str) -> None:
        self._client = client
        self._server = server
        self._job_id = job_id
        client.open(user=ADMIN, kit=str(server.kit))

    def take(self) -> list[float]:
        """The seconds of one download.

        What it left is removed, and nothing waits to be written to disk when the next one begins: otherwise one client
        would pay for what the other wrote.
        """
        os.sync()
        seconds = self._client.time(_DOWNLOAD, self._job_id)
        found = list((self._server.kit / "transfer").glob(f"{self._job_id}*/workspace/result.bin"))
        if len(found) != 1 or found[0].stat().st_size != SIZE:
            raise ValueError(f"expected one result of {SIZE} bytes, but found {[path.name for path in found]}")
        shutil.rmtree(found[0].parents[1])
        return seconds

    def growth(self) -> Growth | str:
        """Download once, and return by how much both sides grew, or why the system does not tell."""
        try:
            before = forget_peak(self._client.pid), forget_peak(self._server.pid)
            self.take()
            after = memory_of(self._client.pid), memory_of(self._server.pid)
        except MemoryUnknown as problem:
            return str(problem)
        return Growth(after[0].peak - before[0].resident, after[1].peak - before[1].resident)
