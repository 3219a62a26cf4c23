"""From ``MockServer(...)`` to the first accepted login, against ``nvflare poc start``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from conformance.lab.provisioning import LabError
from conformance.lab.server import poc_startup_seconds
from conformance.peers import PeerUnavailable
from tests.benchmarks.figures import Figure, Progress, at_least, below, ratio
from tests.benchmarks.processes import ADMIN, OFFICIAL_VERSION, RELEASE, ROOT, own_environment
from tests.benchmarks.timing import Samples, interleaved

MAX_SECONDS = 0.6
MIN_TIMES_FASTER = 15

_ROUNDS = 2
_STARTS_A_ROUND = 5
_PROGRAM = "tests.benchmarks.programs.start_program"


def measure(progress: Progress) -> list[Figure]:
    """Start mock servers and the official proof of concept in turn."""
    with tempfile.TemporaryDirectory(prefix="flare-bench-") as folder:
        compiled = Path(folder)

        def start_mock() -> Sequence[float]:
            progress(f"{_STARTS_A_ROUND} starts of MockServer")
            return [_start_seconds(compiled) for _ in range(_STARTS_A_ROUND)]

        def start_official() -> Sequence[float]:
            progress(f"`nvflare poc start` of {OFFICIAL_VERSION}")
            return [poc_startup_seconds(OFFICIAL_VERSION)]

        _start_seconds(compiled)  # compiles the modules
        try:
            found = interleaved(_ROUNDS, {"mock": start_mock, "official": start_official}, warm_up=0)
        except (LabError, PeerUnavailable) as problem:
            return start_figures(interleaved(_ROUNDS, {"mock": start_mock}, warm_up=0)["mock"], str(problem))
        return start_figures(found["mock"], found["official"])


def start_figures(mock: Samples, official: Samples | str) -> list[Figure]:
    """The figures of the start.

    Args:
        mock: the starts of MockServer.
        official: those of the official server, or why there are none.
    """
    name = "`MockServer(...)` to the first accepted login, certificates included"
    own = Figure(name, mock.median, "s", below(MAX_SECONDS), mock.spread("s"))
    name = f"`nvflare poc start` of {OFFICIAL_VERSION} to the first accepted login, as a multiple of that"
    if isinstance(official, str):
        return [own, Figure(name, None, "×", at_least(MIN_TIMES_FASTER), official)]
    times = ratio(official.median, mock.median)
    return [own, Figure(name, times, "×", at_least(MIN_TIMES_FASTER), official.spread("s"))]


def _start_seconds(compiled: Path) -> float:
    answer = subprocess.run(
        [sys.executable, "-m", _PROGRAM, RELEASE, ADMIN],
        env=own_environment(compiled),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(json.loads(answer.stdout)["login"])
