"""A server in clear text whose answers a test writes byte by byte; only the login is done for it.

It is written without the package under test, but for the command tables, so that it shares no codec with the client.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from flare_client.protocol.commands import commands_of
from flare_client.protocol.releases import profile_for

END = b"\x03\x04"

Answer = bytes | list[bytes]
"""What goes over the wire before the server closes; a list is sent in pieces."""


def reply(*items: dict[str, Any], **meta: Any) -> bytes:
    """A text reply; without items a success."""
    return json.dumps({"data": list(items) or [item("success", "")], "meta": meta}).encode() + END


def item(kind: str, data: Any) -> dict[str, Any]:
    return {"type": kind, "rows" if kind == "table" else "data": data}


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = connection.recv(size - len(data))
        if not block:
            raise ConnectionError("the client closed in the middle of a request")
        data += block
    return data


def _read_request(connection: socket.socket) -> str:
    """The command line of a request, whatever its form."""
    first = _read_exactly(connection, 1)
    if first == b"\x01":
        meta_size, body_size = struct.unpack(">IQ", _read_exactly(connection, 12))
        text = _read_exactly(connection, meta_size)
        _read_exactly(connection, body_size + 8)
    else:
        text = first
        while not text.endswith(b"\x04"):
            block = connection.recv(65536)
            if not block:
                raise ConnectionError("the client closed in the middle of a request")
            text += block
        text = text.rstrip(END)
    line: str = json.loads(text)["data"][0]["data"]
    return line


class ScriptedServer:
    """Answers each command, by its unqualified name, as the test says.

    Args:
        release: the release whose command table is announced.
        **answers: what to send for a command: the bytes, or a function of the command line that returns them.
    """

    def __init__(self, release: str = "2.6", **answers: Answer | Callable[[str], Answer]) -> None:
        rows = [
            [None if cell is None else str(cell) for cell in row] for row in commands_of(profile_for(release)).rows()
        ]
        self.answers: dict[str, Answer | Callable[[str], Answer]] = {
            "_login": reply(item("string", "OK"), item("token", "t-1")),
            "_commands": reply(item("table", rows)),
            "_logout": reply(item("string", "OK")),
        } | answers
        self.lines: list[str] = []
        """The command lines that came, in order."""
        self.broken: list[Exception] = []
        """What went wrong while a request was read."""

    def __enter__(self) -> ScriptedServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            with connection:
                try:
                    self._answer(connection)
                except OSError as problem:
                    self.broken.append(problem)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _read_request(connection)
        self.lines.append(line)
        answer = self.answers[line.split(" ", 1)[0].rpartition(".")[2]]
        for piece in [sent] if isinstance(sent := answer(line) if callable(answer) else answer, bytes) else sent:
            connection.sendall(piece)

    def kit(self, folder: Path) -> Path:
        """Write an insecure startup kit."""
        (folder / "startup").mkdir(parents=True)
        (folder / "local").mkdir()
        agent = {
            "path": "nvflare.ha.dummy_overseer_agent.DummyOverseerAgent",
            "args": {"sp_end_point": f"127.0.0.1:1:{self.port}"},
        }
        admin = {"upload_dir": "transfer", "download_dir": "transfer", "overseer_agent": agent}
        (folder / "startup" / "fed_admin.json").write_text(json.dumps({"admin": admin}))
        return folder
