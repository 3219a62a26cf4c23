"""A program at a terminal: what it shows is waited for, what the user types is sent."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from tests.interop.programs.official import SECONDS, Official

_WIDE = struct.pack("HHHH", 50, 2000, 0, 0)
"""Rows and columns of a terminal on which no line is folded."""
_KEYS = re.compile(r"\x1b\[[?0-9;]*[a-zA-Z]|\r")
"""What a terminal draws with."""


class Dialogue:
    """A program that runs at a terminal of its own.

    Args:
        official: its release.
        *words: the program and its arguments.
        cwd: where it runs.
    """

    def __init__(self, official: Official, *words: str, cwd: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, _WIDE)
        self._process = subprocess.Popen(
            words, cwd=cwd, env=official.environ(), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.shown = ""
        """All that was shown."""
        self._read = 0

    def __enter__(self) -> Dialogue:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)

    def expect(self, end: str) -> str:
        """Wait until something is shown that was not before.

        Args:
            end: what.

        Returns:
            What was shown up to it.
        """
        deadline = time.monotonic() + SECONDS
        while (at := self.shown.find(end, self._read)) < 0:
            assert self._more(deadline), f"expected {end!r}, but got: {self.shown[self._read :]}"
        found = self.shown[self._read : at]
        self._read = at + len(end)
        return found

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._master, f"{line}\n".encode())

    def end(self) -> tuple[int, str]:
        """Wait until the program is over.

        Returns:
            Its exit code, and what it showed at last.
        """
        deadline = time.monotonic() + SECONDS
        while self._more(deadline):
            pass
        return self._process.wait(SECONDS), self.shown[self._read :]

    def _more(self, deadline: float) -> bool:
        """Take what is shown next; false where nothing comes any more."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += _KEYS.sub("", data.decode(errors="replace"))
        return bool(data)
