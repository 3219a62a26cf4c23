"""A client under test that is a program: JSON-RPC 2.0, one message a line, calls in both directions.

``docs/adapter-protocol.md`` specifies it. Whatever the program does wrong, a crash, silence, garbage, a flood, calls
without end, is a ``ClientFailure`` with a reason, never a failure of the harness.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conformance.adapters.base import Callback, ClientError, ClientFailure, ReturnCode
from conformance.adapters.process import ProgramProcess

PROTOCOL = 1
CALL_SECONDS = 60.0
"""How long a call may take, beside the time that it is given as a timeout."""


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("$type") == "MonitorReturnCode":
            return ReturnCode(str(value.get("name")), int(value.get("value", -1)))
        return {key: _decode(item) for key, item in value.items() if key != "$type"}
    return [_decode(item) for item in value] if isinstance(value, list) else value


def _seconds(value: object) -> float:
    """What a timeout adds to the time that a call may take."""
    return max(0.0, float(value)) if isinstance(value, (int, float)) else 0.0


class StdioSession:
    """A session inside the program."""

    def __init__(self, adapter: StdioAdapter, name: str) -> None:
        self._adapter = adapter
        self._name = name

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method by its name."""
        return self._request(method, list(args), kwargs, None, 0.0)

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Call ``monitor_job`` with a callback that runs here."""
        allowed = _seconds(args[0] if args else kwargs.get("timeout"))
        if cb is None:
            return self._request("monitor_job", [job_id, *args], kwargs, None, allowed)
        mark = {"$callback": True}
        if len(args) > 2:
            return self._request("monitor_job", [job_id, *args[:2], mark, *args[2:]], kwargs, cb, allowed)
        return self._request("monitor_job", [job_id, *args], {**kwargs, "cb": mark}, cb, allowed)

    def close(self) -> None:
        """Call ``close``."""
        self.call("close")

    def _request(
        self, method: str, args: list[Any], kwargs: dict[str, Any], callback: Callback | None, allowed: float
    ) -> Any:
        parameters = {"session": self._name, "method": method, "args": args, "kwargs": kwargs}
        return self._adapter.request("session.call", parameters, callback, allowed=allowed)


class StdioAdapter:
    """Drives a program; starts it anew after it failed.

    Args:
        command: the words of the command.
        name: how reports call it.
        call_seconds: how long a call may take, beside the time that it is given as a timeout.

    Raises:
        ValueError: the command is empty.
    """

    def __init__(self, command: Sequence[str], name: str, call_seconds: float = CALL_SECONDS) -> None:
        if not command:
            raise ValueError("expected the command of a client program, but got nothing")
        self.name = name
        self._command = list(command)
        self.call_seconds = call_seconds
        self._process: ProgramProcess | None = None
        self._ids = itertools.count(1)
        self._features: frozenset[str] = frozenset()

    @property
    def features(self) -> frozenset[str]:
        """What the program says that its client has beside the sessions."""
        self._started()
        return self._features

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, **further: Any
    ) -> StdioSession:
        """Open a session in the program."""
        parameters: dict[str, Any] = {
            "username": username,
            "kit": str(kit),
            "secure": secure,
            "timeout": timeout,
            **further,
        }
        answer = self.request("session.open", parameters, allowed=_seconds(timeout))
        if not isinstance(answer, dict) or not isinstance(answer.get("session"), str):
            raise self._fail(f"expected a session from session.open, but got {answer!r:.200}")
        return StdioSession(self, answer["session"])

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Call the client's sample callback."""
        answer = self.request("basic_cb", {"status": status, "count": count})
        if not isinstance(answer, dict) or not isinstance(answer.get("count"), int):
            raise self._fail(f"expected value and count from basic_cb, but got {answer!r:.200}")
        return answer.get("value"), answer["count"]

    def close(self) -> None:
        """End the program."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def request(
        self, method: str, parameters: dict[str, Any], callback: Callback | None = None, *, allowed: float = 0.0
    ) -> Any:
        """Send a request and return its result; callbacks that come meanwhile are answered.

        Args:
            method: the method of the protocol.
            parameters: its parameters.
            callback: what ``callback.invoke`` runs.
            allowed: seconds that the call may take beside the usual ones.

        Raises:
            ClientError: the client raised.
            ClientFailure: the program crashed, took too long, or broke the protocol.
        """
        return self._exchange(self._started(), method, parameters, callback, self.call_seconds + allowed)

    def _exchange(
        self,
        process: ProgramProcess,
        method: str,
        parameters: dict[str, Any],
        callback: Callback | None,
        seconds: float,
    ) -> Any:
        number = next(self._ids)
        called = str(parameters.get("method", method))
        over = threading.Event()

        def give_up() -> None:
            over.set()
            process.kill()

        # One limit on the whole: on silence, on callbacks without end, on a program that does not read its input.
        limit = threading.Timer(seconds, give_up)
        limit.daemon = True
        limit.start()
        deadline = time.monotonic() + seconds
        try:
            self._send(process, {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
            while True:
                message = self._receive(process, deadline, called)
                if "method" in message:
                    self._answer_callback(process, message, callback)
                elif message.get("id") != number:
                    got = f"{message.get('id')!r:.80}"
                    raise self._fail(f"expected the answer to {number} ({called}), but got that to {got}")
                elif "error" in message:
                    raise _client_error(message["error"])
                elif "result" in message:
                    return _decode(message["result"])
                else:
                    raise self._fail("expected a result or an error in the answer, but it has neither")
        except ClientFailure as problem:
            if not over.is_set():
                raise
            raise ClientFailure(_reason(f"{called}: no answer in {seconds:g} s", process)) from problem
        finally:
            limit.cancel()

    def _answer_callback(self, process: ProgramProcess, message: dict[str, Any], callback: Callback | None) -> None:
        if message["method"] != "callback.invoke" or callback is None:
            raise self._fail(f"expected callback.invoke during monitor_job alone, but got {message['method']!r:.80}")
        given = message.get("params")
        args, kwargs = (given.get("args", []), given.get("kwargs", {})) if isinstance(given, dict) else (None, None)
        if not isinstance(given, dict) or not isinstance(args, list) or not isinstance(kwargs, dict):
            raise self._fail(f"expected args and kwargs in the parameters of callback.invoke, but got {given!r:.200}")
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        try:
            reply["result"] = callback(
                given.get("same_session"), given.get("job_id"), given.get("job_meta"), *args, **kwargs
            )
        except Exception as problem:  # noqa: BLE001 - what the check's callback raises belongs to the client
            reply["error"] = {"code": -32000, "message": str(problem), "data": {"types": [type(problem).__name__]}}
        self._send(process, reply)

    def _started(self) -> ProgramProcess:
        if self._process is None:
            self._process = process = ProgramProcess(self._command)
            answer = self._exchange(process, "hello", {"protocol": PROTOCOL}, None, self.call_seconds)
            if not isinstance(answer, dict) or answer.get("protocol") != PROTOCOL:
                raise self._fail(f"expected protocol {PROTOCOL} from hello, but got {answer!r:.200}")
            features = answer.get("features", [])
            if not isinstance(features, list):
                raise self._fail(f"expected a list of features from hello, but got {features!r:.200}")
            self._features = frozenset(str(feature) for feature in features)
            return process
        return self._process

    def _send(self, process: ProgramProcess, message: dict[str, Any]) -> None:
        try:
            process.write(json.dumps(message).encode("ascii"))
        except OSError as problem:
            raise self._fail(f"cannot send to the client program: {problem}") from problem

    def _receive(self, process: ProgramProcess, deadline: float, called: str) -> dict[str, Any]:
        # The limit kills the program, whose output ends then; the margin is for that to arrive.
        line = process.read(deadline - time.monotonic() + 1.0)
        if line is None:
            raise self._fail(f"{called}: no answer in time")
        if not line:
            raise self._fail(f"{called}: the client program ended")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise self._fail(f"{called}: expected a line of JSON, but got {line[:80]!r}") from None
        if not isinstance(message, dict):
            raise self._fail(f"{called}: expected a JSON object, but got {line[:80]!r}")
        return message

    def _fail(self, reason: str) -> ClientFailure:
        """Blame the program and get rid of it; the next request starts another one."""
        process, self._process = self._process, None
        if process is None:
            return ClientFailure(reason)
        process.kill()
        process.end()
        return ClientFailure(_reason(reason, process))


def _reason(reason: str, process: ProgramProcess) -> str:
    words = process.last_words
    return f"{reason}; it last wrote to standard error: {words}" if words else reason


def _client_error(error: Any) -> ClientError:
    data = error.get("data") if isinstance(error, dict) else None
    types = data.get("types") if isinstance(data, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    names = types if isinstance(types, list) and types else ["Exception"]
    return ClientError(tuple(str(name) for name in names), str(text))
