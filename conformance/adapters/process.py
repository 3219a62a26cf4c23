"""A client program as a process: lines in, lines out, bounded memory, and an end to it in every case.

It knows nothing of JSON or of what the lines mean.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import IO

from conformance.adapters.base import ClientFailure

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one message; what is longer comes in pieces, which are no JSON."""
MAX_WAITING = 4
"""Lines that are kept for the harness; a program that floods waits at its pipe."""
TAIL = 2000
"""Bytes of the program's standard error that are kept for the reason of a failure."""
_PUT_SECONDS = 0.2
_END_SECONDS = 2.0


class ProgramProcess:
    """A program that was started, with everything that it starts in turn.

    Args:
        command: the words of the command.

    Raises:
        ClientFailure: it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the user's own
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # A group of its own, so that what a wrapper script started ends with it.
                start_new_session=True,
            )
        except OSError as problem:
            raise ClientFailure(f"cannot start {command[0]}: {problem.strerror}") from problem
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=MAX_WAITING)
        self._ended = threading.Event()
        self._tail = b""
        for work, stream in ((self._read_lines, self._process.stdout), (self._read_errors, self._process.stderr)):
            threading.Thread(target=work, args=(stream,), name="client-program", daemon=True).start()

    @property
    def last_words(self) -> str:
        """The end of what the program wrote to standard error."""
        return self._tail.decode("utf-8", "replace").strip()

    def write(self, line: bytes) -> None:
        """Send a line. A program that does not read may block this until ``kill``.

        Raises:
            OSError: the program is gone.
        """
        stream = self._process.stdin
        if stream is None or stream.closed:
            raise BrokenPipeError("its standard input is closed")
        stream.write(line + b"\n")
        stream.flush()

    def read(self, seconds: float) -> bytes | None:
        """The next line; empty at the end of the output, ``None`` where none comes in time."""
        try:
            return self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def kill(self) -> None:
        """End the program at once, and what it started; may be called from any thread, and again."""
        self._ended.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # The group outlives its leader: a wrapper that ended may have left the client running.
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def end(self) -> None:
        """End the program: it is told by the end of its input, and killed if it does not mind."""
        if self._process.stdin is not None and not self._ended.is_set():
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
        self.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # what could not be sent is lost
                self._process.stdin.close()

    def _read_lines(self, stream: IO[bytes]) -> None:
        # The thread that reads closes: closing from another one would wait for a read that may never end.
        with stream:
            line = b"-"
            while line and not self._ended.is_set():
                line = stream.readline(MAX_LINE)
                self._put(line)

    def _put(self, line: bytes) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(queue.Full):
                self._lines.put(line, timeout=_PUT_SECONDS)
                return
        # Whoever waits for a line of a program that was killed learns that none will come.
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(b"")

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while piece := os.read(stream.fileno(), 4096):
                self._tail = (self._tail + piece)[-TAIL:]
