"""Makes calls of the official client and says what came of each; run by path with the Python of its own environment.

Standard library and nvflare only, Python 3.8 and later; it must not import this package. A request is a line of JSON
on standard input, and so is each answer on standard output; what the client prints while a call is made is in the
answer.

Requests: ``open`` (name, user, kit, timeout, further), ``call`` (session, method, args, kwargs), ``close`` (name). A
session named ``""`` is the module ``nvflare.fuel.flare_api.flare_api``.
"""

from __future__ import annotations

import contextlib
import enum
import importlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

_DEPTH = 12


def plain(value: Any, depth: int = 0) -> Any:
    """A result as JSON can hold it, with the types that JSON has not."""
    if isinstance(value, enum.Enum):
        return {"$enum": f"{type(value).__name__}.{value.name}"}  # before str: some are both
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth > _DEPTH:
        return {"$deep": type(value).__name__}
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, (tuple, set, frozenset)):
        return {"$" + type(value).__name__: [plain(item, depth + 1) for item in value]}
    if isinstance(value, bytes):
        return {"$bytes": len(value)}
    if type(value).__name__ == "Session":
        return {"$object": "Session"}
    if hasattr(value, "__dict__"):
        return {"$object": type(value).__name__, "attributes": plain(vars(value), depth + 1)}
    return {"$other": type(value).__name__}


def files_below(path: str) -> list[str]:
    """The files of a downloaded folder, by their paths in it."""
    root = Path(path)
    return sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())


class Watch:
    """A callback of ``monitor_job`` that notes what it is given; the same twice is noted once."""

    def __init__(self, answer: str, session: Any) -> None:
        self.answer = answer
        self.session = session
        self.given: list[dict[str, Any]] = []

    def __call__(self, session: Any, job_id: Any, job_meta: Any, *args: Any, **kwargs: Any) -> Any:
        """Note a call, and answer it."""
        seen = {"same session": session is self.session, "id": job_id, "meta": type(job_meta).__name__}
        seen.update(args=plain(args), kwargs=plain(kwargs))
        if seen not in self.given:
            self.given.append(seen)
        if self.answer == "raise":
            raise ZeroDivisionError("the callback raises")
        return {"go on": True, "stop": False, "nothing": None}[self.answer]


class Player:
    """Keeps the sessions, and makes the calls."""

    def __init__(self, flare_api: Any) -> None:
        self.flare_api = flare_api
        self.sessions: dict[str, Any] = {"": flare_api}

    def open(self, request: dict[str, Any]) -> Any:
        """Open a session with the official function."""
        opened = self.flare_api.new_secure_session(
            request["user"], request["kit"], timeout=request["timeout"], **request.get("further", {})
        )
        self.sessions[request["name"]] = opened

    def close(self, request: dict[str, Any]) -> Any:
        """Close a session and forget it."""
        found = self.sessions.pop(request["name"], None)
        if found is not None:
            found.close()

    def call(self, request: dict[str, Any]) -> Any:
        """Make a call."""
        session = found = self.sessions[request["session"]]
        for part in request["method"].split("."):
            found = getattr(found, part)
        watches: list[Watch] = []

        def real(value: Any) -> Any:
            if isinstance(value, dict) and "$callback" in value:
                watches.append(Watch(value["$callback"], session))
                return watches[-1]
            return value

        args = [real(value) for value in request["args"]]
        kwargs = {name: real(value) for name, value in request["kwargs"].items()}
        try:
            value = found(*args, **kwargs)
        finally:
            request["seen"] = [one for watch in watches for one in watch.given]
        if type(value).__name__ == "Session":
            value.close()
        if isinstance(value, str) and request["method"].startswith("download_") and Path(value).is_dir():
            return {"$folder": value, "files": files_below(value)}
        return value

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What came of a request."""
        printed, act = io.StringIO(), getattr(self, request["do"])
        outcome: dict[str, Any] = {}
        with contextlib.redirect_stdout(printed):
            try:
                outcome["returned"] = plain(act(request))
            except BaseException as problem:  # noqa: BLE001 - even SystemExit is an outcome
                outcome["raised"] = [kind.__name__ for kind in type(problem).__mro__]
                outcome["text"] = str(problem)
        if request.get("seen"):
            outcome["seen"] = request["seen"]
        outcome["printed"] = printed.getvalue()
        return outcome


def streams() -> tuple[Any, Any]:
    """Our own ends of standard input and output; whoever prints past us prints to standard error."""
    source, sink = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return source, sink


def main() -> None:
    """Answer requests until the input ends."""
    source, sink = streams()
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - a client that asks something at the terminal gets nothing
    player = Player(importlib.import_module("nvflare.fuel.flare_api.flare_api"))
    for line in source:
        sink.write(json.dumps(player.answer(json.loads(line))) + "\n")
        sink.flush()
    os._exit(0)  # threads of a client that never connected must not keep the process


if __name__ == "__main__":
    main()
