"""The floor of CellNet over ``http``: a WebSocket over mutual TLS that sends back as many bytes as it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.benchmarks.programs.bare import client_context, server_context


class EchoClient:
    """A WebSocket that is open.

    Args:
        host: where the server listens.
        port: likewise.
        kit: the startup kit that holds the certificates.
        asked: bytes of each question.
        answered: bytes of each answer.
    """

    def __init__(self, host: str, port: int, kit: str, asked: int, answered: int) -> None:
        context = client_context(Path(kit))
        self._question = answered.to_bytes(8, "big").ljust(asked, b"x")
        self._answered = answered
        self._socket = connect(f"wss://{host}:{port}/f3", ssl=context, compression=None, max_size=None)

    def exchange(self) -> None:
        """Ask for an answer, and wait for it.

        Raises:
            OSError: it has another size.
        """
        self._socket.send(self._question)
        got = len(self._socket.recv())
        if got != self._answered:
            raise OSError(f"expected {self._answered} bytes from the bare server, but got {got}")

    def close(self) -> None:
        """Close the WebSocket."""
        self._socket.close()


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        wanted = bytes(message[:8])  # type: ignore[arg-type]  # clients send bytes
        connection.send(b"x" * int.from_bytes(wanted, "big"))


def main() -> None:
    """``websocket CERTIFICATE AUTHORITY``: serve on a free port, and print it."""
    certificate, authority = sys.argv[1:]
    context: Any = server_context(Path(certificate), Path(authority))
    # As MockServer on this wire. The library reads in one thread while it writes in another, of which OpenSSL knows
    # nothing; with tickets to read after the handshake, two openings of a thousand hung.
    context.num_tickets = 0
    with serve(_echo, "127.0.0.1", 0, ssl=context, compression=None, max_size=None) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
