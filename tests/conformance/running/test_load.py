"""On a machine that is busy, no client that is right fails, and one that is late is found all the same."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.test_run import run

TIMED = ("MON-TIMEOUT-02", "MON-POLL-02", "CMD-TIMEOUT-01", "CMD-TIMEOUT-03", "CONN-TIMEOUT-*")


def _burn(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(10_000))


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Have processes that want a CPU all the time."""
    context = multiprocessing.get_context("spawn")
    burners = [context.Process(target=_burn, args=(os.getpid(),), daemon=True) for _ in range(processes)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def verdicts(tmp_path: Path, client: str, *patterns: str) -> dict[str, str]:
    report = tmp_path / "report.json"
    words = ["--client", client, "--json", str(report), "--profile", "quick", "--limit", "600"]
    words += [word for pattern in patterns for word in ("--select", pattern)]
    done = run("run", *words, "--seed", "1", seconds=280)
    assert done.returncode in (0, 1), done.stderr
    return {one["contract"]: one["verdict"] for one in json.loads(report.read_text())["results"]}


@pytest.mark.timeout(300)
def test_no_client_that_is_right_fails_on_a_starved_machine(tmp_path: Path) -> None:
    with busy(8 * (os.cpu_count() or 1)):
        found = verdicts(tmp_path, "flare_client", *TIMED)
    assert len(found) > len(TIMED) - 1
    assert set(found.values()) <= {"passed", "inconclusive"}, found


@pytest.mark.timeout(300)
def test_a_late_client_is_found_on_a_busy_machine(tmp_path: Path) -> None:
    if os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1):
        pytest.skip("others keep this machine busier than the test means to")
    with busy(1):
        assert verdicts(tmp_path, "conformance.mutants:timeout_late", "MON-TIMEOUT-02") == {"MON-TIMEOUT-02": "failed"}
