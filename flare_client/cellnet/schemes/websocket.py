"""The scheme ``http``: each frame is a binary message of a WebSocket at the path ``/f3``.

The library reads and writes all but whole messages, see ``websocket_messages``.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

from collections.abc import Sequence

from websockets.client import ClientProtocol
from websockets.frames import Frame as WebSocketFrame
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

try:
    from websockets.speedups import apply_mask
except ImportError:  # as the library itself does
    from websockets.utils import apply_mask

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, decode_frame
from flare_client.protocol.cellnet.websocket_messages import Rest, WholeMessages, binary_message
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import Limits

PATH = "/f3"
_MOST_PARTS = 4096
"""Parts of one message: empty ones cost memory, too."""
_TOO_BIG = 1009


class WebSocketCodec:
    """See ``FrameCodec``.

    Args:
        host: where the server is.
        port: where it listens.
        limits: how much the server may send.
        is_secure: whether TLS is spoken below.
    """

    protocols: Sequence[str] = ()
    ended: RemoteProtocolError | None = None

    def __init__(self, host: str, port: int, limits: Limits, *, is_secure: bool) -> None:
        self._limits = limits
        uri = parse_uri(f"{'wss' if is_secure else 'ws'}://{host}:{port}{PATH}")
        # Official clients offer no compression.
        self._wire = ClientProtocol(uri, extensions=None, max_size=limits.frame)
        self._early: list[bytes] = []
        self._messages = WholeMessages(limits.frame, None)
        self._outgoing: list[bytes | memoryview] = []
        self._parts: list[bytes] = []
        self._is_binary = False
        self._wire.send_request(self._wire.connect())

    def send(self, frame: Content) -> None:
        """See ``FrameCodec``."""
        if self._wire.state is State.OPEN:
            self._take_out()
            self._outgoing += binary_message(frame, apply_mask)
        elif self._wire.state is State.CONNECTING:
            self._early.append(bytes(frame))

    def receive(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        """See ``FrameCodec``."""
        frames: list[Frame | BadFrame] = []
        for found in self._messages.feed(data):
            if isinstance(found, Rest):
                frames += self._read(found.data)
            elif self._wire.state is State.OPEN:
                frames.append(decode_frame(found, self._limits))
        return frames

    def close(self) -> None:
        """See ``FrameCodec``."""
        if self._wire.state is State.OPEN:
            self._wire.send_close()

    def data_to_send(self) -> list[bytes | memoryview]:
        """See ``FrameCodec``."""
        self._take_out()
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _take_out(self) -> None:
        self._outgoing += [data for data in self._wire.data_to_send() if data]

    def _read(self, data: bytes) -> list[Frame | BadFrame]:
        """Have the library read what is no whole message."""
        self._wire.receive_data(data)
        frames: list[Frame | BadFrame] = []
        for event in self._wire.events_received():
            if isinstance(event, Response):
                self._opened()
            elif isinstance(event, WebSocketFrame):
                frames += self._part(event)
        if self._wire.parser_exc is not None:
            raise self._broken(self._wire.parser_exc)
        return frames

    def _opened(self) -> None:
        problem = self._wire.handshake_exc
        if problem is not None:
            raise RemoteProtocolError(f"expected the upgrade to a WebSocket at {PATH}, but: {problem}") from problem
        for frame in self._early:
            self._wire.send_binary(frame)
        self._early.clear()

    def _part(self, part: WebSocketFrame) -> list[Frame | BadFrame]:
        if part.opcode is Opcode.CLOSE:
            received = self._wire.close_rcvd
            code = received.code if received is not None else "no code"
            self.ended = RemoteProtocolError(f"the server closed the WebSocket ({code})")
            return []
        if part.opcode in (Opcode.PING, Opcode.PONG):
            return []  # answered by the library
        if part.opcode in (Opcode.BINARY, Opcode.TEXT):
            self._is_binary = part.opcode is Opcode.BINARY
            self._parts.clear()
        self._parts.append(bytes(part.data))
        if len(self._parts) > _MOST_PARTS:
            raise RemoteProtocolError(f"expected at most {_MOST_PARTS} parts in a message")
        if not part.fin:
            return []
        message = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        if not self._is_binary:
            return [BadFrame("expected a binary message, but got text")]
        return [decode_frame(message, self._limits)]

    def _broken(self, problem: Exception) -> RemoteProtocolError:
        sent = self._wire.close_sent
        if sent is not None and sent.code == _TOO_BIG:
            return LimitExceeded("frame", self._limits.frame, self._limits.frame + 1)
        return RemoteProtocolError(f"expected a WebSocket, but: {problem}")
