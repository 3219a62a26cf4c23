"""Processes that the lab starts, and everything that they start in turn.

Owns: starting a command in a session of its own, and ending that session with all its descendants. Official start
scripts put servers into the background, and servers put each job into a session of its own, so that neither the
process tree nor the session alone leads to all of them. Must not know what the commands do.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PS = ["ps", "-A", "-o", "pid=,ppid=,pgid="]
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class _Row:
    pid: int
    parent: int
    group: int
    """The session where the system tells it, otherwise the process group."""


class OwnedProcesses:
    """Commands that run in sessions of their own until ``stop``.

    Args:
        logs: the folder for one log file a command.
        grace: seconds for processes to end by themselves before they are killed.
    """

    def __init__(self, logs: Path, grace: float = _GRACE_SECONDS) -> None:
        self._logs = logs
        self._grace = grace
        self._leaders: list[subprocess.Popen[bytes]] = []
        self._seen: set[int] = set()

    def start(self, name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Path:
        """Start a command in a session of its own.

        Args:
            name: the stem of its log file.
            command: the words of the command.
            cwd: the folder to run in.
            env: its whole environment.

        Returns:
            The file that its output goes to.
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            self._leaders.append(
                subprocess.Popen(  # noqa: S603 - commands of an environment that this package made
                    command,
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return log

    def members(self) -> set[int]:
        """Return the processes that run now and stem from a started command."""
        rows = _process_table()
        own = {leader.pid for leader in self._leaders}
        members = {row.pid for row in rows if row.group in own or row.pid in self._seen}
        while children := {row.pid for row in rows if row.parent in members} - members:
            members |= children
        self._seen = set(members)
        return members

    def kill_members(self, words: Sequence[str]) -> int:
        """Kill those of our processes whose command line holds all given words, and return how many they were."""
        victims = [pid for pid in self.members() if _has_words(pid, words)]
        for pid in victims:
            _send(pid, signal.SIGKILL)
        return len(victims)

    def stop(self) -> None:
        """End every process; those that do not end by themselves are killed."""
        for number, patience in ((signal.SIGTERM, self._grace), (signal.SIGKILL, _GRACE_SECONDS)):
            for pid in self.members():
                _send(pid, number)
            deadline = time.monotonic() + patience
            while self._alive() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        for leader in self._leaders:
            with contextlib.suppress(subprocess.TimeoutExpired):
                leader.wait(_GRACE_SECONDS)
        self._leaders.clear()
        self._seen.clear()

    def _alive(self) -> bool:
        for leader in self._leaders:
            leader.poll()
        return bool(self.members())


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _process_table() -> list[_Row]:
    """Return all processes of the machine, zombies left out where the system tells."""
    processes = Path("/proc")
    if (processes / "self" / "stat").exists():
        rows = (_row_of(folder) for folder in processes.iterdir() if folder.name.isdigit())
        return [row for row in rows if row is not None]
    answer = subprocess.run(_PS, capture_output=True, text=True, check=True)  # noqa: S603 - fixed words
    return [_Row(*map(int, line.split())) for line in answer.stdout.splitlines()]


def _row_of(folder: Path) -> _Row | None:
    try:
        text = (folder / "stat").read_text()
    except OSError:
        return None  # it ended meanwhile
    state, parent, _, session = text.rpartition(")")[2].split()[:4]  # the name before may hold anything
    return None if state == "Z" else _Row(int(folder.name), int(parent), int(session))


def _has_words(pid: int, words: Sequence[str]) -> bool:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        answer = subprocess.run(  # noqa: S603 - fixed words
            ["ps", "-o", "command=", "-p", str(pid)],  # noqa: S607 - the system's ps
            capture_output=True,
            text=True,
            check=False,
        )
        line = answer.stdout.split()
    return all(word in line for word in words)
