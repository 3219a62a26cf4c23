"""The sending end of streams: cuts payloads into pieces and stays within the window of the receiver."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.blocks import Content, part_of
from flare_client.protocol.cellnet.cell import Encoding, Topic
from flare_client.protocol.cellnet.streams import (
    ACK_INTERVAL,
    CHUNK_SIZE,
    WINDOW,
    Piece,
    PieceType,
    StreamFailed,
    StreamHeader,
)

PROGRESS_SECONDS = 60.0
"""How long a stream that waits for acknowledgements may stand still."""

_ONLY_PIECE = {
    StreamHeader.TYPE: int(PieceType.FINAL),
    StreamHeader.SEQUENCE: 0,
    StreamHeader.OFFSET: 0,
    StreamHeader.ACK_INTERVAL: ACK_INTERVAL,
}
"""What says of a piece that it is all of its stream."""


@dataclasses.dataclass
class _Outgoing:
    headers: dict[str, Any]
    content: Content
    request_id: str
    chunk_size: int
    sent: int = 0
    sequence: int = 0
    acknowledged: int = 0
    moved: float = 0.0
    done: bool = False


class StreamSender:
    """All streams that one side of a connection sends.

    Args:
        first_id: the id of the first stream; official software takes microseconds of the clock, so that ids of a
            process are never used again.
        window: bytes that may be on the way without an acknowledgement.
    """

    def __init__(self, first_id: int, window: int = WINDOW) -> None:
        self._next_id = first_id
        self._window = window
        self._open: dict[int, _Outgoing] = {}

    @property
    def waiting(self) -> int:
        """How many streams wait for acknowledgements before they can go on."""
        return len(self._open)

    def send(  # noqa: PLR0913 - the terms of a stream, most of them with a usual value
        self,
        channel: str,
        topic: str,
        content: Content,
        now: float,
        *,
        request_id: str = "",
        encoding: Encoding = Encoding.FOBS,
        optional: bool = False,
        headers: Mapping[str, Any] | None = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> list[Piece]:
        """Begin a stream, and return the pieces that may go at once: all of them but for very long streams.

        Args:
            channel: the application's channel.
            topic: the application's topic.
            content: the payload.
            now: seconds, of any clock that never goes back.
            request_id: what the answer is to name, or the request that this answers.
            encoding: how to read the payload.
            optional: whether a failure is of no importance.
            headers: the application's own, repeated on every piece.
            chunk_size: bytes in every piece but the last.
        """
        stream_id = self._next_id
        self._next_id += 1
        fixed: dict[str, Any] = {
            **(headers or {}),
            StreamHeader.ENCODING: encoding.value,
            StreamHeader.CHANNEL: channel,
            StreamHeader.TOPIC: topic,
            StreamHeader.SIZE: len(content),
            StreamHeader.ID: stream_id,
            StreamHeader.RELIABLE: False,
            StreamHeader.OPTIONAL: optional,
            StreamHeader.CHUNK_SIZE: chunk_size,
            StreamHeader.WINDOW: self._window,
        }
        if request_id:
            fixed[StreamHeader.REQUEST] = request_id
        if len(content) <= min(chunk_size, self._window):  # by far the most
            return [Piece(Topic.STREAM_DATA, fixed | _ONLY_PIECE, content)]
        outgoing = _Outgoing(fixed, content, request_id, chunk_size, moved=now)
        self._open[stream_id] = outgoing
        return self._pieces(stream_id, outgoing)

    def receive_ack(self, headers: Mapping[str, Any], now: float) -> list[Piece] | StreamFailed:
        """Take what the receiver says of a stream.

        Acknowledgements that are late, doubled or of an unknown stream are normal, and mean nothing.

        Returns:
            The pieces that may go now, or the end of the stream where the receiver gives up.
        """
        stream_id = headers.get(StreamHeader.ID)
        outgoing = self._open.get(stream_id) if isinstance(stream_id, int) else None
        if outgoing is None or not isinstance(stream_id, int):
            return []
        if headers.get(StreamHeader.TYPE) == PieceType.ERROR:
            del self._open[stream_id]
            return StreamFailed(outgoing.request_id, f"the receiver gave up: {headers.get(StreamHeader.ERROR)}")
        offset = headers.get(StreamHeader.OFFSET)
        if isinstance(offset, int) and outgoing.acknowledged < offset <= outgoing.sent:
            outgoing.acknowledged = offset
            outgoing.moved = now
        return self._pieces(stream_id, outgoing)

    def stalled(self, now: float) -> list[StreamFailed]:
        """Give up the streams whose receiver has been silent for too long, and return them."""
        late = [number for number, one in self._open.items() if now - one.moved > PROGRESS_SECONDS]
        reason = f"expected an acknowledgement within {PROGRESS_SECONDS:g} s, but none came"
        return [StreamFailed(self._open.pop(number).request_id, reason) for number in late]

    def _pieces(self, stream_id: int, outgoing: _Outgoing) -> list[Piece]:
        pieces: list[Piece] = []
        size = len(outgoing.content)
        while not outgoing.done and outgoing.sent - outgoing.acknowledged < self._window:
            block = part_of(outgoing.content, outgoing.sent, outgoing.sent + outgoing.chunk_size)
            outgoing.done = outgoing.sent + len(block) == size
            headers = {
                **outgoing.headers,
                StreamHeader.TYPE: int(PieceType.FINAL if outgoing.done else PieceType.CHUNK),
                StreamHeader.SEQUENCE: outgoing.sequence,
                StreamHeader.OFFSET: outgoing.sent,
            }
            if outgoing.sequence == 0:
                headers[StreamHeader.ACK_INTERVAL] = ACK_INTERVAL
            pieces.append(Piece(Topic.STREAM_DATA, headers, block))
            outgoing.sent += len(block)
            outgoing.sequence += 1
        if outgoing.done:
            # Nothing is sent again: the transports lose nothing, and a lost connection ends the stream anyway.
            self._open.pop(stream_id, None)
        return pieces
