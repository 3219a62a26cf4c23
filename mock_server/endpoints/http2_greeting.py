"""The beginning of HTTP/2 on the server's side, and a refusal of every call that is made by gRPC over it."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions

_logger = logging.getLogger("mock_server")

_UNIMPLEMENTED = "12"
"""The status of gRPC for a method that nobody serves."""


class Http2Greeting(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what HTTP/2 begins with; for a gRPC client the server is up then."""
        self._transport = cast(asyncio.Transport, transport)
        self._wire.initiate_connection()
        self._transport.write(self._wire.data_to_send())

    def data_received(self, data: bytes) -> None:
        """Acknowledge what is to be acknowledged, and refuse calls."""
        if self._transport is None:
            return
        ended = False
        try:
            for event in self._wire.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self._refuse(event.stream_id)
                ended = ended or isinstance(event, h2.events.ConnectionTerminated)
        except h2.exceptions.ProtocolError as problem:
            _logger.warning("ending a connection to the FL port: %s", problem)
            ended = True
        self._transport.write(self._wire.data_to_send())  # with GOAWAY, where the peer broke the rules
        if ended:
            self._transport.close()

    def _refuse(self, stream: int) -> None:
        headers = [
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", _UNIMPLEMENTED),
            ("grpc-message", "a mock server has no wire for sites"),
        ]
        self._wire.send_headers(stream, headers, end_stream=True)
