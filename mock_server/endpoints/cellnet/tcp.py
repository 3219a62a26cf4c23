"""The scheme ``tcp``: frames back to back on a connection."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from flare_client.protocol.cellnet.sfm import FrameReader
from flare_client.protocol.errors import ProtocolError
from mock_server.endpoints.cellnet.conversation import Conversation

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")


class TcpConnection(asyncio.Protocol):
    """One connection.

    Args:
        endpoint: the endpoint that accepted it.
    """

    def __init__(self, endpoint: CellEndpoint) -> None:
        self._endpoint = endpoint
        self._reader = FrameReader(endpoint.limits)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        self._transport = cast(asyncio.Transport, transport)
        self._conversation = Conversation(
            self._endpoint,
            lambda frames: self._transport.write(b"".join(frames)),
            self._transport.close,
            self._transport.abort,
        )

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        try:
            frames = self._reader.feed(data)
        except ProtocolError as problem:
            _logger.warning("closing the connection of %s: %s", self._conversation.name, problem)
            self._transport.abort()
            return
        self._conversation.receive(frames)

    def pause_writing(self) -> None:
        """Answer nothing more: the client does not keep up."""
        self._conversation.hold()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._transport.resume_reading()
        self._conversation.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        if exc is not None:
            _logger.debug("connection of %s lost: %s", self._conversation.name, exc)
        self._conversation.lost()
