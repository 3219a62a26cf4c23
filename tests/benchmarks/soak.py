"""``python -m tests.benchmarks.soak``: a day of a busy server on a clock that goes faster, and what the server holds.

The server is a process of its own. Sessions submit, watch, list, download, clone, abort and delete jobs all day
long, others submit jobs by the scenario, a site comes and goes, the server restarts. What is done is deleted again, so
what the server holds must stay the same. Exit code 0: it did; 1: it grew, or a session met what it should not.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tests.benchmarks.figures import MB, Figure, all_kept, at_least, at_most
from tests.benchmarks.memory import MemoryUnknown, memory_of, open_files
from tests.benchmarks.processes import MockServerProcess, mock_server
from tests.benchmarks.report import circumstances, page, terminal_line
from tests.benchmarks.soak_work import Tally, Worker

DAY = 86_400.0
SAMPLES = 24
"""Looks at the server, evenly over the day."""
MAX_GROWTH = 1.05
"""What the server holds in the last quarter of the day, as a multiple of what it held in the second."""
MAX_DISK_MB = 1.0
"""By which its files may grow meanwhile: the jobs of a day that nobody removed would take several times as much."""
RELEASES = ("2.6", "2.9")
WORKERS = 3

_NOTE = (
    "A day passes in the given seconds. In each release three sessions of flare_client submit, watch, list, clone, "
    "abort, download and delete jobs without a pause; a fourth deletes the jobs that the scenario submits. A site "
    "leaves and comes again every two hours, the server restarts every six. In the first quarter of the day caches "
    "fill: it is not looked at. The jobs that run at a restart stay, at 7 kB each: from 2.8 on they seem to run for "
    "ever."
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What a server held at a moment.

    Attributes:
        resident: bytes of memory.
        files: open files and sockets.
        disk: bytes below its workspace.
    """

    resident: int
    files: int
    disk: int


def scenario() -> dict[str, Any]:
    """The day of a busy server."""
    return {
        "jobs": [
            {"match": {"name": "fails*"}, "queued": "1m", "running": "10m", "outcome": "EXECUTION_EXCEPTION"},
            {"match": {"name": "long*"}, "queued": "1m", "running": "2d"},
            {
                "queued": "1m",
                "running": "15m",
                "result": {"size": "64KiB", "files": {"app_server/accuracy.txt": "0.93"}},
            },
        ],
        "limits": {"max_jobs": 100},
        "sites": [{"name": "site-1"}, {"name": "site-2"}, {"name": "site-3"}],
        "events": [
            {"at": "1h", "happens": "disconnect", "site": "site-3", "every": "2h", "times": 12},
            {"at": "2h", "happens": "connect", "site": "site-3", "every": "2h", "times": 12},
            {"at": "6h", "happens": "restart", "every": "6h", "times": 3},
        ],
        "workload": [{"name": "nightly", "at": "1m", "count": 140, "every": "10m"}],
    }


def soak(release: str, seconds: float) -> tuple[list[Sample], Tally]:
    """Keep a server busy for a day of its time.

    Args:
        release: that it plays.
        seconds: how long the day takes.

    Raises:
        MemoryUnknown: the system does not tell what a process holds.
    """
    speed = DAY / seconds
    with tempfile.TemporaryDirectory(prefix="flare-soak-") as folder:
        scratch = Path(folder)
        with mock_server(scratch, scenario(), release=release, clock=f"x{speed:.6f}") as server:
            tally, samples = Tally(), []
            with _at_work(server, scratch, tally):
                for number in range(SAMPLES):
                    time.sleep(seconds / SAMPLES)
                    samples.append(_sample(server, scratch / "mock" / "run"))
                    held = samples[-1]
                    click.echo(
                        f"{release} {(number + 1) * 24 // SAMPLES:2} h  {held.resident / MB:6.1f} MB, "
                        f"{held.files} files, {held.disk / MB:6.1f} MB on disk, {tally.commands} commands",
                        err=True,
                    )
            return samples, tally


@contextlib.contextmanager
def _at_work(server: MockServerProcess, scratch: Path, tally: Tally) -> Iterator[None]:
    stop = threading.Event()
    workers = [Worker(server.kit, scratch / f"worker-{number}", tally, stop) for number in range(WORKERS)]
    threads = [threading.Thread(target=worker.work) for worker in workers]
    threads.append(threading.Thread(target=Worker(server.kit, scratch / "keeper", tally, stop).tidy))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _sample(server: MockServerProcess, run: Path) -> Sample:
    disk = 0
    for path in run.rglob("*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            disk += path.stat().st_size if path.is_file() else 0
    return Sample(memory_of(server.pid).resident, open_files(server.pid), disk)


def figures(release: str, samples: list[Sample], tally: Tally) -> list[Figure]:
    """What came of a day.

    Args:
        release: of the server.
        samples: what it held, in order.
        tally: what the sessions did.
    """
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    held = [statistics.median(one.resident for one in part) for part in (early, late)]
    files = [max(one.files for one in part) for part in (early, late)]
    disk = [max(one.disk for one in part) for part in (early, late)]
    name = f"{release}: "
    surprises = "; ".join(f"{count} × {text}" for text, count in tally.surprises.most_common(3))
    return [
        Figure(
            f"{name}memory in the last quarter of the day, as a multiple of the second",
            held[1] / held[0],
            "×",
            at_most(MAX_GROWTH),
            f"{held[0] / MB:.1f} and {held[1] / MB:.1f} MB; most {_most(samples)}",
        ),
        Figure(
            f"{name}open files more than in the second quarter",
            files[1] - files[0],
            "files",
            at_most(8),
            f"{files[0]} and {files[1]} at most",
        ),
        Figure(
            f"{name}files on disk more than in the second quarter",
            (disk[1] - disk[0]) / MB,
            "MB",
            at_most(MAX_DISK_MB),
            f"{disk[0] / MB:.2f} and {disk[1] / MB:.2f} MB at most; jobs come and go",
        ),
        Figure(
            f"{name}commands of the day",
            tally.commands,
            "commands",
            at_least(1),
            f"{tally.jobs} jobs from their submission to their deletion, {tally.restarts} sessions lost to restarts",
        ),
        Figure(
            f"{name}what sessions met and should not have",
            sum(tally.surprises.values()),
            "errors",
            at_most(0),
            surprises,
        ),
    ]


def _most(samples: list[Sample]) -> str:
    return f"{max(one.resident for one in samples) / MB:.1f} MB"


@click.command(epilog="Example: python -m tests.benchmarks.soak --seconds 60 --release 2.9")
@click.option("--seconds", default=600.0, show_default=True, type=click.FloatRange(20.0), help="That the day takes.")
@click.option("--release", "releases", multiple=True, default=RELEASES, show_default=True, help="Of the server.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path("docs"),
    show_default=True,
    help="Folder of soak.md, which is written after a day of ten minutes or more.",
)
def main(seconds: float, releases: tuple[str, ...], docs: Path) -> None:
    """Keep servers of RELEASES busy for a day of their time each, one after the other."""
    found: dict[str, list[Figure]] = collections.defaultdict(list)
    for release in releases:
        try:
            found["soak"] += figures(release, *soak(release, seconds))
        except MemoryUnknown as problem:
            raise click.ClickException(str(problem)) from problem
    for figure in found["soak"]:
        click.echo(terminal_line(figure))
    if seconds >= 600.0:
        now = datetime.datetime.now(datetime.timezone.utc)
        text = page(found, circumstances(f"make soak SECONDS={seconds:g}", "none", now), {"soak": _NOTE}, "Soak")
        (docs / "soak.md").write_text(text, encoding="utf-8")
        click.echo("written to soak.md")
    sys.exit(0 if all_kept(found["soak"]) else 1)


if __name__ == "__main__":
    main()
