"""Drives the official admin client; run by path with the Python of its environment, so it knows only that.

One JSON object a line comes in on standard input, one goes out for each: ``{"value": ...}`` or ``{"raised": class,
"message": text}``. Requests: ``{"do": "open", "session", "kit", "user", "timeout"}`` (no user: insecure),
``{"do": "call", "session", "method", "args", "kwargs"}`` and ``{"do": "monitor", "session", "args", "kwargs",
"answers": [...]}``, whose callback gives the answers in turn, the last one for ever.

The official library prints to standard output: the lines go out on a copy of it, and prints go to standard error.
Runs on Python 3.8 and later.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

flare_api: Any = importlib.import_module("nvflare.fuel.flare_api.flare_api")


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; objects of the official API become objects of their attributes."""
    if isinstance(value, flare_api.MonitorReturnCode):
        return value.name
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "__dict__"):
        return _plain(vars(value))
    return str(value)


class _Program:
    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    def do(self, request: dict[str, Any]) -> Any:
        if request["do"] == "open":
            return self._open(request)
        session = self._sessions[request["session"]]
        if request["do"] == "monitor":
            return self._monitor(session, request)
        return _plain(getattr(session, request["method"])(*request.get("args", []), **request.get("kwargs", {})))

    def _open(self, request: dict[str, Any]) -> None:
        timeout = request.get("timeout", 10.0)
        if request.get("user"):
            session = flare_api.new_secure_session(request["user"], request["kit"], timeout=timeout)
        else:
            session = flare_api.new_insecure_session(request["kit"], timeout=timeout)
        self._sessions[request["session"]] = session

    @staticmethod
    def _monitor(session: Any, request: dict[str, Any]) -> dict[str, Any]:
        turns: list[Any] = request.get("answers") or []
        calls: list[dict[str, Any]] = []

        def callback(given: Any, job_id: str, meta: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(
                {
                    "same_session": given is session,
                    "job_id": job_id,
                    "status": meta.get("status"),
                    "args": _plain(args),
                    "kwargs": _plain(kwargs),
                }
            )
            return turns[min(len(calls), len(turns)) - 1]

        kwargs = dict(request.get("kwargs", {}))
        if turns:
            kwargs["cb"] = callback
        return {"returned": _plain(session.monitor_job(*request.get("args", []), **kwargs)), "calls": calls}


def main() -> None:
    """Answer one request after the other until the input ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    program = _Program()
    for line in sys.stdin:
        try:
            answer = {"value": program.do(json.loads(line))}
        except Exception as problem:  # noqa: BLE001 - what it raises is what the other side wants to know
            answer = {"raised": type(problem).__name__, "message": str(problem)}
        channel.write(json.dumps(answer) + "\n")
        channel.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # official threads of sessions that never connected would keep the process
