"""A worker as the run sees it: a process that is told what to do, says what came of it, and can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import conformance
from conformance.runner import Task
from conformance.running.plan import Plan

_ROOT = Path(conformance.__file__).resolve().parent.parent
_LEAVE_SECONDS = 1.0
_TAIL = 600
"""Bytes of a worker's standard error that are kept for the reason of its end."""

Inbox = queue.Queue[tuple["WorkerProcess", "dict[str, Any] | None"]]
"""What workers say, each message with who says it; ``None`` at its end."""


class WorkerProcess:
    """A worker.

    Args:
        plan: what it is to do.
        inbox: where its messages go.
        folder: for its temporary files.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, plan: Plan, inbox: Inbox, folder: Path) -> None:
        self._inbox = inbox
        self._errors = (folder / "stderr").open("w+b")
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "conformance.running.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="ascii",
            # A group of its own: what a client started ends with it, and Ctrl-C comes to this process alone.
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "TMPDIR": str(folder),
                # The order of sets of texts is part of what a seed draws again.
                "PYTHONHASHSEED": str(plan.seed % 2**32),
            },
        )
        self._say(plan.data)
        threading.Thread(target=self._read, args=(self._process.stdout,), name="worker", daemon=True).start()

    def give(self, task: Task) -> None:
        """Give it something to do."""
        self._say({"contract": task.contract, "attempt": task.attempt})

    def finish(self) -> None:
        """Say that nothing more will come."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        """End it at once, and what it started."""
        # Asked first: the program of a client is in a group of its own, which only the worker knows.
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        self.finish()
        self._errors.close()

    @property
    def end(self) -> str:
        """How it ended and what it last wrote, in words; waits for the end."""
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - _TAIL))
        words = self._errors.read().decode("utf-8", "replace").strip()
        return f"{how}; it last wrote: {words}" if words else how

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is gone, and its end says so
            if self._process.stdin is not None:
                self._process.stdin.write(json.dumps(message) + "\n")
                self._process.stdin.flush()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                try:
                    message = json.loads(line)
                except ValueError:
                    break  # it was killed in the middle of a message
                self._inbox.put((self, message))
        self._inbox.put((self, None))
