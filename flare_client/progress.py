"""How far a file has come: what a session tells whoever wants to watch its uploads and downloads.

Files are watched from outside: what reads an archive, or writes what comes, is wrapped where somebody watches, and is
what it was where nobody does. So the wires know nothing of it, and it costs nothing.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


@dataclasses.dataclass(frozen=True)
class Transferred:
    """How far a file has come.

    Attributes:
        name: of an upload the job folder, of a download the file below the result.
        done: bytes that were sent, or that came.
        total: bytes of the whole; ``None`` while nobody knows: servers do not tell the size of what they send. Equal
            to ``done`` at the end.
    """

    name: str
    done: int
    total: int | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self.done == self.total


Progress = Callable[[Transferred], None]
"""Is told how far a file has come: after each block, in the thread that moves it, and once more at its end."""


class Target(Protocol):
    """What takes the content of a file, from its first byte to its last."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take the next bytes."""

    def flush(self) -> None:
        """Write what waits."""


class ReportedReads(io.BufferedReader):
    """A file that tells how far it was read: whoever wants the next block has sent those before.

    Args:
        path: the file.
        name: what to call it.
        progress: is told.
    """

    def __init__(self, path: Path, name: str, progress: Progress) -> None:
        super().__init__(io.FileIO(path))
        self._name = name
        self._total = path.stat().st_size
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        """Read the next block, and tell of those before it."""
        self._progress(Transferred(self._name, self.tell(), self._total))
        return super().read(size)

    def finish(self) -> None:
        """Tell that all of it was sent."""
        self._progress(Transferred(self._name, self._total, self._total))


class ReportedWrites:
    """A target that tells how much was written to it.

    Args:
        target: what takes the content.
        name: what to call it.
        progress: is told.
    """

    def __init__(self, target: Target, name: str, progress: Progress) -> None:
        self._target = target
        self._name = name
        self._done = 0
        self._progress = progress

    def write(self, data: bytes | memoryview, /) -> int:
        """Take the next bytes, and tell of them."""
        written = self._target.write(data)
        self._done += len(data)
        self._progress(Transferred(self._name, self._done, None))
        return written

    def flush(self) -> None:
        """Write what waits."""
        self._target.flush()

    def finish(self) -> None:
        """Tell that the whole has come."""
        self._progress(Transferred(self._name, self._done, self._done))
