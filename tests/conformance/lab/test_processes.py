"""The lab ends everything that it started, however it was started, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.lab.processes import OwnedProcesses
from tests.support import wait_until

# A server in the background that puts a job into a session of its own, as official start scripts and servers do.
TREE = """
import os, signal, subprocess, sys
job = subprocess.Popen([sys.executable, "-c", "import time; print('job', flush=True); time.sleep(600)"],
                       start_new_session=True)
if len(sys.argv) > 2:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(f"{os.getpid()} {job.pid}\\n")
job.wait()
while len(sys.argv) > 2:
    signal.pause()
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test reads /proc to see who lives")
@pytest.mark.parametrize("stubborn", [[], ["ignores SIGTERM"]], ids=["tame", "stubborn"])
def test_stop_ends_the_tree_and_no_stranger(
    tmp_path: Path, stranger: subprocess.Popen[bytes], stubborn: list[str]
) -> None:
    script, pids = tmp_path / "tree.py", tmp_path / "pids"
    script.write_text(TREE)
    words = " ".join([sys.executable, str(script), str(pids), *(f"'{word}'" for word in stubborn)])
    processes = OwnedProcesses(tmp_path, grace=0.3 if stubborn else 20.0)
    log = processes.start("tree", ["sh", "-c", f"({words} &); sleep 600"], cwd=tmp_path, env=os.environ)
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    server, job = map(int, pids.read_text().split())
    wait_until(lambda: log.read_text() == "job\n")
    assert {server, job} <= processes.members()

    processes.stop()

    assert not alive(server)
    assert not alive(job)
    assert alive(stranger.pid)
    processes.stop()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the test reads /proc to see who lives")
def test_kill_members_takes_those_with_the_words_only(tmp_path: Path) -> None:
    processes = OwnedProcesses(tmp_path)
    try:
        for name in ("one", "two"):
            code = "import time; print('up', flush=True); time.sleep(600)"
            log = processes.start(name, [sys.executable, "-c", code, name], cwd=tmp_path, env=os.environ)
            wait_until(lambda log=log: log.read_text() == "up\n")
        assert len(processes.members()) == 2
        assert processes.kill_members(["two"]) == 1
        wait_until(lambda: len(processes.members()) == 1)
        assert processes.kill_members(["three"]) == 0
    finally:
        processes.stop()


def test_processes_that_are_gone_already_are_no_error(tmp_path: Path) -> None:
    processes = OwnedProcesses(tmp_path)
    processes.start("gone", [sys.executable, "-c", ""], cwd=tmp_path, env=os.environ)
    wait_until(lambda: not processes.members())
    processes.stop()
    assert processes.members() == set()
