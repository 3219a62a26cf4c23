"""The FL port of a server of releases 2.3-2.6, for who asks whether it is up.

Sites register there, by gRPC over mutual TLS. The sites of a mock need no wire, but official programs look whether the
port answers: ``nvflare preflight-check`` connects and waits until its channel is ready, which is after the TLS
handshake and the first SETTINGS of HTTP/2 (source: 2.3.12, 2.6.3). So that much is answered, and every call is told
that there is no such service, as a gRPC server says it.

HTTP/2 is the library h2's, of the extra ``grpc``; it and the TLS settings are loaded for the first connection. Without
it a connection is closed after the TLS handshake.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
import weakref
from collections.abc import Callable
from typing import cast

from mock_server.endpoints.tls import TlsProtocol
from mock_server.transcript.facts import Trace, Unobserved

_logger = logging.getLogger("mock_server")


class FlPort:
    """Answers on a port that is held already.

    Args:
        holder: the socket that holds the port; whoever made it closes it.
        make_tls: makes the TLS settings, for the first connection.
        handshake_timeout: seconds for a TLS handshake.
    """

    def __init__(self, holder: socket.socket, make_tls: Callable[[], ssl.SSLContext], handshake_timeout: float) -> None:
        self._holder = holder
        self._make_tls = make_tls
        self._handshake_timeout = handshake_timeout
        self._listener: asyncio.Server | None = None
        self._is_up = False
        self._connections: weakref.WeakSet[TlsProtocol] = weakref.WeakSet()

    async def start(self) -> None:
        """Answer from now on."""
        self._is_up = True
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(self._accept, sock=self._holder)

    def stop(self) -> None:
        """Cut every connection, and each that comes from now on: the port stays held until its holder is closed."""
        self._is_up = False
        self.cut()

    def cut(self) -> None:
        """Cut every connection."""
        for connection in list(self._connections):
            connection.abort()

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        context = self._make_tls()
        context.set_alpn_protocols(["h2"])
        return context

    def _accept(self) -> asyncio.BaseProtocol:
        if not self._is_up:
            return _Cut()
        connection = TlsProtocol(self._tls, _greeting, self._handshake_timeout, Trace(Unobserved()))
        self._connections.add(connection)
        return connection


def _greeting() -> asyncio.Protocol:
    try:
        from mock_server.endpoints.http2_greeting import Http2Greeting  # noqa: PLC0415 - see the top of the module
    except ImportError as problem:
        _logger.warning("nobody answers on the FL port: expected the package h2 (extra `grpc`), but %s", problem)
        return _Closed()
    return Http2Greeting()


class _Closed(asyncio.Protocol):
    """One connection that nobody can answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        cast(asyncio.Transport, transport).close()


class _Cut(asyncio.Protocol):
    """One connection to a server that is down."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Cut it."""
        cast(asyncio.Transport, transport).abort()
