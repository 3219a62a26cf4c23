"""The receiving end of streams: puts pieces together in any order, acknowledges them, and bounds what it holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.blocks import Blocks, Content, blocks_of
from flare_client.protocol.cellnet.cell import CellMessage, Topic
from flare_client.protocol.cellnet.streams import (
    ACK_INTERVAL,
    Piece,
    PieceType,
    StreamFailed,
    StreamHeader,
    StreamReceived,
)
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

REMEMBER_SECONDS = 65.0
"""How long an ended stream is remembered: senders of 2.9 repeat a piece for 60 s where its acknowledgement was lost."""
_MOST_REMEMBERED = 4096
_MOST_EARLY = 1024
"""Pieces that may wait for an earlier one."""
_MOST_PIECES = 1 << 16
"""Pieces of one stream: empty ones cost memory, too."""

_ACK = int(PieceType.ACK)

_Key = tuple[str, int]
_Ended = tuple[float, int, int]
"""What is remembered of an ended stream: when, and the bytes and pieces of it; none of one that failed."""
StreamEvent = Piece | StreamReceived | StreamFailed


@dataclasses.dataclass
class _Incoming:
    headers: Mapping[str, Any] | None = None
    blocks: list[Content] = dataclasses.field(default_factory=list)
    early: dict[int, Content] = dataclasses.field(default_factory=dict)
    received: int = 0
    held: int = 0
    acknowledged: int = 0
    last: int | None = None


class StreamReceiver:
    """All streams that one side of a connection receives.

    Args:
        limits: ``stream`` bounds one payload, ``streams`` how many may be open, ``held`` all of them together.
        always_acknowledges: whether the end of a stream is acknowledged that is short and whose sender does not repeat
            pieces. Receivers of 2.9 do, those of 2.7 and 2.8 never; nobody waits for it.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, always_acknowledges: bool = True) -> None:
        self._limits = limits
        self._always_acknowledges = always_acknowledges
        self._open: dict[_Key, _Incoming] = {}
        self._ended: dict[_Key, _Ended] = {}

    @property
    def open(self) -> int:
        """How many streams have begun and not ended."""
        return len(self._open)

    def receive(self, message: CellMessage, now: float) -> list[StreamEvent]:
        """Take a one-way message with a piece of data, or with the news that no more comes.

        Args:
            message: on channel ``sm__STREAM``, topic ``sm__DATA``.
            now: seconds, of any clock that never goes back.

        Returns:
            Acknowledgements and error reports to send, and the streams that are whole or lost.

        Raises:
            RemoteProtocolError: the message does not say of which stream, or which piece.
        """
        self._forget(now)
        key = (message.origin, _number(message.headers, StreamHeader.ID))
        kind = _number(message.headers, StreamHeader.TYPE)
        if key in self._ended:
            _, received, pieces = self._ended[key]
            # A piece that comes again: its acknowledgement was lost, or crossed it.
            return [Piece(Topic.STREAM_ACK, _ack(key, received, pieces))] if pieces and kind != PieceType.ERROR else []
        if kind == PieceType.ERROR:
            return self._given_up(key, message, now)
        if kind not in (PieceType.CHUNK, PieceType.FINAL):
            raise RemoteProtocolError(f"expected {StreamHeader.TYPE} 1, 2 or 6 in a piece, but got {kind}")
        return self._take(key, message, is_last=kind == PieceType.FINAL, now=now)

    def _given_up(self, key: _Key, message: CellMessage, now: float) -> list[StreamEvent]:
        incoming = self._open.pop(key, None)
        if incoming is None:
            return []
        self._ended[key] = (now, 0, 0)
        reason = f"the sender gave up: {message.headers.get(StreamHeader.ERROR)}"
        return [StreamFailed(_text(incoming.headers or message.headers, StreamHeader.REQUEST), reason)]

    def _take(self, key: _Key, message: CellMessage, *, is_last: bool, now: float) -> list[StreamEvent]:
        sequence = _number(message.headers, StreamHeader.SEQUENCE)
        incoming = self._open.get(key)
        if incoming is None:
            if is_last and sequence == 0 and self._is_all(message):  # by far the most
                return self._end(key, message.headers, message.payload, 1, now)
            if len(self._open) >= self._limits.streams:
                return self._refuse(key, message.headers, f"{self._limits.streams} streams are open already", now)
            incoming = self._open[key] = _Incoming()
        return self._add(key, incoming, message, sequence, is_last=is_last, now=now)

    def _add(
        self, key: _Key, incoming: _Incoming, message: CellMessage, sequence: int, *, is_last: bool, now: float
    ) -> list[StreamEvent]:
        if sequence < len(incoming.blocks) or sequence in incoming.early:
            return []  # doubled; what is missing is still to come
        if incoming.last is not None and (is_last or sequence > incoming.last):
            return self._refuse(key, message.headers, f"expected {incoming.last} to be the last piece", now)
        if is_last:
            incoming.last = sequence
            if any(number > sequence for number in incoming.early) or sequence < len(incoming.blocks):
                return self._refuse(key, message.headers, "expected no piece after the last one", now)
        if sequence == 0:
            incoming.headers = message.headers
        incoming.early[sequence] = message.payload
        incoming.held += len(message.payload)
        if incoming.held > self._limits.stream or sequence >= _MOST_PIECES or len(incoming.early) > _MOST_EARLY:
            reason = f"expected at most {self._limits.stream:,} bytes in at most {_MOST_PIECES:,} pieces, in order"
            return self._refuse(key, message.headers, reason, now)
        if sum(one.held for one in self._open.values()) > self._limits.held:
            reason = f"expected at most {self._limits.held:,} bytes in all streams that are not whole"
            return self._refuse(key, message.headers, reason, now)
        return self._advance(key, incoming, now)

    def _advance(self, key: _Key, incoming: _Incoming, now: float) -> list[StreamEvent]:
        while (block := incoming.early.pop(len(incoming.blocks), None)) is not None:
            incoming.blocks.append(block)
            incoming.received += len(block)
        if incoming.last is None or len(incoming.blocks) <= incoming.last:
            if incoming.received - incoming.acknowledged < ACK_INTERVAL:
                return []
            incoming.acknowledged = incoming.received
            return [Piece(Topic.STREAM_ACK, _ack(key, incoming.received, len(incoming.blocks)))]
        headers = incoming.headers or {}
        if not _is_size(headers, incoming.received):
            reason = f"size mismatch: expected {headers[StreamHeader.SIZE]} bytes, but got {incoming.received}"
            return self._refuse(key, headers, reason, now)
        del self._open[key]
        return self._end(key, headers, _together(incoming.blocks), len(incoming.blocks), now)

    def _is_all(self, message: CellMessage) -> bool:
        """Whether nothing is to be said against a stream that came in one piece, while no other is under way."""
        size = len(message.payload)
        most = min(self._limits.stream, self._limits.held)
        return not self._open and size <= most and _is_size(message.headers, size)

    def _end(
        self, key: _Key, headers: Mapping[str, Any], payload: Content, pieces: int, now: float
    ) -> list[StreamEvent]:
        self._ended[key] = (now, len(payload), pieces)
        whole = _received(key[0], headers, payload)
        waits = len(payload) > ACK_INTERVAL or headers.get(StreamHeader.RELIABLE) is not False
        if not waits and not self._always_acknowledges:
            return [whole]
        return [Piece(Topic.STREAM_ACK, _ack(key, len(payload), pieces)), whole]

    def _refuse(self, key: _Key, headers: Mapping[str, Any], reason: str, now: float) -> list[StreamEvent]:
        incoming = self._open.pop(key, None)
        self._ended[key] = (now, 0, 0)
        known = incoming.headers if incoming is not None and incoming.headers is not None else headers
        report = {
            StreamHeader.ID: key[1],
            StreamHeader.TYPE: int(PieceType.ERROR),
            StreamHeader.OFFSET: incoming.received if incoming is not None else 0,
            StreamHeader.ERROR: reason,
            StreamHeader.ERROR_TYPE: "StreamError",
        }
        return [Piece(Topic.STREAM_ACK, report), StreamFailed(_text(known, StreamHeader.REQUEST), reason)]

    def _forget(self, now: float) -> None:
        # In the order of ending, so the first that is young enough ends the search.
        while self._ended:
            key, ended = next(iter(self._ended.items()))
            if now - ended[0] <= REMEMBER_SECONDS and len(self._ended) <= _MOST_REMEMBERED:
                return
            del self._ended[key]


def _together(blocks: list[Content]) -> Content:
    return blocks[0] if len(blocks) == 1 else Blocks(part for block in blocks for part in blocks_of(block))


def _number(headers: Mapping[str, Any], name: str) -> int:
    value = headers.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RemoteProtocolError(f"expected a number in the header {name}, but got {value!r:.60}")
    return value


def _is_size(headers: Mapping[str, Any], received: int) -> bool:
    """Whether so many bytes are all of a stream, as far as its headers say."""
    size = headers.get(StreamHeader.SIZE)
    return not isinstance(size, int) or size <= 0 or size == received


def _ack(key: _Key, received: int, pieces: int) -> dict[str, Any]:
    return {
        StreamHeader.ID: key[1],
        StreamHeader.TYPE: _ACK,
        StreamHeader.OFFSET: received,
        StreamHeader.SEQUENCE: pieces - 1,
    }


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name)
    return value if isinstance(value, str) else ""


def _received(origin: str, headers: Mapping[str, Any], payload: Content) -> StreamReceived:
    return StreamReceived(
        origin,
        _text(headers, StreamHeader.CHANNEL),
        _text(headers, StreamHeader.TOPIC),
        _text(headers, StreamHeader.REQUEST),
        _text(headers, StreamHeader.ENCODING),
        headers,
        payload,
    )
