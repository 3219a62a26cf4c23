"""The binary exchange of releases 2.5 and 2.6: a header, an envelope, a body, an end marker and a checksum.

Layout: 0x01, u32 size of the envelope, u64 size of the body, envelope, body, four zero bytes, u32 CRC-32 of the
body; integers are big endian.
"""

from __future__ import annotations

import dataclasses
import enum
import struct
import zlib
from collections.abc import Iterator

from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

MARKER = 0x01
_HEADER = struct.Struct(">BIQ")
_FOOTER = struct.Struct(">4sI")
_END = b"\x00\x00\x00\x00"
_LINE_END = b"\x03"


@dataclasses.dataclass(frozen=True)
class ExchangeHeader:
    """The sizes are known, and the envelope is complete."""

    meta: bytes
    body_size: int


@dataclasses.dataclass(frozen=True)
class BodyData:
    """Some bytes of the body, in order."""

    data: bytes


@dataclasses.dataclass(frozen=True)
class ExchangeEnd:
    """The body is complete and its checksum fits."""


ExchangeEvent = ExchangeHeader | BodyData | ExchangeEnd


@dataclasses.dataclass(frozen=True)
class ExchangeFraming:
    """What the header of an exchange said, and what its envelope was like.

    Attributes:
        meta_size: bytes of the envelope.
        body_size: bytes of the body.
        line_ends: how many line ends of the text form were in the envelope, where none belongs.
    """

    meta_size: int
    body_size: int
    line_ends: int


def encode_header(meta: bytes, body_size: int) -> bytes:
    """What goes before the body."""
    return _HEADER.pack(MARKER, len(meta), body_size) + meta


def encode_footer(checksum: int) -> bytes:
    """What goes after the body, with the CRC-32 of the body."""
    return _FOOTER.pack(_END, checksum)


class _State(enum.Enum):
    HEADER = enum.auto()
    META = enum.auto()
    BODY = enum.auto()
    FOOTER = enum.auto()
    DONE = enum.auto()


class ExchangeReader:
    """Reads one binary exchange; holds at most the header and the envelope, never the body."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._state = _State.HEADER
        self._buffer = bytearray()
        self._meta_size = 0
        self._body_left = 0
        self._body_size = 0
        self._checksum = 0
        self._line_ends = 0

    @property
    def complete(self) -> bool:
        """Whether the whole exchange was read."""
        return self._state is _State.DONE

    def framing(self) -> ExchangeFraming:
        """What the header said, once it was read."""
        return ExchangeFraming(self._meta_size, self._body_size, self._line_ends)

    def feed(self, data: bytes) -> Iterator[ExchangeEvent]:
        """Take more bytes and yield what they complete; what came before a fault is yielded before it is raised.

        Nothing is taken before the iteration: whoever stops it has no use for the rest of the bytes.

        Raises:
            LimitExceeded: a size in the header is over a limit.
            RemoteProtocolError: the marker, the end marker or the checksum is wrong.
        """
        view = memoryview(data)
        while view and self._state is not _State.DONE:
            if self._state is _State.BODY:
                block = view[: self._body_left]
                view = view[len(block) :]
                yield self._take_body(bytes(block))
            else:
                wanted = self._wanted() - len(self._buffer)
                self._buffer += view[:wanted]
                view = view[wanted:]
                if len(self._buffer) == self._wanted():
                    event = self._take_fixed()
                    if event is not None:
                        yield event

    def _wanted(self) -> int:
        sizes = {_State.HEADER: _HEADER.size, _State.META: self._meta_size, _State.FOOTER: _FOOTER.size}
        return sizes[self._state]

    def _take_fixed(self) -> ExchangeEvent | None:
        content = bytes(self._buffer)
        self._buffer.clear()
        if self._state is _State.HEADER:
            return self._take_header(content)
        if self._state is _State.META:
            return self._begin_body(content)
        end, checksum = _FOOTER.unpack(content)
        if end != _END:
            raise RemoteProtocolError(f"expected the end marker {_END.hex()}, but got {end.hex()}")
        if checksum != self._checksum:
            raise RemoteProtocolError(f"expected the checksum {self._checksum:08x} of the body, but got {checksum:08x}")
        self._state = _State.DONE
        return ExchangeEnd()

    def _take_header(self, content: bytes) -> ExchangeEvent | None:
        marker, self._meta_size, self._body_size = _HEADER.unpack(content)
        if marker != MARKER:
            raise RemoteProtocolError(f"expected the marker {MARKER:#04x} of a binary exchange, but got {marker:#04x}")
        if self._meta_size > self._limits.exchange_meta:
            raise LimitExceeded("exchange_meta", self._limits.exchange_meta, self._meta_size)
        if self._body_size > self._limits.body:
            raise LimitExceeded("body", self._limits.body, self._body_size)
        self._body_left = self._body_size
        if not self._meta_size:
            return self._begin_body(b"")
        self._state = _State.META
        return None

    def _begin_body(self, meta: bytes) -> ExchangeHeader:
        self._line_ends = meta.count(_LINE_END)
        self._state = _State.BODY if self._body_left else _State.FOOTER
        return ExchangeHeader(meta, self._body_size)

    def _take_body(self, block: bytes) -> BodyData:
        self._checksum = zlib.crc32(block, self._checksum)
        self._body_left -= len(block)
        if not self._body_left:
            self._state = _State.FOOTER
        return BodyData(block)
