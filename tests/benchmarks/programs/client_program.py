"""A client in a process of its own, timed from inside: the same loop around flare_client, the official one, the floor.

Standard library only: it runs, by path, with the Python of an official release too. One JSON object a line comes in,
one goes out.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, TextIO  # noqa: UP035 - also runs on the oldest Python of official clients


def open_flare_client(user: str, kit: str) -> Any:
    """Open a session of the reference client."""
    return importlib.import_module("flare_client").new_secure_session(user, kit)


def open_official(user: str, kit: str) -> Any:
    """Open a session of the official client."""
    return importlib.import_module("nvflare.fuel.flare_api.flare_api").new_secure_session(user, kit)


def open_bare(**options: Any) -> Any:
    """Prepare exchanges with the bare server."""
    return importlib.import_module("tests.benchmarks.programs.bare").BareClient(**options)


def open_websocket(**options: Any) -> Any:
    """Open a WebSocket to the bare server."""
    return importlib.import_module("tests.benchmarks.programs.websocket").EchoClient(**options)


def open_socket_load(**options: Any) -> Any:
    """Open sessions of the socket dialect that ask as fast as they are answered."""
    return importlib.import_module("tests.benchmarks.programs.load").SocketLoad(**options)


def open_cell_load(**options: Any) -> Any:
    """Open sessions of CellNet that ask as fast as they are answered."""
    return importlib.import_module("tests.benchmarks.programs.load").CellLoad(**options)


FACTORIES: Dict[str, Callable[..., Any]] = {  # noqa: UP006
    "flare_client": open_flare_client,
    "official": open_official,
    "bare": open_bare,
    "websocket": open_websocket,
    "socket-load": open_socket_load,
    "cell-load": open_cell_load,
}


_ASKING = 4
"""Threads that ask for many sessions."""


class Program:
    """Answers one request after the other until its input ends."""

    def __init__(self, factory: Callable[..., Any], source: TextIO, sink: TextIO) -> None:
        self.factory = factory
        self.source = source
        self.sink = sink
        self.sessions: List[Any] = []  # noqa: UP006

    def run(self) -> None:
        """Answer until the input ends."""
        for line in self.source:
            request = json.loads(line)
            try:
                answer = {"result": getattr(self, "do_" + request.pop("do"))(**request)}
            except Exception as problem:  # noqa: BLE001 - the harness reports whatever the client raised
                answer = {"error": f"{type(problem).__name__}: {problem}"}
            self.sink.write(json.dumps(answer) + "\n")
            self.sink.flush()

    def do_open(self, count: int, options: Dict[str, Any]) -> None:  # noqa: UP006
        """Open sessions, in addition to those that are open."""
        self.sessions += [self.factory(**options) for _ in range(count)]

    def do_time(self, method: str, args: List[Any], count: int) -> List[float]:  # noqa: UP006
        """Call a method of the first session so often, and return the seconds of each call."""
        call = getattr(self.sessions[0], method)
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            call(*args)
            seconds.append(time.perf_counter() - started)
        return seconds

    def do_time_open(self, count: int, options: Dict[str, Any]) -> List[float]:  # noqa: UP006
        """Open and close a session so often, and return the seconds that each opening took."""
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            session = self.factory(**options)
            seconds.append(time.perf_counter() - started)
            session.close()
        return seconds

    def do_time_with_result(self, method: str, args: List[Any]) -> List[Any]:  # noqa: UP006
        """Call a method of the first session, and return the seconds and the result."""
        started = time.perf_counter()
        result = getattr(self.sessions[0], method)(*args)
        return [time.perf_counter() - started, result]

    def do_call(self, method: str, args: List[Any]) -> Any:  # noqa: UP006
        """Call a method of the first session, and return what it returns, as JSON has it."""
        return getattr(self.sessions[0], method)(*args)

    def do_set_timeout(self, seconds: float) -> None:
        """Set the command timeout of the first session."""
        self.sessions[0].set_timeout(seconds)

    def do_every_second(self, method: str, args: List[Any], rounds: int) -> float:  # noqa: UP006
        """Call a method of every session once a second, and return the seconds of the slowest round.

        A few threads ask, each for its share of the sessions: users of sessions do not wait for each other.
        """

        def ask(sessions: List[Any]) -> None:  # noqa: UP006
            for session in sessions:
                getattr(session, method)(*args)

        shares = [self.sessions[number::_ASKING] for number in range(_ASKING)]
        slowest = 0.0
        due = time.perf_counter()
        with ThreadPoolExecutor(_ASKING) as asking:
            for _ in range(rounds):
                time.sleep(max(0.0, due - time.perf_counter()))
                started = time.perf_counter()
                list(asking.map(ask, shares))
                slowest = max(slowest, time.perf_counter() - started)
                due += 1.0
        return slowest

    def do_together(self, method: str, args: List[Any], count: int) -> float:  # noqa: UP006
        """Call a method of every session so often, all sessions at once, and return the seconds until all are done."""
        problems: List[BaseException] = []  # noqa: UP006
        gate = threading.Barrier(len(self.sessions) + 1)

        def work(session: Any) -> None:
            gate.wait()
            try:
                for _ in range(count):
                    getattr(session, method)(*args)
            except Exception as problem:  # noqa: BLE001 - raised again where the harness hears of it
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(session,)) for session in self.sessions]
        for thread in threads:
            thread.start()
        gate.wait()
        started = time.perf_counter()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        if problems:
            raise problems[0]
        return seconds


def main() -> None:
    """Serve the client named on the command line; what it prints goes to standard error."""
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    source = io.TextIOWrapper(os.fdopen(os.dup(0), "rb"), encoding="utf-8")
    Program(FACTORIES[sys.argv[1]], source, sink).run()
    os._exit(0)  # official clients leave threads behind


if __name__ == "__main__":
    main()
