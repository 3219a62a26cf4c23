"""A connection of the socket dialect: bytes to and from a server, in the clear or under TLS.

There are two ways to speak TLS. ``socket`` does the handshake in one call, which is most of what a short command costs.
Records that are read many at a time bring a file with a tenth of the calls to the system.
"""

from __future__ import annotations

import socket
import ssl
from typing import Protocol

from flare_client.tls import TlsRecords

_RECEIVE = 256 * 1024


class Channel(Protocol):
    """One connection."""

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """The TLS session to resume next time; ``None`` where this one was resumed, or there is none."""

    def settimeout(self, seconds: float) -> None:
        """Say how long each of the steps after this may wait."""

    def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            OSError: the connection failed.
        """

    def receive(self) -> bytes:
        """Wait for bytes; none come after the server's end.

        Raises:
            OSError: the connection failed.
        """

    def close(self) -> None:
        """Close the connection."""


class SocketChannel:
    """A connection that Python's own socket reads, which may be one of TLS.

    Args:
        connection: the socket, once hands are shaken.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.settimeout = connection.settimeout
        self.send = connection.sendall
        self.close = connection.close

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """See ``Channel``."""
        secure = self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return None if secure is None or secure.session_reused else secure.session

    def receive(self) -> bytes:
        """See ``Channel``."""
        return self._socket.recv(_RECEIVE)


class RecordChannel:
    """A connection whose TLS records are read many at a time.

    Args:
        connection: the socket below TLS.
        context: what is shown and trusted.
        host: goes into the greeting.
        session: to resume.

    Raises:
        OSError: the connection failed; ``ssl.SSLError`` where TLS did.
    """

    def __init__(
        self, connection: socket.socket, context: ssl.SSLContext, host: str, session: ssl.SSLSession | None
    ) -> None:
        self._socket = connection
        self._records = TlsRecords(context, host, session)
        self._records.shake_hands(connection)
        self._received = bytearray(_RECEIVE)
        self.settimeout = connection.settimeout
        self.close = connection.close

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """See ``Channel``."""
        return self._records.new_session

    def send(self, data: bytes) -> None:
        """See ``Channel``."""
        self._records.send(data)
        for block in self._records.records_to_send():
            self._socket.sendall(block)

    def receive(self) -> bytes:
        """See ``Channel``."""
        while not self._records.ended:
            size = self._socket.recv_into(self._received)
            if not size:
                break
            data = self._records.receive(memoryview(self._received)[:size])
            if data:  # a ticket, or the first part of a record, is nothing yet
                return bytes(data)
        return b""
