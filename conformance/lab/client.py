"""``OfficialClient``: the official admin client of a release, in a process and an environment of its own.

Owns: the conversation with ``client_program.py``. Must not know any server.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.peers import environment

_PROGRAM = Path(__file__).with_name("client_program.py")
_ANSWER_SECONDS = 90.0
_END_SECONDS = 5.0


class OfficialError(Exception):
    """The official client raised an exception.

    Attributes:
        kind: the name of its class.
        message: its text.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class OfficialClient:
    """One process that holds sessions of the official client.

    Args:
        version: a published version, as ``2.6.3``.
        cwd: the folder to run in, which the official client resolves relative paths against.
        log: the file that its prints go to; dropped by default.
    """

    def __init__(self, version: str, *, cwd: Path | None = None, log: Path | None = None) -> None:
        self.version = version
        self._log = log
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        with contextlib.ExitStack() as undo:
            output = undo.enter_context(log.open("ab")) if log else subprocess.DEVNULL
            self._process = subprocess.Popen(  # noqa: S603 - the interpreter of an environment that this package made
                [environment(version).python, "-u", _PROGRAM],
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                encoding="ascii",
            )
        self._reader = threading.Thread(target=self._read, name=f"official-{version}", daemon=True)
        self._reader.start()

    def __enter__(self) -> OfficialClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()

    def open(self, kit: Path, user: str | None, *, timeout: float = 10.0) -> OfficialSession:
        """Open a session as the official functions do.

        Args:
            kit: the kit root.
            user: the user's name; ``None`` opens an insecure session.
            timeout: seconds.

        Raises:
            OfficialError: the official function raised.
        """
        session = OfficialSession(self, f"{user}@{kit}")
        self.ask({"do": "open", "session": session.name, "kit": str(kit), "user": user, "timeout": timeout})
        return session

    def ask(self, request: dict[str, Any]) -> Any:
        """Send one request to the program and return what the official call returned.

        Raises:
            OfficialError: the official call raised.
            TimeoutError: no answer in time.
            EOFError: the process ended.
        """
        if self._process.stdin is None:
            raise EOFError("expected a process with an input")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=_ANSWER_SECONDS)
        except queue.Empty:
            raise TimeoutError(f"nvflare {self.version}: no answer to {request} in {_ANSWER_SECONDS:g} s") from None
        if not line:
            raise EOFError(f"nvflare {self.version}: the client process ended at {request}")
        answer = json.loads(line)
        if "raised" in answer:
            raise OfficialError(answer["raised"], answer["message"])
        return answer["value"]

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")


class OfficialSession:
    """A session in the other process: attributes are the methods of the official ``Session``.

    Args:
        client: the process.
        name: the session's name there.
    """

    def __init__(self, client: OfficialClient, name: str) -> None:
        self.client = client
        self.name = name

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method; objects come back as plain dicts.

        Raises:
            OfficialError: the method raised.
        """
        return self.client.ask(
            {"do": "call", "session": self.name, "method": method, "args": list(args), "kwargs": kwargs}
        )

    def monitor_job(
        self, job_id: str, *args: Any, answers: Sequence[Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Monitor a job with a callback that gives the answers in turn, the last one for ever.

        Returns:
            ``returned``: the name of the return code; ``calls``: what each call of the callback was given.
        """
        request = {"do": "monitor", "session": self.name, "args": [job_id, *args], "kwargs": kwargs}
        answer: dict[str, Any] = self.client.ask(request | {"answers": list(answers) if answers is not None else None})
        return answer
