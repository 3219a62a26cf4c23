"""``python -m tests.benchmarks.run``: measure every figure, print it, and write ``docs/performance.md``.

Exit code 0: every bound is kept; 1: one is missed or could not be measured.
"""

from __future__ import annotations

import dataclasses
import datetime
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.benchmarks import cellnet, command, harness, idle, imports, load, reset, simulation, start, store, transfer
from tests.benchmarks.figures import Figure, Progress, all_kept
from tests.benchmarks.processes import CELL_OFFICIAL_VERSION, OFFICIAL_VERSION
from tests.benchmarks.report import circumstances, page, terminal_line


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A group of figures that are measured together.

    Attributes:
        measure: measures them, and tells how far it is.
        note: how they are measured, for the page.
    """

    measure: Callable[[Progress], list[Figure]]
    note: str


BENCHMARKS: dict[str, Benchmark] = {
    "start": Benchmark(
        start.measure,
        "Each start of MockServer is a process of its own that has done nothing but its imports, which do not count. "
        "The official time is from `nvflare poc start` to the first accepted login, without `nvflare poc prepare`.",
    ),
    "reset": Benchmark(
        reset.measure,
        "Server and client in one process, both releases in turn. A thread of the server removes the files of the jobs "
        "beside the next test; that is not in the time.",
    ),
    "command": Benchmark(
        command.measure,
        "`get_job_meta` of a job that waits. Servers and clients are processes of their own, measured in turn, ten "
        "commands at a time. The floor is a server in a loop and a client of twenty lines, with the certificates, TLS "
        "version and number of bytes of the command; flare_client resumes the TLS session of its last connection, so "
        "the floor it is held against does too. The official client makes a whole handshake each time.",
    ),
    "import": Benchmark(
        imports.measure,
        "Whole processes, with and without the import, in turn; modules are compiled before. Memory is what is "
        "resident of a process that imported the client, logged in on MockServer over mutual TLS and called "
        "`list_jobs`; 1 MB is 1,000,000 bytes.",
    ),
    "store": Benchmark(
        store.measure,
        "Two servers, one with 20 finished jobs and one with 20,000, asked in turn in one thread. The bound is on the "
        "server's own work: from the parsed request to the bytes of the reply, without a network. Over the wire means "
        "flare_client and server in one process, mutual TLS with a resumed session.",
    ),
    "simulation": Benchmark(
        simulation.measure,
        "A hundred jobs run at a time, ten more are submitted each second. The scheduler looks at each, it is "
        "deployed, runs and is saved, and all that happens is noted. Ten thousand take a hundred minutes of the "
        "server's time.",
    ),
    "idle": Benchmark(
        idle.measure,
        "A server on the machine's clock in a process in which nobody else does anything: the CPU time of the whole "
        "process while it is let alone. The jobs that wait are due for a look next week.",
    ),
    "transfer": Benchmark(
        transfer.measure,
        "`download_job_result` of a result that does not compress, from call to return, unpacked on disk. Memory is "
        "the peak during the first download, for which the server also makes the result, over what was resident "
        "before; each side is a process of its own. The rates are those of later downloads, both clients from one "
        "server in turn.",
    ),
    "cellnet": Benchmark(
        cellnet.measure_commands,
        "Release 2.9 over http: `flare_client` on MockServer, a WebSocket over mutual TLS with nothing of FLARE in it, "
        "and the official pair, all processes of their own, in turn. The echo sends and gets as many bytes as the "
        "frames of the command have, its acknowledgement included. Five times over, both clients and the bare server "
        "are new processes: where the system puts them decides how long an exchange takes with nothing in it.",
    ),
    "cellnet-transfer": Benchmark(
        cellnet.measure_transfers,
        "A job of 512 MiB that does not compress is submitted and downloaded, by `flare_client` on MockServer and by "
        "the official client on the official server, in turn; each pair has its own scheme, and processes of its own. "
        "Memory is the peak of a first upload and download over what was resident before.",
    ),
    "cellnet-sessions": Benchmark(
        cellnet.measure_sessions,
        "All sessions in one client process, with a connection each; four threads ask, a round a second.",
    ),
    "load": Benchmark(
        load.measure,
        "`get_job_meta` of a job that waits, from sessions that each ask again once they have their answer. The "
        "clients are a process that sends the bytes of flare_client and only looks whether an answer is the right one, "
        "the server is another. Of three runs of ten seconds the one in the middle counts. Clients of the socket "
        "dialect connect for each command, and offer the session of an earlier connection: to go on with one of TLS "
        "1.2 takes no key exchange, with one of TLS 1.3, which flare_client has, it takes a new one.",
    ),
    "harness": Benchmark(
        harness.measure,
        "A client that answers at once: its calls straight away, through the adapter for Python and through the one "
        "for programs, as checks make them, in turn; the figure is the difference of the medians. A profile is a whole "
        "run of `flare-conformance run`, with a worker a CPU.",
    ),
}
"""Every benchmark, in the order of a run."""


@click.command(epilog="Example: python -m tests.benchmarks.run import store")
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option(
    "--docs",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path("docs"),
    show_default=True,
    help="Folder of performance.md, which is written when every benchmark runs.",
)
@click.option(
    "--page",
    "own_page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was measured to a page of its own, whatever part that is.",
)
def main(names: tuple[str, ...], docs: Path, own_page: Path | None) -> None:
    """Measure the figures of the benchmarks NAMES; without names of all, and write the page."""
    started = time.monotonic()

    def progress(text: str) -> None:
        click.echo(f"{time.monotonic() - started:6.1f} s  {text}", err=True)

    figures: dict[str, list[Figure]] = {}
    for name in names or tuple(BENCHMARKS):
        progress(f"{name}:")
        figures[name] = BENCHMARKS[name].measure(lambda text: progress(f"  {text}"))
        click.echo(name)
        for figure in figures[name]:
            click.echo(terminal_line(figure))
    if own_page is not None:
        _write(own_page, figures, f"python -m tests.benchmarks.run {' '.join(names)}")
    elif set(figures) == set(BENCHMARKS):
        _write(docs / "performance.md", figures, "make bench")
    sys.exit(0 if all_kept(figure for group in figures.values() for figure in group) else 1)


def _write(path: Path, figures: dict[str, list[Figure]], command: str) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    official = ", ".join(_official(figures))
    notes = {name: one.note for name, one in BENCHMARKS.items()}
    path.write_text(page(figures, circumstances(command, official, now), notes), encoding="utf-8")
    click.echo(f"written to {path.name}")


def _official(figures: dict[str, list[Figure]]) -> list[str]:
    """The official versions that the figures are held against."""
    cellnet = any(name.startswith("cellnet") for name in figures)
    socket = any(not name.startswith("cellnet") for name in figures)
    return [OFFICIAL_VERSION] * socket + [CELL_OFFICIAL_VERSION] * cellnet


if __name__ == "__main__":
    main()
