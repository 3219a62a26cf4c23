"""The scheme ``tcp``: frames back to back on a connection."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from flare_client.protocol.cellnet.blocks import Content, blocks_of
from flare_client.protocol.cellnet.sfm import FrameReader
from flare_client.protocol.errors import ProtocolError
from mock_server.endpoints.cellnet.carrier import Carrier
from mock_server.endpoints.cellnet.conversation import Conversation
from mock_server.faults.course import USUAL_WELCOME, Welcome
from mock_server.transcript.facts import Trace

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")


class TcpConnection(Carrier):
    """One connection.

    Args:
        endpoint: the endpoint that accepted it.
        trace: is told what happens.
        welcome: how the server shows itself.
    """

    def __init__(self, endpoint: CellEndpoint, trace: Trace, welcome: Welcome = USUAL_WELCOME) -> None:
        self._endpoint = endpoint
        self._trace = trace
        self._welcome = welcome
        self._reader = FrameReader(endpoint.limits)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        self.transport = cast(asyncio.Transport, transport)
        self._trace.opened(transport.get_extra_info("peername"))
        self.conversation = Conversation(
            self._endpoint,
            self._trace,
            self._send,
            self.transport.close,
            self.transport.abort,
            self._welcome,
        )
        self.conversation.reset = self.reset

    def _send(self, frames: list[Content]) -> None:
        self.transport.writelines([block for frame in frames for block in blocks_of(frame)])

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        try:
            frames = self._reader.feed(data)
        except ProtocolError as problem:
            _logger.warning("closing the connection of %s: %s", self.conversation.name, problem)
            self.conversation.abort(str(problem))
            return
        self.conversation.receive(frames)
