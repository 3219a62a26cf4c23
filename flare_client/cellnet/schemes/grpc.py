"""The scheme ``grpc``: each frame is a message of one bidirectional stream, over HTTP/2.

One stream, one method and one message type need no generated code, and no threads or event loop of a gRPC runtime.
What gRPC adds to HTTP/2 is a path, a few headers, five bytes before each message, and a status at the end.

The library is written in Python and looks at each byte more than once, so plain DATA frames, the pieces of files, are
read here: all that it would do with them is to count them.

Source: official 2.7.3 and 2.9.0; the gRPC protocol over HTTP/2.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Iterable, Sequence

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.gathering import MessageReader
from flare_client.protocol.cellnet.grpc_frame import decode_grpc_frame, encode_grpc_frame
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, decode_frame
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import MIB, Limits

PATH = "/streamer.Streamer/Stream"
_STREAM = 1
_PREFIX = 5
"""Bytes before each message: whether it is compressed, and its length."""
_WINDOW = 16 * MIB
"""Bytes that the server may send before it must be told to go on."""
_SEND = 64 * 1024
"""Bytes in a HTTP/2 frame that is sent, at most, and about as many as are taken out of the library at once."""
_HTTP2_FRAME = MIB
"""The largest HTTP/2 frame that is taken."""
_FIRST_WINDOW = 65_535
"""The window of a new HTTP/2 connection, which no setting changes."""


_HTTP2_HEADER = 9
"""Bytes before each HTTP/2 frame: its length, type, flags and stream."""
_DATA, _GOAWAY, _WINDOW_UPDATE = 0, 7, 8
_PLAIN_DATA = bytes((_DATA, 0)) + _STREAM.to_bytes(4, "big")
"""What is after the length in the header of DATA that is neither padded nor the last of the stream."""
_WINDOW_FRAME = struct.Struct(">BHBBII")


def _is_graceful_goaway(frame: bytes) -> bool:
    """Whether a server only says that it takes no new streams; the one that is open goes on to its own end.

    The library would take it for the end of the connection, and refuse what still comes.
    """
    if frame[3] != _GOAWAY or len(frame) < _HTTP2_HEADER + 8:
        return False
    last = int.from_bytes(frame[_HTTP2_HEADER : _HTTP2_HEADER + 4], "big")
    code = int.from_bytes(frame[_HTTP2_HEADER + 4 : _HTTP2_HEADER + 8], "big")
    return code == 0 and last >= _STREAM


class GrpcCodec:
    """See ``FrameCodec``.

    Args:
        host: where the server is.
        port: where it listens.
        limits: how much the server may send.
        is_secure: whether TLS is spoken below.
    """

    protocols: Sequence[str] = ("h2",)
    ended: RemoteProtocolError | None = None

    def __init__(self, host: str, port: int, limits: Limits, *, is_secure: bool) -> None:
        self._limits = limits
        self._sequence = 0
        self._waiting: collections.deque[memoryview] = collections.deque()
        self._http2 = MessageReader(_HTTP2_HEADER, _http2_length)
        self._messages = MessageReader(_PREFIX, lambda prefix: _message_length(prefix, limits))
        self._is_accepted = False
        self._taken = 0
        """Bytes of plain DATA since the server was told to go on."""
        self._outgoing: list[bytes | memoryview] = []
        self._unsent = 0
        """Bytes of messages that the library has to send."""
        self._wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        codes = h2.settings.SettingCodes
        self._wire.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                codes.ENABLE_PUSH: 0,
                codes.INITIAL_WINDOW_SIZE: _WINDOW,
                codes.MAX_FRAME_SIZE: _HTTP2_FRAME,
                codes.MAX_HEADER_LIST_SIZE: h2.connection.H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
            },
        )
        # The settings above are what the server is told; this is what the library then takes.
        self._wire.max_inbound_frame_size = _HTTP2_FRAME
        self._wire.initiate_connection()
        self._wire.increment_flow_control_window(_WINDOW - _FIRST_WINDOW)
        headers = [
            (":method", "POST"),
            (":scheme", "https" if is_secure else "http"),
            (":path", PATH),
            (":authority", f"{host}:{port}"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "flare-conformance"),
        ]
        self._wire.send_headers(_STREAM, headers)

    def send(self, frame: Content) -> None:
        """See ``FrameCodec``."""
        self._sequence += 1
        message = encode_grpc_frame(self._sequence, frame)
        prefix = b"\0" + len(message).to_bytes(4, "big")
        if isinstance(message, bytes):
            self._waiting.append(memoryview(prefix + message))
        else:
            self._waiting += (memoryview(prefix), *message.parts)
        self._flush()

    def receive(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        """See ``FrameCodec``."""
        frames: list[Frame | BadFrame] = []
        try:
            # One by one: what the library makes of a frame is lost where a later one of the same call is refused.
            for frame in self._http2.feed(data):
                header = bytes(frame.part(0, _HTTP2_HEADER))
                if header[3:] == _PLAIN_DATA and self._is_accepted and self.ended is None:
                    self._count(len(frame) - _HTTP2_HEADER)
                    for block in frame.part(_HTTP2_HEADER, len(frame)).parts:
                        frames += self._frames_in(block)
                    continue
                whole = bytes(frame)
                for event in () if _is_graceful_goaway(whole) else self._wire.receive_data(whole):
                    frames += self._take(event)
            self._flush()
        except h2.exceptions.ProtocolError as problem:
            self.ended = RemoteProtocolError(f"expected HTTP/2, but: {problem}")
            raise self.ended from problem
        return frames

    def close(self) -> None:
        """See ``FrameCodec``."""
        try:
            self._wire.end_stream(_STREAM)
            self._wire.close_connection()
        except h2.exceptions.ProtocolError:
            return  # the server ended it before

    def data_to_send(self) -> list[bytes | memoryview]:
        """See ``FrameCodec``."""
        self._take_out()
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _take_out(self) -> None:
        """Take what the library has to send, before it is so much that memory for it is new each time."""
        self._unsent = 0
        data = self._wire.data_to_send()
        if data:
            self._outgoing.append(data)

    def _count(self, size: int) -> None:
        """Count plain DATA, and tell the server to go on when half of its window is used: nothing of it waits here."""
        self._taken += size
        if self._taken >= _WINDOW // 2:
            for stream in (0, _STREAM):
                self._outgoing.append(_WINDOW_FRAME.pack(0, 4, _WINDOW_UPDATE, 0, stream, self._taken))
            self._taken = 0

    def _flush(self) -> None:
        while self._waiting and self.ended is None:
            room = min(self._wire.local_flow_control_window(_STREAM), self._wire.max_outbound_frame_size, _SEND)
            if room <= 0:
                return  # the server says when it takes more
            message = self._waiting[0]
            self._wire.send_data(_STREAM, bytes(message[:room]))
            self._unsent += min(room, len(message))
            if self._unsent >= _SEND:
                self._take_out()
            if room < len(message):
                self._waiting[0] = message[room:]
            else:
                self._waiting.popleft()

    def _take(self, event: h2.events.Event) -> list[Frame | BadFrame]:
        if isinstance(event, h2.events.DataReceived):
            if event.flow_controlled_length:
                self._wire.acknowledge_received_data(event.flow_controlled_length, _STREAM)
            return self._frames_in(event.data or b"")
        if isinstance(event, h2.events.ResponseReceived):
            status = _texts(event.headers).get(":status")
            if status != "200":
                raise RemoteProtocolError(f"expected the status 200 of a gRPC server, but got {status!r:.40}")
            self._is_accepted = True
        elif isinstance(event, h2.events.TrailersReceived):
            found = _texts(event.headers)
            reason = f"{found.get('grpc-status')!r:.20}, {found.get('grpc-message')!r:.200}"
            self.ended = RemoteProtocolError(f"the server ended the stream with the status {reason}")
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
            self.ended = self.ended or RemoteProtocolError(f"the server ended the stream: {event!r:.200}")
        return []

    def _frames_in(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        messages = self._messages.feed(data)
        return [decode_frame(decode_grpc_frame(one.part(_PREFIX, len(one))), self._limits) for one in messages]


def _http2_length(prefix: bytes) -> int:
    size = int.from_bytes(prefix[:3], "big")
    if size > _HTTP2_FRAME:
        raise h2.exceptions.FrameTooLargeError(f"a frame of {size} bytes")
    return _HTTP2_HEADER + size


def _message_length(prefix: bytes, limits: Limits) -> int:
    if prefix[0] != 0:
        raise RemoteProtocolError("expected messages without compression, which nobody offered")
    length = int.from_bytes(prefix[1:], "big")
    if length > limits.frame:
        raise LimitExceeded("frame", limits.frame, length)
    return _PREFIX + length


def _texts(headers: Iterable[tuple[str | bytes, str | bytes]] | None) -> dict[str, str]:
    def text(value: str | bytes) -> str:
        return value if isinstance(value, str) else value.decode("utf-8", "replace")

    return {text(name): text(value) for name, value in headers or ()}
