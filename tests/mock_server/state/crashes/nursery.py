"""A program that starts servers cheaply: it imports everything once, and each server is a fork of it.

It takes a JSON object a line: ``{"start": {...}}`` forks a server, ``{"reap": pid}`` waits for the end of one. What
comes back has the same form: ``started`` with the process, ``ready`` with it once clients are served or, where they
cannot be, ``failed`` with the reason, and ``gone`` with the process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from mock_server import MockServer
from mock_server.state import State

_LATE = 7
"""Of a server that is wrong on purpose, so many commits are one."""


def _say(**words: Any) -> None:
    # One write of less than PIPE_BUF: what several processes say is not mixed.
    os.write(1, (json.dumps(words) + "\n").encode("utf-8"))


def _commit_late() -> None:
    """Have answers leave before what they say is kept: what the run must notice."""
    commit, told = State.commit, [0]

    def late(state: State) -> None:
        told[0] += 1
        if told[0] % _LATE == 0:
            commit(state)

    State.commit = late  # type: ignore[method-assign] # wrong on purpose


def _serve(kits: str | None, wrong: bool, **server_is: Any) -> None:
    if wrong:
        _commit_late()
    server = MockServer(**server_is)
    try:
        server.start()
    except Exception as problem:  # noqa: BLE001 - told to whoever waits
        _say(failed=f"{type(problem).__name__}: {problem}")
        return
    if kits is not None:
        server.kit(directory=kits)
    _say(ready=os.getpid())
    signal.pause()


def main() -> None:
    """Start and reap servers until the input ends."""
    for line in sys.stdin:
        wanted = json.loads(line)
        if "reap" in wanted:
            os.waitpid(wanted["reap"], 0)
            _say(gone=wanted["reap"])
            continue
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                _serve(**wanted["start"])
            finally:
                os._exit(1)
        _say(started=pid)


if __name__ == "__main__":
    main()
