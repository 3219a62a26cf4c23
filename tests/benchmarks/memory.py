"""What a process holds and has used, as the system counts it: memory, files, time of the CPU. Linux only."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

_FORGET_PEAK = "5"
"""Written to ``clear_refs`` it sets the peak back to what is resident now; see proc(5)."""


class MemoryUnknown(RuntimeError):
    """The system does not tell how much memory a process holds; the text says what was missing."""


class CpuUnknown(RuntimeError):
    """The system does not tell what a process has used; the text says what was missing."""


def cpu_seconds(pid: int) -> float:
    """Seconds of the CPU that a process has used, in all its threads.

    Raises:
        CpuUnknown: the system does not tell, or the process is gone.
    """
    try:
        # The name of the program is in brackets, and may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError) as problem:
        raise CpuUnknown(f"the system does not tell the time of the CPU of a process: {problem}") from problem


def open_files(pid: int) -> int:
    """How many files and sockets a process has open.

    Raises:
        MemoryUnknown: the system does not tell, or the process is gone.
    """
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError as problem:
        raise MemoryUnknown(f"the system does not tell the files of a process: {problem.strerror}") from problem


@dataclasses.dataclass(frozen=True)
class Memory:
    """Memory of a process in bytes: resident now, and the most that was resident since ``forget_peak``."""

    resident: int
    peak: int


def parse_status(text: str) -> Memory:
    """Read the memory out of a process's status file.

    Raises:
        MemoryUnknown: it does not tell.
    """
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    try:
        resident, peak = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    except (KeyError, ValueError, IndexError):
        raise MemoryUnknown("expected VmRSS and VmHWM in the status of the process, but they are not there") from None
    return Memory(resident, peak)


def memory_of(pid: int) -> Memory:
    """Return the memory of a process.

    Raises:
        MemoryUnknown: the system does not tell, or the process is gone.
    """
    try:
        return parse_status(Path(f"/proc/{pid}/status").read_text())
    except OSError as problem:
        raise MemoryUnknown(f"the system does not tell the memory of a process: {problem.strerror}") from problem


def forget_peak(pid: int) -> Memory:
    """Set the peak of a process back to what it holds now, and return that.

    Raises:
        MemoryUnknown: the system does not allow it.
    """
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(_FORGET_PEAK)
    except OSError as problem:
        raise MemoryUnknown(f"the system does not set back the peak of a process: {problem.strerror}") from problem
    return memory_of(pid)
