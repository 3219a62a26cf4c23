"""A connection of the socket dialect: bytes to and from a server, in the clear or under TLS.

TLS is done on records instead of a socket: the request goes with the end of the handshake, and a file comes with a
tenth of the calls to the system.
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


class ClearChannel:
    """A connection without TLS.

    Args:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.settimeout = connection.settimeout
        self.send = connection.sendall
        self.close = connection.close

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """See ``Channel``."""
        return None

    def receive(self) -> bytes:
        """See ``Channel``."""
        return self._socket.recv(_RECEIVE)


class TlsChannel:
    """A connection under TLS, whose records are read many at a time.

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
        self._flush()

    def receive(self) -> bytes:
        """See ``Channel``."""
        self._flush()  # the end of the handshake, where nothing was sent that it could go with
        while not self._records.ended:
            size = self._socket.recv_into(self._received)
            if not size:
                break
            data = self._records.receive(memoryview(self._received)[:size])
            if data:  # a ticket, or the first part of a record, is nothing yet
                return bytes(data)
        return b""

    def _flush(self) -> None:
        for block in self._records.records_to_send():
            self._socket.sendall(block)
