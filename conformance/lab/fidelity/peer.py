"""The official client of a release, in its own environment, as an object that makes one call after the other.

Owns: starting ``player.py`` there, and a limit for each call. Must not know what is called, nor what should come.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

from conformance.lab.provisioning import LabError
from conformance.peers import environment

_PLAYER = Path(__file__).with_name("player.py")
_CALL_SECONDS = 120.0
_LAST_LINES = 12
_END_SECONDS = 5.0


class NoAnswer(LabError):
    """The client did not come back from a call in time, or ended."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What came of a call.

    Attributes:
        value: what was returned, as JSON; ``None`` where something was raised.
        raised: the classes of what was raised, most special first; empty where something was returned.
        text: its text.
        printed: what the client printed meanwhile.
        given: what a callback was given, each once.
    """

    value: Any = None
    raised: tuple[str, ...] = ()
    text: str = ""
    printed: str = ""
    given: tuple[Any, ...] = ()

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Seen:
        """What an answer of the player says."""
        return cls(
            answer.get("returned"),
            tuple(answer.get("raised", ())),
            answer.get("text", ""),
            answer.get("printed", ""),
            tuple(answer.get("seen", ())),
        )

    def __str__(self) -> str:
        return f"{self.raised[0]}: {self.text}" if self.raised else f"returned {self.value!r}"


class Peer:
    """A process with the official client.

    Args:
        version: a published version, as ``2.6.3``.
        seconds: how long one call may take.

    Raises:
        PeerUnavailable: the release cannot be had on this machine.
    """

    def __init__(self, version: str, seconds: float = _CALL_SECONDS) -> None:
        self._python = str(environment(version).python)
        self._seconds = seconds
        self.start()

    def start(self) -> None:
        """Start the process; a client that hangs is stopped, and started anew."""
        self._said: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(  # noqa: S603 - an environment that this package made
            [self._python, str(_PLAYER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        reading = ((_read_answers, self._process.stdout, self._answers), (_read_said, self._process.stderr, self._said))
        self._readers = [
            threading.Thread(target=cast(Any, read), args=(stream, told), daemon=True) for read, stream, told in reading
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(_END_SECONDS)
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def open(self, name: str, user: str, kit: Path, *, timeout: float = 30.0, **further: Any) -> Seen:
        """Open a session."""
        request = {"do": "open", "name": name, "user": user, "kit": str(kit), "timeout": timeout, "further": further}
        return self._ask(request)

    def close(self, name: str) -> Seen:
        """Close a session and forget it."""
        return self._ask({"do": "close", "name": name})

    def call(self, session: str, method: str, *args: Any, **kwargs: Any) -> Seen:
        """Make a call."""
        return self._ask({"do": "call", "session": session, "method": method, "args": args, "kwargs": kwargs})

    def _ask(self, request: Mapping[str, Any]) -> Seen:
        """Send a request and wait for its answer.

        Raises:
            NoAnswer: there is none in time, or the client ended.
        """
        line = None
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, queue.Empty):
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                line = self._answers.get(timeout=self._seconds)
        if line is None:
            said = "".join(self._said)
            raise NoAnswer(f"expected an answer to {request} within {self._seconds:g} s; the client said: {said}")
        return Seen.of(json.loads(line))


def _read_answers(stream: IO[str], answers: queue.Queue[str | None]) -> None:
    for line in stream:
        answers.put(line)
    answers.put(None)


def _read_said(stream: IO[str], said: collections.deque[str]) -> None:
    said.extend(stream)
