"""The floor of one connection a command: mutual TLS and as many bytes as a command has, and nothing else.

The server takes one connection after the other in a loop without a thread: there is no cheaper way to do it in Python.
Both sides use the certificates, the versions and the tickets that MockServer and its clients use.
"""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path

_BLOCK = 256 * 1024


def client_context(kit: Path) -> ssl.SSLContext:
    """The TLS settings of a client with a startup kit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.load_verify_locations(kit / "startup" / "rootCA.pem")
    context.load_cert_chain(kit / "startup" / "client.crt", kit / "startup" / "client.key")
    return context


def server_context(certificate: Path, authority: Path) -> ssl.SSLContext:
    """The TLS settings of the server: it asks for a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.load_verify_locations(authority)
    context.load_cert_chain(certificate)
    return context


class BareClient:
    """Sends bytes and reads bytes, a connection each time.

    Args:
        host: where the server listens.
        port: likewise.
        kit: the startup kit that holds the certificates.
        request: what is sent.
        reply_size: bytes to read; ``None`` reads until the server closes.
        resume: whether to resume the TLS session of the first connection, as flare_client does.
    """

    def __init__(
        self, host: str, port: int, kit: str, request: str, *, reply_size: int | None = None, resume: bool = False
    ) -> None:
        self._address = (host, port)
        self._context = client_context(Path(kit))
        self._request = request.encode("utf-8")
        self._reply_size = reply_size
        self._resume = resume
        self._session: ssl.SSLSession | None = None

    def exchange(self) -> bytes:
        """Connect, send, read, close; return what was read.

        Raises:
            OSError: no connection, too few bytes, or a TLS session that is not resumed though it should be.
        """
        plain = socket.create_connection(self._address, timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._context.wrap_socket(plain, server_hostname=self._address[0], session=self._session) as connection:
            connection.sendall(self._request)
            received = bytearray()
            while self._reply_size is None or len(received) < self._reply_size:
                block = connection.recv(_BLOCK)
                if not block:
                    break
                received += block
            if self._session is not None and not connection.session_reused:
                raise OSError("expected the server to resume the TLS session, but it did a whole handshake")
            if self._resume and self._session is None:
                self._session = connection.session
        if self._reply_size is not None and len(received) != self._reply_size:
            raise OSError(f"expected {self._reply_size} bytes from the bare server, but got {len(received)}")
        return bytes(received)


def serve(listener: socket.socket, context: ssl.SSLContext, request_size: int, reply: bytes) -> None:
    """Answer one connection after the other, for ever."""
    while True:
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_side=True) as connection:
            left = request_size
            while left > 0 and (block := connection.recv(left)):
                left -= len(block)
            connection.sendall(reply)


def main() -> None:
    """``bare CERTIFICATE AUTHORITY REQUEST_SIZE REPLY_SIZE``: serve on a free port, and print it."""
    certificate, authority, request_size, reply_size = sys.argv[1:]
    context = server_context(Path(certificate), Path(authority))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        serve(listener, context, int(request_size), b"x" * int(reply_size))


if __name__ == "__main__":
    main()
