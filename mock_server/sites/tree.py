"""A virtual file system: folders and text files in memory. Knows nothing of what they are for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

FOLDER_SIZE = 4096
"""Bytes that a listing shows for a folder."""


class File:
    """A text file, written when somebody looks.

    Args:
        text: all of it, or what makes it.
        modified: when it was written last, in seconds since the epoch.
        mode: its rights, as a long listing shows them.
    """

    links = 1

    def __init__(self, text: str | Callable[[], str], modified: float, mode: str = "-rw-r--r--") -> None:
        self._source = text
        self.modified = modified
        self.mode = mode

    @functools.cached_property
    def text(self) -> str:
        """All of it."""
        return self._source if isinstance(self._source, str) else self._source()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.text.encode("utf-8"))


class Folder:
    """A folder, filled when somebody looks into it.

    Args:
        modified: when something in it changed last.
        fill: puts into it what it holds.
    """

    mode = "drwxr-xr-x"
    size = FOLDER_SIZE

    def __init__(self, modified: float, fill: Callable[[Folder], None] | None = None) -> None:
        self.modified = modified
        self._fill = fill
        self._entries: dict[str, Entry] = {}

    @property
    def entries(self) -> dict[str, Entry]:
        """What is in it, by name."""
        if self._fill is not None:
            fill, self._fill = self._fill, None
            fill(self)
        return self._entries

    @property
    def links(self) -> int:
        """How often it is linked: by its parent, by itself and by each folder in it."""
        return 2 + sum(isinstance(entry, Folder) for entry in self.entries.values())

    def put(self, path: str, entry: Entry) -> None:
        """Put something in its place, with the folders above it; a file that is in the way gives way."""
        *above, name = PurePosixPath(path).parts
        folder = self
        for part in above:
            below = folder.entries.get(part)
            if not isinstance(below, Folder):
                below = folder.entries[part] = Folder(entry.modified)
            folder = below
        folder.entries[name] = entry

    def find(self, path: str) -> Entry | None:
        """What stands at a path below the folder; the folder itself at ``.``, ``None`` where nothing does."""
        entry: Entry = self
        for part in PurePosixPath(path).parts:
            found = entry.entries.get(part) if isinstance(entry, Folder) else None
            if found is None:
                return None
            entry = found
        return entry

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        """Whatever is in it, by name."""
        return iter(sorted(self.entries.items()))


Entry = File | Folder
