"""What the client costs before it does anything: the time of its import, and the memory of a process that holds it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from conformance.peers import PeerUnavailable, environment
from tests.benchmarks.figures import MB, Figure, Progress, at_most, below
from tests.benchmarks.memory import MemoryUnknown, memory_of
from tests.benchmarks.processes import (
    ADMIN,
    OFFICIAL_VERSION,
    ROOT,
    ClientProcess,
    MockServerProcess,
    mock_server,
    official_client,
    official_environment,
    own_client,
    own_environment,
)
from tests.benchmarks.timing import Samples, interleaved, once

MAX_IMPORT_MS = 80
MAX_MEMORY_MB = 45

_ROUNDS = 15
_OFFICIAL_ROUNDS = 5
_IMPORT = "import flare_client"
_ALL = "import flare_client, flare_client.hci.login, flare_client.hci.transfer"
"""The import with all that the first session and the first transfer load."""
_OFFICIAL_IMPORT = "import nvflare.fuel.flare_api.flare_api"


def measure(progress: Progress) -> list[Figure]:
    """Measure import and memory, of flare_client and of the official client."""
    with tempfile.TemporaryDirectory(prefix="flare-bench-") as folder:
        scratch = Path(folder)
        progress("import of flare_client")
        pair = _import_pair(Path(sys.executable), _IMPORT, own_environment(scratch / "compiled"), _ROUNDS)
        whole = _import_pair(Path(sys.executable), _ALL, own_environment(scratch / "compiled"), _ROUNDS)
        progress(f"import of the official client {OFFICIAL_VERSION}")
        official = _official_import(scratch)
        progress("memory of a client process after login and one command")
        return [
            import_figure("`import flare_client` over a bare interpreter", *pair, is_bound=True),
            import_figure("the same with what sessions and transfers load when they need it", *whole, is_bound=False),
            official,
            *_memory_figures(scratch),
        ]


def import_figure(name: str, with_import: Samples, bare: Samples, *, is_bound: bool) -> Figure:
    """The figure of an import: the difference of the medians."""
    return Figure(
        name,
        (with_import.median - bare.median) * 1e3,
        "ms",
        at_most(MAX_IMPORT_MS) if is_bound else None,
        f"with it {with_import.spread('ms')}; bare {bare.spread('ms')}",
    )


def _import_pair(python: Path, statement: str, env: dict[str, str], rounds: int) -> tuple[Samples, Samples]:
    """Time interpreters that import something, and interpreters that do not, in turn."""

    def run(code: str) -> Callable[[], object]:
        # The first run compiles the modules; it is the one that does not count.
        return lambda: subprocess.run([python, "-c", code], env=env, cwd=ROOT, check=True)

    found = interleaved(rounds, {"import": once(run(statement)), "bare": once(run("pass"))})
    return found["import"], found["bare"]


def _official_import(scratch: Path) -> Figure:
    name = f"the same of the official client {OFFICIAL_VERSION}"
    try:
        python = environment(OFFICIAL_VERSION).python
    except PeerUnavailable as problem:
        return Figure(name, None, "ms", detail=str(problem))
    env = official_environment(scratch / "compiled-official")
    return import_figure(name, *_import_pair(python, _OFFICIAL_IMPORT, env, _OFFICIAL_ROUNDS), is_bound=False)


def _memory_figures(scratch: Path) -> list[Figure]:
    name = "resident memory of a client process after login and one command"
    official_name = f"the same of the official client {OFFICIAL_VERSION}"
    with mock_server(scratch) as server:
        try:
            with own_client(scratch) as client:
                own = Figure(name, _resident_mb(client, server), "MB", below(MAX_MEMORY_MB))
        except MemoryUnknown as problem:
            own = Figure(name, None, "MB", below(MAX_MEMORY_MB), str(problem))
        try:
            with official_client(scratch) as client:
                official = Figure(official_name, _resident_mb(client, server), "MB")
        except (MemoryUnknown, PeerUnavailable) as problem:
            official = Figure(official_name, None, "MB", detail=str(problem))
    return [own, official]


def _resident_mb(client: ClientProcess, server: MockServerProcess) -> float:
    client.open(user=ADMIN, kit=str(server.kit))
    client.time("list_jobs")
    return memory_of(client.pid).resident / MB
