"""``ls`` on a virtual file system, in the form of GNU coreutils in the C locale."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from mock_server.sites.tree import Entry, File, Folder

_BLOCK = 4096
_OWNER = "root root"
"""Who owns every simulated file."""
_RECENT_SECONDS = 365.2425 / 2 * 24 * 3600
"""The listing of an older file shows its year for its time of day."""

_Named = list[tuple[str, Entry]]


def list_files(root: Folder, path: str | None, flags: str, now: float) -> str:
    """The output of ``ls``.

    Args:
        root: the workspace.
        path: what to list; the workspace itself by default.
        flags: the letters of its options, in order.
        now: the time, in seconds since the epoch.
    """
    entry = root.find(path or ".")
    if entry is None:
        return f"ls: cannot access '{path}': No such file or directory\n"
    if isinstance(entry, File):
        return "".join(_lines([(str(path), entry)], flags, now))
    if "R" not in flags:
        return _folder(entry, flags, now)
    return "\n".join(f"{name}:\n{_folder(folder, flags, now)}" for name, folder in _below(path or ".", entry, flags))


def _below(name: str, folder: Folder, flags: str) -> Iterator[tuple[str, Folder]]:
    yield name, folder
    for below, entry in _sorted(list(folder), flags):
        if isinstance(entry, Folder) and ("a" in flags or not below.startswith(".")):
            yield from _below(f"{name.rstrip('/')}/{below}", entry, flags)


def _folder(folder: Folder, flags: str, now: float) -> str:
    entries: _Named = [(".", folder), ("..", folder)] if "a" in flags else []
    entries += [(name, entry) for name, entry in folder if "a" in flags or not name.startswith(".")]
    lines = _lines(_sorted(entries, flags), flags, now)
    if "l" not in flags:
        return "".join(lines)
    blocks = sum(math.ceil(entry.size / _BLOCK) * _BLOCK // 1024 for _, entry in entries)
    return f"total {blocks}\n" + "".join(lines)


def _sorted(entries: _Named, flags: str) -> _Named:
    """The entries in order: by name, by size or by time; the last such option counts."""
    orders = [flag for flag in flags if flag in "tS"]
    order = orders[-1] if orders else ("t" if "u" in flags and "l" not in flags else "")
    by_name = sorted(entries, key=lambda one: one[0])
    if order == "S":
        return sorted(by_name, key=lambda one: -one[1].size)
    return sorted(by_name, key=lambda one: -one[1].modified) if order == "t" else by_name


def _lines(entries: _Named, flags: str, now: float) -> list[str]:
    if "l" not in flags:
        return [f"{name}\n" for name, _ in entries]
    links = max((len(str(entry.links)) for _, entry in entries), default=1)
    sizes = max((len(str(entry.size)) for _, entry in entries), default=1)
    return [
        f"{entry.mode} {entry.links:>{links}} {_OWNER} {entry.size:>{sizes}} {_date(entry.modified, now)} {name}\n"
        for name, entry in entries
    ]


def _date(when: float, now: float) -> str:
    moment = time.localtime(when)
    is_recent = now - _RECENT_SECONDS < when <= now
    tail = time.strftime("%H:%M" if is_recent else " %Y", moment)
    return f"{_MONTHS[moment.tm_mon - 1]} {moment.tm_mday:>2} {tail}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As the C locale names them, whatever that of this process is."""
