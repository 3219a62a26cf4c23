"""The calls that a check made to the client under test: what a person would have to type to do the same.

What differs from run to run is left out: ids of jobs are numbered, folders lose the path to them, and a call that is
made again and again to wait for something stands once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

_ID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_PATH = re.compile(r"(?<=')(?:/|(?:\.\./)+)(?:[^'\n]*/)?([^'/\n]+)(?=/?')")
MOST_LINES = 5000
"""Calls that are kept of one contract."""


class Script:
    """Notes calls, of one contract after the other; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Forget everything. The thread that calls this is the first one of the script."""
        with self._lock:
            self._threads: dict[int, list[str]] = {threading.get_ident(): []}
            self._before: int | None = None
            self._example = 0

    def begin_example(self) -> None:
        """Say that the calls from now on belong to another example of a property."""
        with self._lock:
            count = len(self._main)
            self._before = count if self._before is None else self._before
            self._example = count

    def note(self, line: str) -> int:
        """Note a call.

        Returns:
            How many different calls in a row this thread has made by now, this one among them.
        """
        with self._lock:
            lines = self._threads.setdefault(threading.get_ident(), [])
            if (not lines or lines[-1] != line) and len(lines) < MOST_LINES:
                lines.append(line)
            return len(lines)

    def note_result(self, value: Any) -> None:
        """Note what the last call of this thread returned, where that is the id of a job."""
        if isinstance(value, str) and _ID.fullmatch(value):
            with self._lock:
                lines = self._threads.get(threading.get_ident())
                if lines:
                    lines[-1] = f"{value} = {lines[-1]}"

    def instead(self, lines: Sequence[str]) -> None:
        """Say in other words what was done, where the calls themselves are not the same from run to run."""
        with self._lock:
            self._threads = {threading.get_ident(): list(lines)}
            self._before, self._example = None, 0

    def forget_from(self, mark: int) -> None:
        """Drop the calls of the first thread from a mark on: they are made again, as nothing came of them."""
        with self._lock:
            del self._main[mark:]

    @property
    def mark(self) -> int:
        """How many calls the first thread has made."""
        with self._lock:
            return len(self._main)

    @property
    def raw(self) -> tuple[str, ...]:
        """The calls of the first thread, with ids and paths as they are."""
        with self._lock:
            return tuple(self._main)

    @property
    def last(self) -> str:
        """The call that the first thread made last; empty where it made none."""
        with self._lock:
            return _short(self._main[-1]) if self._main else ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Every call; those of further threads follow those of the first, each once, in the order of the alphabet."""
        with self._lock:
            return self._numbered(self._main)

    @property
    def shortest(self) -> tuple[str, ...]:
        """The calls without those of all examples but the last, which is the smallest one of a failure."""
        with self._lock:
            if self._before is None:
                return self._numbered(self._main)
            return self._numbered(self._main[: self._before] + self._main[self._example :])

    @property
    def _main(self) -> list[str]:
        return next(iter(self._threads.values()))

    def _numbered(self, main: Sequence[str]) -> tuple[str, ...]:
        numbers: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"<id {numbers.setdefault(match[0].lower(), len(numbers) + 1)}>"

        def known(match: re.Match[str]) -> str:
            return f"<id {numbers.get(match[0].lower(), '')}>"

        found = [_ID.sub(number, _short(line)) for line in main]
        # Which thread does what, and when, is the machine's choice: what was done is all that is the same again.
        others = {line for lines in list(self._threads.values())[1:] for line in lines}
        found += [
            f"at the same time: {_ID.sub(number, _short(line))}"
            for line in sorted(others, key=lambda o: _ID.sub(known, o))
        ]
        return tuple(found)


def _short(line: str) -> str:
    """A line whose folders have lost the path to them."""
    return _PATH.sub(r"…/\1", line)


def call_text(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """A call as it is written in Python."""
    given = [_text(value) for value in args]
    given += [f"{key}={_text(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(given)})"


def _text(value: Any) -> str:
    if callable(value):
        return "<callback>"
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_text(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    return repr(value)
