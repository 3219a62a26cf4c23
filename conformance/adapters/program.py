"""The program's side of the adapter protocol, for any client that is a Python factory.

Standard library only, Python 3.8 and later; run or imported by path, so it must not import this package.

Theory of operation. The main thread reads. Each request is answered by a thread of its own, so that several may be
open; what answers a callback is handed to the thread that waits for it.
"""

from __future__ import annotations

import io
import json
import os
import queue
import sys
import threading
from typing import Any, Callable, Dict, Iterable, List, Optional, TextIO

PROTOCOL = 1
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
CLIENT_RAISED = -32000


class Refused(Exception):
    """A request that the program cannot pass on to the client.

    Attributes:
        code: of JSON-RPC.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def encode(value: Any) -> Any:
    """A result as JSON; objects become objects of their attributes."""
    if isinstance(value, int) and hasattr(value, "name") and hasattr(value, "value"):
        return {"$type": "MonitorReturnCode", "name": value.name, "value": int(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return dict(encode(vars(value)), **{"$type": type(value).__name__}) if hasattr(value, "__dict__") else str(value)


def is_callback(value: Any) -> bool:
    """Whether an argument stands for the harness's callback."""
    return isinstance(value, dict) and value.get("$callback") is True


class Program:
    """Answers the harness until its input ends.

    Args:
        factory: ``factory(username, startup_kit_location, secure=True, timeout=10.0, **further)`` opens a session.
        basic_cb: the client's ``basic_cb_with_print``.
        hello: what the client says of itself.
        source: where requests come from.
        sink: where answers go.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        basic_cb: Optional[Callable[..., Any]],
        hello: Dict[str, Any],
        source: TextIO,
        sink: TextIO,
    ) -> None:
        self.factory = factory
        self.basic_cb = basic_cb
        self.hello = hello
        self.source = source
        self.sink = sink
        self.lock = threading.Lock()
        self.sessions: Dict[str, Any] = {}
        self.callbacks: Dict[str, queue.Queue[Dict[str, Any]]] = {}
        self.number = 0

    def send(self, message: Dict[str, Any]) -> None:
        """Write a message."""
        line = json.dumps(dict(message, jsonrpc="2.0")) + "\n"
        with self.lock:
            self.sink.write(line)
            self.sink.flush()

    def next_number(self) -> str:
        """A number that was not used before."""
        with self.lock:
            self.number += 1
            return str(self.number)

    def run(self) -> None:
        """Answer requests until the input ends."""
        for line in self.source:
            message = json.loads(line)
            if "method" in message:
                threading.Thread(target=self.serve, args=(message,), daemon=True).start()
            elif message.get("id") in self.callbacks:
                self.callbacks[message["id"]].put(message)

    def serve(self, request: Dict[str, Any]) -> None:
        """Answer one request."""
        try:
            result = self.answer(request["id"], request["method"], request.get("params") or {})
            self.send({"id": request["id"], "result": encode(result)})
        except Refused as problem:
            self.send({"id": request["id"], "error": {"code": problem.code, "message": str(problem)}})
        except Exception as problem:  # noqa: BLE001 - what the client raises is what the harness asks about
            types = [kind.__name__ for kind in type(problem).__mro__]
            error = {"code": CLIENT_RAISED, "message": str(problem), "data": {"types": types}}
            self.send({"id": request["id"], "error": error})

    def answer(self, number: int, method: str, params: Dict[str, Any]) -> Any:
        """The result of one request."""
        if method == "hello":
            if params.get("protocol") != PROTOCOL:
                raise Refused(INVALID_PARAMS, f"expected protocol {PROTOCOL}, but got {params.get('protocol')!r}")
            return self.hello
        if method == "session.open":
            session = self.factory(params.pop("username"), params.pop("kit"), **params)
            name = self.next_number()
            self.sessions[name] = session
            return {"session": name}
        if method == "session.call":
            if params.get("session") not in self.sessions:
                raise Refused(INVALID_PARAMS, f"expected a session that was opened, but got {params.get('session')!r}")
            return self.call(number, self.sessions[params["session"]], params)
        if method == "basic_cb" and self.basic_cb is not None:
            counter = {"count": params["count"]}
            value = self.basic_cb(None, "id", {"status": params["status"]}, cb_run_counter=counter)
            return {"value": value, "count": counter["count"]}
        raise Refused(METHOD_NOT_FOUND, f"unknown method {method!r}")

    def call(self, number: int, session: Any, params: Dict[str, Any]) -> Any:
        """Call a method of a session."""
        method = getattr(session, params["method"], None)
        if not callable(method):
            raise Refused(METHOD_NOT_FOUND, f"{type(session).__name__} has no method {params['method']!r}")

        def callback(given: Any, job_id: Any, job_meta: Any, *args: Any, **kwargs: Any) -> Any:
            return self.invoke(number, given is session, job_id, job_meta, args, kwargs)

        args = [callback if is_callback(value) else value for value in params.get("args", [])]
        kwargs = {k: callback if is_callback(v) else v for k, v in params.get("kwargs", {}).items()}
        return method(*args, **kwargs)

    def invoke(self, call: int, same_session: bool, job_id: Any, job_meta: Any, args: Any, kwargs: Any) -> Any:
        """Have the harness run its callback."""
        name = "callback-" + self.next_number()
        waiting: queue.Queue[Dict[str, Any]] = queue.Queue()
        self.callbacks[name] = waiting
        params = {"call": call, "same_session": same_session, "job_id": job_id, "job_meta": encode(job_meta)}
        params.update(args=encode(args), kwargs=encode(kwargs))
        self.send({"id": name, "method": "callback.invoke", "params": params})
        reply = waiting.get()
        del self.callbacks[name]
        if "error" in reply:
            # The harness's callback raised: raise the like of it inside the client.
            kind = str(reply["error"]["data"]["types"][0])
            raise type(kind, (Exception,), {})(reply["error"]["message"])
        return reply.get("result")


def main(
    factory: Callable[..., Any],
    basic_cb: Optional[Callable[..., Any]] = None,
    *,
    releases: Iterable[str],
    features: Iterable[str],
    name: str = "factory",
    version: str = "",
) -> None:
    """Serve a factory; prints of the client go to standard error, the protocol has standard output to itself.

    Args:
        factory: opens a session, see ``Program``.
        basic_cb: the client's ``basic_cb_with_print``; the feature of that name goes with it.
        releases: the release lines that the client speaks.
        features: what it has, words of the protocol's document.
        name: of the client.
        version: of the client.
    """
    claimed: List[str] = sorted(set(features) | ({"basic_cb"} if basic_cb else set()))
    hello = {"protocol": PROTOCOL, "language": "python", "name": name, "version": version}
    hello.update(releases=list(releases), features=claimed)
    sink = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    source = io.TextIOWrapper(os.fdopen(os.dup(0), "rb"), encoding="ascii")
    Program(factory, basic_cb, hello, source, sink).run()
    os._exit(0)  # threads of a client that never connected must not keep the process
