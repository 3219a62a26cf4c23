"""The control surface as it runs: a thread with a loop of its own, which serves HTTP on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from mock_server.control.application import build_application
from mock_server.control.settings import CONTROL_FILE, ControlSettings
from mock_server.errors import ServerError
from mock_server.files import PRIVATE, write_atomically

if TYPE_CHECKING:
    from mock_server.server import MockServer

HOST = "127.0.0.1"
"""The only address that it ever listens on, whatever the server itself does."""

_BACKLOG = 128
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 5


class Control:
    """The control surface of one server, between start and stop.

    Args:
        server: what it controls.
        settings: what its maker asked for.
        folder: where it says how to reach it.

    Attributes:
        url: where it is.
        token: what callers must show; empty where nobody is asked.

    Raises:
        ServerError: the port cannot be had.
    """

    def __init__(self, server: MockServer, settings: ControlSettings, folder: Path) -> None:
        self.token = settings.drawn_token()
        self._file = folder / CONTROL_FILE
        # Connections wait in the queue of the socket until the thread takes them: nobody needs to wait for the thread.
        self._socket = _listening(settings.port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._told = json.dumps({"url": self.url, "token": self.token, "pid": os.getpid()}).encode() + b"\n"
        self._stopping = threading.Event()
        application = build_application(server, self.url, self.token, self._stopping)
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                application,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._thread = threading.Thread(target=self._run, name="flare-mock-control", daemon=True)

    @property
    def page(self) -> str:
        """The address of the page for people, with the token where one is asked for.

        The token is in the fragment, which browsers send to nobody.
        """
        return f"{self.url}/#token={self.token}" if self.token else f"{self.url}/"

    @property
    def file(self) -> Path:
        """The file that says how to reach it, for ``flare-mock ctl``; it holds the token."""
        return self._file

    def start(self) -> None:
        """Serve from now on."""
        write_atomically(self._file, self._told, PRIVATE)
        self._thread.start()

    def stop(self) -> None:
        """Serve no more; who waits for an answer gets one first, or none after a moment."""
        self._stopping.set()
        self._uvicorn.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._socket.close()
        with contextlib.suppress(OSError):
            # Another server may have been started in the same folder meanwhile.
            if self._file.read_bytes() == self._told:
                self._file.unlink(missing_ok=True)

    def _run(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._socket]))


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
    except OSError as problem:
        listener.close()
        raise ServerError(f"expected port {port} of {HOST} for the control surface, but {problem.strerror}") from None
    return listener
