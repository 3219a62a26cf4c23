"""What many tests need: job folders, raw connections, waiting for a condition."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mock_server import MockServer

RELEASES = ("2.3", "2.4", "2.5", "2.6")
"""Those of the socket dialect."""
CELL_RELEASES = ("2.7", "2.8", "2.9")
"""Those of the CellNet dialect."""
ALL_RELEASES = RELEASES + CELL_RELEASES

JobMaker = Callable[..., Path]


def write_job(parent: Path, name: str = "hello", /, *, files: dict[str, str] | None = None, **meta: Any) -> Path:
    """Write a job folder that every release accepts; meta keys override, ``None`` leaves one out."""
    folder = parent / name
    config = folder / "app" / "config"
    config.mkdir(parents=True, exist_ok=True)
    content = {"name": name, "resource_spec": {}, "min_clients": 2, "deploy_map": {"app": ["@ALL"]}} | meta
    (folder / "meta.json").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    for side in ("server", "client"):
        (config / f"config_fed_{side}.json").write_text('{"format_version": 2}')
    for path, text in (files or {}).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


class RawClient:
    """Sends raw bytes to a server, one connection at a time."""

    def __init__(self, server: MockServer, kit: Path) -> None:
        self.server = server
        startup = kit / "startup"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(startup / "rootCA.pem")
        context.load_cert_chain(startup / "client.crt", startup / "client.key")
        self.context = context

    def connect(self) -> ssl.SSLSocket:
        raw = socket.create_connection((self.server.host, self.server.admin_port), timeout=10)
        return self.context.wrap_socket(raw)

    def send(self, data: bytes) -> bytes:
        """Send bytes and return everything that comes until the server closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)

    def ask(self, line: str, token: str | None = None, **meta: Any) -> dict[str, Any]:
        """Send a command line and return the reply's envelope."""
        items = [{"type": "command", "data": line}] + ([{"type": "token", "data": token}] if token else [])
        answer = self.send(json.dumps({"data": items, "meta": meta}).encode() + b"\x03\x04")
        if not answer:
            raise ConnectionResetError("the server hung up without an answer")
        assert answer.endswith(b"\x03\x04"), answer
        reply: dict[str, Any] = json.loads(answer[:-2])
        return reply

    def login(self, user: str = "admin@nvidia.com") -> str:
        items = self.ask(f"_cert_login {user}")["data"]
        assert items[0] == {"type": "string", "data": "OK"}
        token: str = items[1]["data"]
        return token


def read_all(connection: socket.socket) -> bytes:
    """Read until the peer closes, with or without saying so in TLS."""
    blocks = []
    try:
        while block := connection.recv(65536):
            blocks.append(block)
    except (ssl.SSLEOFError, ConnectionResetError):
        pass  # some servers cut TLS short; what came counts
    return b"".join(blocks)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition; a test that needs a moment says what it waits for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


@contextlib.contextmanager
def servers_of_releases(scenario: dict[str, Any] | None = None) -> Iterator[Callable[[str], MockServer]]:
    """Servers that run until the end, one a release, each started when it is first asked for."""
    with contextlib.ExitStack() as stack:
        running: dict[str, MockServer] = {}

        def get(release: str) -> MockServer:
            if release not in running:
                running[release] = stack.enter_context(MockServer(release, scenario=scenario))
            return running[release]

        yield get
