"""How far the machine was behind: the harness's own scheduling lag, measured while it works.

Two things make a client that is right look late. A thread that slept, or let others have the interpreter, has its turn
late, which a thread that does so and looks at the clock sees. And a thread that wants to work is not given a CPU; it is
the kernel that knows, on Linux, in ``/proc/<process>/task/<thread>/schedstat``. Elsewhere the first measure stands
alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from array import array
from collections.abc import Callable, Iterator

from conformance.results import Lag

STEP = 0.005
"""Seconds that the watching thread asks to sleep."""
_TOLERATED = 0.005
"""Seconds by which it may be late: the timer of the kernel, and one turn of another thread of this process."""
_LOOK = 0.1
"""Seconds between two looks at what the kernel knows."""
_NUMBERS = 1 << 16
"""Bytes: no file of the kernel that is read here has more."""
_METERS: set[str] = set()
"""The threads that measure, by the names of their folders: they wait for a CPU like all others, and delay nobody."""


class Waits:
    """How long threads of this process, and of the programs that it started, waited for a CPU.

    Args:
        had_turn: is called after each call of the system: other threads may have had the interpreter meanwhile. Where
            they want it all the time, a look takes longer than whatever is measured.
    """

    def __init__(self, had_turn: Callable[[], None] = lambda: None) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._known = False
        self._had_turn = had_turn
        self.look()

    def look(self) -> None:
        """Read the kernel's numbers again."""
        for folder in self._threads():
            if folder.rpartition("/")[2] in _METERS:
                self._last.pop(folder, None)  # it may have been looked at before it said so
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):  # it is gone meanwhile
                waited = int(self._read(f"{folder}/schedstat").split()[1])
                # What a thread waited before the first look is not of now; a thread that is new began at nothing.
                self._first.setdefault(folder, 0 if self._known else waited)
                self._last[folder] = waited
        self._known = True

    @property
    def seconds(self) -> float:
        """The waits since the first look, of the two threads that waited longest.

        A call goes to and fro between two, the client's and the server's; what others wait delays nobody.
        """
        waits = sorted(last - self._first[key] for key, last in self._last.items())
        return sum(waits[-2:]) / 1e9

    def _threads(self) -> Iterator[str]:
        """The folders of the threads of this process and of all that it started."""
        waiting = [os.getpid()]
        while waiting:
            with contextlib.suppress(OSError, ValueError):
                for folder in self._folders(f"/proc/{waiting.pop()}/task"):
                    yield folder
                    with contextlib.suppress(OSError, ValueError):
                        waiting += map(int, self._read(f"{folder}/children").split())

    def _folders(self, folder: str) -> list[str]:
        found = []
        with os.scandir(folder) as entries:
            self._had_turn()
            for entry in entries:
                found.append(entry.path)
                self._had_turn()
        return found

    def _read(self, path: str) -> bytes:
        file = os.open(path, os.O_RDONLY)
        try:
            self._had_turn()
            return os.read(file, _NUMBERS)
        finally:
            self._had_turn()
            os.close(file)
            self._had_turn()


class LagMeter:
    """A thread that measures from ``start`` to ``stop``; the numbers may be read at any time."""

    def __init__(self, step: float = STEP) -> None:
        self._step = step
        self._ended = threading.Event()
        self._turn = 0.0
        """When it had its last turn."""
        self._worst = 0.0
        """Of the turns since the last entry of ``_lags``."""
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
        self._turn = looked = time.monotonic()
        waits = Waits(self._had_turn_in_look)
        ended = False
        while not ended:
            ended = self._ended.wait(self._step)
            # At the end the thread is woken before its time is over, so this is nothing or little.
            self._had_turn(self._step)
            if ended or self._turn - looked >= _LOOK:
                waits.look()
                self._waited, looked = waits.seconds, self._turn
            self._lags.append(self._worst)
            self._worst = 0.0

    def _had_turn_in_look(self) -> None:
        if not self._ended.is_set():  # the last look is not of the time that is measured
            self._had_turn(0.0)

    def _had_turn(self, slept: float) -> None:
        now = time.monotonic()
        late = max(0.0, now - self._turn - slept)
        self._turn = now
        self._worst = max(self._worst, late)
        self._late += max(0.0, late - _TOLERATED)
