"""The program's side of the adapter protocol, for any client that is a Python factory.

Standard library only, Python 3.8 and later; run or imported by path, so it must not import this package.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any, Callable, Dict, Optional, TextIO


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
    """Answers the harness until its input ends."""

    def __init__(
        self, factory: Callable[..., Any], basic_cb: Optional[Callable[..., Any]], source: TextIO, sink: TextIO
    ) -> None:
        self.factory = factory
        self.basic_cb = basic_cb
        self.source = source
        self.sink = sink
        self.sessions: Dict[str, Any] = {}
        self.number = 0

    def send(self, message: Dict[str, Any]) -> None:
        """Write a message."""
        self.sink.write(json.dumps(dict(message, jsonrpc="2.0")) + "\n")
        self.sink.flush()

    def run(self) -> None:
        """Answer one request after the other."""
        for line in self.source:
            request = json.loads(line)
            try:
                result = self.answer(request["method"], request.get("params") or {})
                self.send({"id": request["id"], "result": encode(result)})
            except Exception as problem:  # noqa: BLE001 - what the client raises is what the harness asks about
                types = [kind.__name__ for kind in type(problem).__mro__]
                error = {"code": -32000, "message": str(problem), "data": {"types": types}}
                self.send({"id": request["id"], "error": error})

    def answer(self, method: str, params: Dict[str, Any]) -> Any:
        """The result of one request."""
        if method == "hello":
            features = ["basic_cb", "debug"] if self.basic_cb else []
            return {"protocol": 1, "language": "python", "name": "factory", "features": features}
        if method == "session.open":
            session = self.factory(params.pop("username"), params.pop("kit"), **params)
            self.number += 1
            self.sessions[str(self.number)] = session
            return {"session": str(self.number)}
        if method == "session.call":
            return self.call(self.sessions[params["session"]], params)
        if method == "basic_cb" and self.basic_cb is not None:
            counter = {"count": params["count"]}
            value = self.basic_cb(None, "id", {"status": params["status"]}, cb_run_counter=counter)
            return {"value": value, "count": counter["count"]}
        raise ValueError(f"unknown method {method!r}")

    def call(self, session: Any, params: Dict[str, Any]) -> Any:
        """Call a method of a session."""

        def callback(given: Any, job_id: Any, job_meta: Any, *args: Any, **kwargs: Any) -> Any:
            return self.invoke(given is session, job_id, job_meta, args, kwargs)

        args = [callback if is_callback(value) else value for value in params.get("args", [])]
        kwargs = {k: callback if is_callback(v) else v for k, v in params.get("kwargs", {}).items()}
        return getattr(session, params["method"])(*args, **kwargs)

    def invoke(self, same_session: bool, job_id: Any, job_meta: Any, args: Any, kwargs: Any) -> Any:
        """Have the harness run its callback."""
        params = {"same_session": same_session, "job_id": job_id, "job_meta": encode(job_meta)}
        self.send({"id": "cb", "method": "callback.invoke", "params": dict(params, args=args, kwargs=kwargs)})
        reply = json.loads(self.source.readline())
        if "error" in reply:
            # The harness's callback raised: raise the like of it inside the client.
            name = reply["error"]["data"]["types"][0]
            raise type(str(name), (Exception,), {})(reply["error"]["message"])
        return reply.get("result")


def main(factory: Callable[..., Any], basic_cb: Optional[Callable[..., Any]] = None) -> None:
    """Serve a factory; prints of the client go to standard error, the protocol has standard output to itself."""
    sink = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    source = io.TextIOWrapper(os.fdopen(os.dup(0), "rb"), encoding="ascii")
    Program(factory, basic_cb, source, sink).run()
    os._exit(0)  # threads of a client that never connected must not keep the process
