"""A client program as a process: lines in, lines out, bounded memory, and an end to it in every case.

It knows nothing of JSON or of what the lines mean.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

from conformance.adapters.base import CannotStart

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one message; what is longer comes in pieces, which are no JSON."""
TAIL = 2000
"""Bytes of the program's standard error that are kept for the reason of a failure."""
END_SECONDS = 2.0
"""How long a program has to end by itself after its input did."""
_LOOK_SECONDS = 0.2
"""How often somebody who waits for room in the pipe looks whether the program still lives."""
_WORDS_SECONDS = 0.5
"""How long the last words of a program that ended may be on their way."""


class ProgramProcess:
    """A program that was started, with everything that it starts in turn.

    Args:
        command: the words of the command.
        consume: takes each line that the program writes, with its end, and empty bytes at the end of them all; it
            is called in one thread, and must not wait for anything.

    Raises:
        CannotStart: it cannot be started.
    """

    def __init__(self, command: Sequence[str], consume: Callable[[bytes], None]) -> None:
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
            raise CannotStart(f"cannot start {command[0]}: {problem.strerror}") from problem
        self._consume = consume
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._ending = threading.Lock()
        self._tail = b""
        if self._process.stdin is not None and hasattr(select, "poll"):
            # Nobody else must be able to keep a writer waiting: a daemon that the program left may hold the pipe.
            os.set_blocking(self._process.stdin.fileno(), False)
        self._readers = [
            threading.Thread(target=work, args=(stream,), name="client-program", daemon=True)
            for work, stream in ((self._read_lines, self._process.stdout), (self._read_errors, self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def last_words(self) -> str:
        """The end of what the program wrote to standard error; whole once it ended."""
        if self._ended.is_set():
            self._readers[1].join(_WORDS_SECONDS)
        return self._tail.decode("utf-8", "replace").strip()

    def write(self, line: bytes) -> None:
        """Send a line. A program that does not read may keep this waiting until ``kill``.

        Raises:
            OSError: the program is gone.
        """
        stream = self._process.stdin
        with self._writing:
            if stream is None or stream.closed:
                raise BrokenPipeError("its standard input is closed")
            if not hasattr(select, "poll"):
                stream.write(line + b"\n")
                stream.flush()
                return
            view = memoryview(line + b"\n")
            room = select.poll()
            room.register(stream.fileno(), select.POLLOUT)
            while view:
                if self._ended.is_set():
                    raise BrokenPipeError("the program was ended")
                if room.poll(_LOOK_SECONDS * 1000):
                    with contextlib.suppress(BlockingIOError):
                        view = view[os.write(stream.fileno(), view) :]

    def kill(self) -> None:
        """End the program at once, and what it started; may be called from any thread, and again."""
        self._ended.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # The group outlives its leader: a wrapper that ended may have left the client running.
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def end(self) -> bool:
        """End the program: it is told by the end of its input, and killed if it does not mind.

        Returns:
            Whether it ended by itself.
        """
        with self._ending:
            by_itself = False
            if not self._ended.is_set():
                self._close_input()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_SECONDS)
                    by_itself = True
            self.kill()
            self._process.wait()
            self._close_input()  # what could not be sent is lost
            self._readers[0].join(_WORDS_SECONDS)
            return by_itself

    def _close_input(self) -> None:
        with self._writing, contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _read_lines(self, stream: IO[bytes]) -> None:
        # The thread that reads closes: closing from another one would wait for a read that may never end.
        with stream:
            line = b"-"
            while line and not self._ended.is_set():
                line = stream.readline(MAX_LINE)
                self._consume(line)

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while piece := os.read(stream.fileno(), 4096):
                self._tail = (self._tail + piece)[-TAIL:]
