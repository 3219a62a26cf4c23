"""How much memory a process holds, as the system counts it. Linux only: elsewhere it cannot be asked for a peak."""

from __future__ import annotations

import dataclasses
from pathlib import Path

_FORGET_PEAK = "5"
"""Written to ``clear_refs`` it sets the peak back to what is resident now; see proc(5)."""


class MemoryUnknown(RuntimeError):
    """The system does not tell how much memory a process holds; the text says what was missing."""


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
