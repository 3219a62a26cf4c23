"""How far the machine was behind: the harness's own scheduling lag, measured while it works.

Two things make a client that is right look late. A thread that slept is woken late, which a thread that sleeps and
looks at the clock sees. And a thread that wants to work is not given a CPU; it is the kernel that knows, on Linux, in
``/proc/<process>/task/<thread>/schedstat``. Elsewhere the first measure stands alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from conformance.results import Lag

STEP = 0.005
"""Seconds that the watching thread asks to sleep."""
_TOLERATED = 0.005
"""Seconds by which it may be woken late: the timer of the kernel, and one turn of another thread of this process."""
_LOOK = 0.1
"""Seconds between two looks at what the kernel knows."""
_PROC = Path("/proc")
_METERS: set[str] = set()
"""The threads that measure, by the names of their folders: they wait for a CPU like all others, and delay nobody."""


class Waits:
    """How long threads of this process, and of the programs that it started, waited for a CPU."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._known = False
        self.look()

    def look(self) -> None:
        """Read the kernel's numbers again."""
        for path in _threads(os.getpid()):
            if path.name in _METERS:
                self._last.pop(str(path), None)  # it may have been looked at before it said so
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):  # it is gone meanwhile
                waited = int((path / "schedstat").read_text().split()[1])
                key = str(path)
                # What a thread waited before the first look is not of now; a thread that is new began at nothing.
                self._first.setdefault(key, 0 if self._known else waited)
                self._last[key] = waited
        self._known = True

    @property
    def seconds(self) -> float:
        """The waits since the first look, of the two threads that waited longest.

        A call goes to and fro between two, the client's and the server's; what others wait delays nobody.
        """
        waits = sorted(last - self._first[key] for key, last in self._last.items())
        return sum(waits[-2:]) / 1e9


def _threads(process: int) -> Iterator[Path]:
    """The folders of the threads of a process and of all that it started."""
    waiting = [process]
    while waiting:
        with contextlib.suppress(OSError, ValueError):
            for path in list((_PROC / str(waiting.pop()) / "task").iterdir()):
                yield path
                with contextlib.suppress(OSError, ValueError):
                    waiting += [int(word) for word in (path / "children").read_text().split()]


class LagMeter:
    """A thread that measures from ``start`` to ``stop``; the numbers may be read at any time."""

    def __init__(self, step: float = STEP) -> None:
        self._step = step
        self._ended = threading.Event()
        self._lags = array("d")
        self._late = 0.0
        self._waited = 0.0
        self._thread = threading.Thread(target=self._watch, name="lag", daemon=True)

    def start(self) -> None:
        """Begin to measure."""
        self._thread.start()

    def stop(self) -> None:
        """Measure a last time, and end."""
        self._ended.set()
        self._thread.join()

    @property
    def behind(self) -> float:
        """Seconds that the machine may have cost by now, by the worse of both measures."""
        return max(self._late, self._waited)

    @property
    def lag(self) -> Lag:
        """The summary."""
        lags = sorted(self._lags)
        return Lag(lags[-1], lags[int(len(lags) * 0.99)]) if lags else Lag()

    def _watch(self) -> None:
        own = str(threading.get_native_id())
        _METERS.add(own)
        try:
            self._measure()
        finally:
            _METERS.discard(own)

    def _measure(self) -> None:
        waits = Waits()
        looked = time.monotonic()
        ended = False
        while not ended:
            before = time.monotonic()
            ended = self._ended.wait(self._step)
            now = time.monotonic()
            # At the end the thread is woken before its time is over, so this is nothing or little.
            late = max(0.0, now - before - self._step)
            self._lags.append(late)
            self._late += max(0.0, late - _TOLERATED)
            if ended or now - looked >= _LOOK:
                waits.look()
                self._waited, looked = waits.seconds, now
