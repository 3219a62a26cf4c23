"""What the harness costs: on top of each call to a client, and for a whole profile."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from conformance.adapters.base import Adapter
from conformance.adapters.inprocess import InProcessAdapter
from conformance.adapters.stdio import StdioAdapter
from conformance.recording import RecordingAdapter
from conformance.script import Script
from tests.benchmarks.figures import Figure, Progress, at_most, below
from tests.benchmarks.processes import ADMIN, ROOT, own_environment
from tests.benchmarks.programs.idle_client import META, idle_client
from tests.benchmarks.timing import Samples, interleaved, timed

MAX_INPROCESS_MS = 1.0
MAX_STDIO_MS = 3.0
MAX_QUICK_SECONDS = 60
MAX_CI_SECONDS = 360

_CALLS = 50
_ROUNDS = 20
_PROGRAM = Path(__file__).resolve().parent / "programs" / "idle_program.py"


def measure(progress: Progress) -> list[Figure]:
    """Measure calls through both adapters beside calls that go straight to the client, and both profiles."""
    progress("calls to a client that does nothing")
    calls = call_figures(_ROUNDS)
    with tempfile.TemporaryDirectory(prefix="flare-bench-") as folder:
        profiles = [
            _profile_figure(name, seconds, Path(folder), progress)
            for name, seconds in (("quick", MAX_QUICK_SECONDS), ("ci", MAX_CI_SECONDS))
        ]
    return [*calls, *profiles]


def call_figures(rounds: int) -> list[Figure]:
    """The figures of single calls.

    Args:
        rounds: how often each side makes its calls.
    """
    direct = idle_client()
    stdio = StdioAdapter([sys.executable, str(_PROGRAM)], "idle")
    with (
        contextlib.closing(InProcessAdapter("tests.benchmarks.programs.idle_client:idle_client")) as inprocess,
        contextlib.closing(stdio),
    ):
        found = interleaved(
            rounds,
            {
                "direct": lambda: _times(lambda: direct.get_job_meta("x")),
                "in process": _asking(inprocess),
                "stdio": _asking(stdio),
            },
        )
    return [
        _added("a call to an in-process client", found["in process"], found["direct"], MAX_INPROCESS_MS),
        _added("a call to a client on stdio", found["stdio"], found["direct"], MAX_STDIO_MS),
    ]


def _asking(adapter: Adapter) -> Callable[[], list[float]]:
    # As checks call: with the script noted.
    session = RecordingAdapter(adapter, Script()).open(ADMIN, ROOT)
    if session.call("get_job_meta", "x") != META:
        raise RuntimeError("the harness changes what a client returns")
    return lambda: _times(lambda: session.call("get_job_meta", "x"))


def _times(call: Callable[[], object]) -> list[float]:
    return [timed(call) for _ in range(_CALLS)]


def _added(what: str, harness: Samples, direct: Samples, most: float) -> Figure:
    added = (harness.median - direct.median) * 1e3
    return Figure(f"what the harness adds to {what}", added, "ms", at_most(most), harness.spread("ms"))


def _profile_figure(name: str, most: float, scratch: Path, progress: Progress) -> Figure:
    progress(f"profile {name}")
    words = [sys.executable, "-m", "conformance.cli", "run", "--client", "flare_client", "--release", "2.9"]
    words += ["--profile", name, "--seed", "1"]
    text = f"profile {name}: flare_client on MockServer 2.9, all contracts"
    codes: list[int] = []

    def run() -> None:
        done = subprocess.run(
            words, cwd=ROOT, env=own_environment(scratch / "compiled"), stdout=subprocess.DEVNULL, check=False
        )
        codes.append(done.returncode)

    seconds = timed(run)
    if codes != [0]:
        return Figure(text, None, "s", below(most), f"the run ended with exit code {codes[0]}")
    return Figure(text, seconds, "s", below(most), f"one run, {os.cpu_count()} workers, the start of Python included")
