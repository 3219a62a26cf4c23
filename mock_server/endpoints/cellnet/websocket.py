"""The scheme ``http``: each frame is a binary message of a WebSocket at the path ``/f3``.

The library reads and writes all but whole messages, see ``websocket_messages``.
"""

from __future__ import annotations

import asyncio
import http
import logging
from typing import TYPE_CHECKING, cast

from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # as the library itself does
    from websockets.utils import apply_mask

from flare_client.protocol.cellnet.blocks import Content, first_of
from flare_client.protocol.cellnet.sfm import PREFIX_SIZE, BadFrame, decode_frame
from flare_client.protocol.cellnet.websocket_messages import Rest, WholeMessages, binary_message
from flare_client.protocol.errors import ProtocolError
from mock_server.endpoints.cellnet.carrier import Carrier
from mock_server.endpoints.cellnet.conversation import Conversation
from mock_server.faults.course import USUAL_WELCOME, Welcome
from mock_server.transcript.facts import CLIENT, SERVER, FrameCame, Trace, Upgraded

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")

PATH = "/f3"
_MOST_PARTS = 4096
"""Parts of one message: empty ones cost memory, too."""


class WebSocketConnection(Carrier):
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
        # Official clients offer no compression; none is offered or taken.
        self._wire = ServerProtocol(extensions=None, max_size=endpoint.limits.frame)
        self._messages = WholeMessages(endpoint.limits.frame, apply_mask)
        self._parts: list[bytes] = []
        self._is_binary = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the upgrade."""
        self.transport = cast(asyncio.Transport, transport)
        self._trace.opened(transport.get_extra_info("peername"))
        self.conversation = Conversation(
            self._endpoint, self._trace, self._send, self._close, self.transport.abort, self._welcome
        )
        self.conversation.reset = self.reset

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        for found in self._messages.feed(data):
            if isinstance(found, Rest):
                self._wire.receive_data(found.data)
                self._take()
            elif self._wire.state is State.OPEN:
                self._message(found)

    def eof_received(self) -> bool:
        """Take the end of the client's bytes."""
        self._trace.ending(CLIENT)
        self._wire.receive_eof()
        self._take()
        return False

    # --- inside -------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        for event in self._wire.events_received():
            if isinstance(event, Request):
                self._answer_upgrade(event)
            elif isinstance(event, WebSocketFrame):
                self._message_part(event)
        problem = self._wire.handshake_exc or self._wire.parser_exc
        if problem is not None:
            _logger.warning("closing the connection of %s: %s", self.conversation.name, problem)
            self._trace.ending(SERVER, f"WebSocket: {problem}")
        elif self._wire.close_rcvd is not None:
            self._trace.ending(CLIENT)
        self._flush()

    def _answer_upgrade(self, request: Request) -> None:
        if request.path != PATH:
            _logger.warning("refusing a WebSocket at %.80r: expected %s", request.path, PATH)
            response = self._wire.reject(http.HTTPStatus.NOT_FOUND, "not found\n")
        else:
            response = self._wire.accept(request)
        headers = dict(request.headers.raw_items())
        self._trace.note(Upgraded(request.path, headers, accepted=response.status_code == 101))
        self._wire.send_response(response)

    def _message_part(self, frame: WebSocketFrame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_binary = frame.opcode is Opcode.BINARY
        elif frame.opcode is not Opcode.CONT:
            self.conversation.note_bytes()
            return
        if len(self._parts) >= _MOST_PARTS:
            _logger.warning("closing the connection of %s: a message in too many parts", self.conversation.name)
            self.conversation.abort("a message in too many parts")
            return
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        data, self._parts = b"".join(self._parts), []
        if not self._is_binary:
            _logger.warning("dropping what %s sent: expected a binary message", self.conversation.name)
            self._trace.note(FrameCame(BadFrame("expected a binary message, but got text")))
            return
        self._message(data)

    def _message(self, data: Content) -> None:
        try:
            decoded = decode_frame(data, self._endpoint.limits)
        except ProtocolError as problem:
            _logger.warning("dropping what %s sent: %s", self.conversation.name, problem)
            self._trace.note(FrameCame(BadFrame(str(problem), first_of(data, PREFIX_SIZE))))
            return
        self.conversation.receive([decoded])

    def _send(self, frames: list[Content]) -> None:
        if self._wire.state is not State.OPEN:
            return
        # The library never sends a message in parts that these could be in the middle of; what else it has to say goes
        # first. Frames that belong together leave in one record: each would wake the client.
        self._flush()
        self.transport.writelines([block for frame in frames for block in binary_message(frame, None)])

    def _close(self) -> None:
        if self._wire.state is State.OPEN:
            self._wire.send_close()
            self._flush()
        self.transport.close()

    def _flush(self) -> None:
        written = self._wire.data_to_send()
        if not written:
            return
        self.transport.write(b"".join(written))
        if not written[-1]:  # the end of what this side sends
            self.transport.close()
