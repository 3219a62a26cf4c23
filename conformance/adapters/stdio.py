"""A client under test that is a program: JSON-RPC 2.0, one message a line, calls in both directions.

``docs/adapter-protocol.md`` specifies it. Whatever the program does wrong, a crash, silence, garbage, a flood, is a
``ClientFailure`` with a reason, never a failure of the harness.
"""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.adapters.base import Callback, ClientError, ClientFailure, ReturnCode

PROTOCOL = 1
MAX_LINE = 64 * 1024 * 1024
CALL_SECONDS = 60.0
"""How long a call may take without a sign of life; monitoring tells of itself by its callbacks."""


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("$type") == "MonitorReturnCode":
            return ReturnCode(str(value.get("name")), int(value.get("value", -1)))
        return {key: _decode(item) for key, item in value.items() if key != "$type"}
    return [_decode(item) for item in value] if isinstance(value, list) else value


class StdioSession:
    """A session inside the program."""

    def __init__(self, adapter: StdioAdapter, name: str) -> None:
        self._adapter = adapter
        self._name = name

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method by its name."""
        parameters = {"session": self._name, "method": method, "args": list(args), "kwargs": kwargs}
        return self._adapter.request("session.call", parameters)

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Call ``monitor_job`` with a callback that runs here."""
        if cb is None:
            return self.call("monitor_job", job_id, *args, **kwargs)
        parameters = {
            "session": self._name,
            "method": "monitor_job",
            "args": [job_id, *args[:2], *([{"$callback": True}] if len(args) > 2 else []), *args[2:]],
            "kwargs": kwargs if len(args) > 2 else {**kwargs, "cb": {"$callback": True}},
        }
        return self._adapter.request("session.call", parameters, cb)

    def close(self) -> None:
        """Close the session."""
        self.call("close")


class StdioAdapter:
    """Drives a program; starts it anew after it failed.

    Args:
        command: the words of the command.
        name: how reports call it.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self.name = name
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=1000)
        self._ids = itertools.count(1)
        self._features: list[str] = []

    @property
    def features(self) -> frozenset[str]:
        """What the program says that its client has beside the sessions."""
        self._start()
        return frozenset(self._features)

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, debug: bool = False
    ) -> StdioSession:
        """Open a session in the program."""
        parameters: dict[str, Any] = {"username": username, "kit": str(kit), "secure": secure, "timeout": timeout}
        if debug:
            parameters["debug"] = True
        answer = self.request("session.open", parameters, seconds=CALL_SECONDS + timeout)
        if not isinstance(answer, dict) or not isinstance(answer.get("session"), str):
            raise self._fail(f"expected a session from session.open, but got {answer!r:.200}")
        return StdioSession(self, answer["session"])

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Call the client's sample callback."""
        answer = self.request("basic_cb", {"status": status, "count": count})
        return answer["value"], answer["count"]

    def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def request(
        self, method: str, parameters: dict[str, Any], callback: Callback | None = None, seconds: float = CALL_SECONDS
    ) -> Any:
        """Send a request and return its result; callbacks that come meanwhile are answered.

        Raises:
            ClientError: the client raised.
            ClientFailure: the program crashed, was silent for too long, or broke the protocol.
        """
        self._start()
        number = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        while True:
            message = self._receive(seconds, method)
            if "method" in message:
                self._answer_callback(message, callback)
            elif message.get("id") != number:
                raise self._fail(f"expected the answer to {number} ({method}), but got that to {message.get('id')!r}")
            elif "error" in message:
                raise _client_error(message["error"])
            elif "result" in message:
                return _decode(message["result"])
            else:
                raise self._fail("expected a result or an error in the answer, but it has neither")

    def _answer_callback(self, message: dict[str, Any], callback: Callback | None) -> None:
        if message["method"] != "callback.invoke" or callback is None:
            raise self._fail(f"expected callback.invoke during monitor_job alone, but got {message['method']!r}")
        given = message.get("params") or {}
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        try:
            value = callback(
                given.get("same_session"),
                given.get("job_id"),
                given.get("job_meta"),
                *(given.get("args") or []),
                **(given.get("kwargs") or {}),
            )
            reply["result"] = value
        except Exception as problem:  # noqa: BLE001 - what the check's callback raises belongs to the client
            reply["error"] = {"code": -32000, "message": str(problem), "data": {"types": [type(problem).__name__]}}
        self._send(reply)

    def _start(self) -> None:
        if self._process is not None:
            return
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        except OSError as problem:
            raise ClientFailure(f"cannot start {self._command[0]}: {problem.strerror}") from problem
        self._process = process
        self._lines = queue.Queue(maxsize=1000)
        threading.Thread(target=_read_lines, args=(process, self._lines), name="adapter", daemon=True).start()
        answer = self.request("hello", {"protocol": PROTOCOL})
        if not isinstance(answer, dict) or answer.get("protocol") != PROTOCOL:
            raise self._fail(f"expected protocol {PROTOCOL} from hello, but got {answer!r:.200}")
        self._features = [str(feature) for feature in answer.get("features") or []]

    def _send(self, message: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise ClientFailure("the client program is not running")
        try:
            self._process.stdin.write(json.dumps(message).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError as problem:
            raise self._fail(f"cannot send to the client program: {problem}") from problem

    def _receive(self, seconds: float, method: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise self._fail(f"{method}: no answer in {seconds:g} s") from None
        if not line:
            raise self._fail(f"{method}: the client program ended")
        try:
            message = json.loads(line)
        except ValueError:
            raise self._fail(f"{method}: expected a line of JSON, but got {line[:80]!r}") from None
        if not isinstance(message, dict):
            raise self._fail(f"{method}: expected a JSON object, but got {line[:80]!r}")
        return message

    def _fail(self, reason: str) -> ClientFailure:
        """Blame the program and get rid of it; the next request starts another one."""
        self.close()
        return ClientFailure(reason)


def _read_lines(process: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    stream = process.stdout
    while stream is not None:
        try:
            line = stream.readline(MAX_LINE)
        except (OSError, ValueError):
            line = b""
        lines.put(line)
        if not line:
            return


def _client_error(error: Any) -> ClientError:
    data = error.get("data") if isinstance(error, dict) else None
    types = data.get("types") if isinstance(data, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    return ClientError(tuple(str(name) for name in types or ["Exception"]), str(text))
