"""SFM frames: the unit that every transport of the CellNet dialect carries, and the greeting of two endpoints.

A frame is a prefix of 16 bytes, a msgpack map of headers (DATA only) and a payload. Over TCP frames follow each other;
over WebSocket and gRPC each is one message. Integers are big endian. Most of the bytes of a transfer are payloads, and
a large one is never copied here.

Source: official 2.7.3, 2.8.3 and 2.9.0, on all three transports.
"""

from __future__ import annotations

import dataclasses
import enum
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from flare_client.protocol.cellnet.blocks import LARGE, Blocks, Content, first_of, part_of
from flare_client.protocol.cellnet.gathering import Buffers, MessageReader
from flare_client.protocol.cellnet.packing import Packer, pack, unpack
from flare_client.protocol.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

_PREFIX = struct.Struct(">IHBBHHHH")
PREFIX_SIZE = _PREFIX.size
MAX_HEADERS = 0xFFFF
"""Bytes of headers: their size has two bytes in the prefix."""

_GREETING_STREAM = 1
_FIRST_STREAM = 16
"""Stream ids count from the one after this; receivers never look at them."""
_DATA_APP = 1

_ENDPOINT_NAME = "endpoint_name"


class FrameType(enum.IntEnum):
    """What a frame is for. FRAG and ACK have numbers, but no release sends them."""

    DATA = 1
    FRAG = 2
    ACK = 3
    HELLO = 4
    READY = 5
    PING = 6
    PONG = 7


_FRAME_TYPES = {int(kind): kind for kind in FrameType}


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        type: what it is for.
        headers: of a DATA frame; empty otherwise.
        payload: the rest, as it came.
        prefix: the first bytes, as they came; see ``read_prefix``.
    """

    type: FrameType
    headers: Mapping[str, Any]
    payload: Content
    prefix: bytes = dataclasses.field(default=b"", compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class BadFrame:
    """A frame that is whole but makes no sense: official software logs and drops it, and the connection goes on.

    Attributes:
        reason: what was expected and what came.
        prefix: the first bytes, as they came; see ``read_prefix``.
    """

    reason: str
    prefix: bytes = dataclasses.field(default=b"", compare=False, repr=False)


class Prefix(NamedTuple):
    """The numbers that a frame begins with."""

    length: int
    header_size: int
    type: int
    reserved: int
    flags: int
    app: int
    stream: int
    sequence: int


def read_prefix(prefix: bytes) -> Prefix:
    """Read the first bytes of a frame.

    Args:
        prefix: ``PREFIX_SIZE`` bytes.
    """
    return Prefix(*_PREFIX.unpack(prefix))


def write_prefix(prefix: Prefix) -> bytes:
    """The first bytes of a frame, whatever its numbers are; ``FrameEncoder`` makes those of good ones."""
    return _PREFIX.pack(*prefix)


@dataclasses.dataclass(frozen=True)
class Greeting:
    """The payload of HELLO and READY.

    Attributes:
        endpoint_name: who speaks: ``_admin_<uuid4>`` of an admin, ``server`` of the server.
    """

    endpoint_name: str


class FrameEncoder:
    """Makes the frames of one side of one connection, with their running numbers."""

    def __init__(self) -> None:
        self._packer = Packer()
        self._sequence = 0
        self._stream = _FIRST_STREAM

    def data(self, headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
        """A DATA frame, which carries one cell message.

        Raises:
            LocalProtocolError: the headers are too large for their size field.
        """
        return self._head(headers, len(payload)) + payload

    def data_apart(self, headers: Mapping[str, Any], payload: Content) -> Content:
        """The same; a large payload in blocks is not copied. A frame in blocks has 64 KiB or more."""
        if isinstance(payload, bytes) or len(payload) < LARGE:
            return self.data(headers, bytes(payload))
        return Blocks((self._head(headers, len(payload)), *payload.parts))

    def _head(self, headers: Mapping[str, Any], payload_size: int) -> bytes:
        packed = self._packer.pack(headers)
        if len(packed) > MAX_HEADERS:
            raise LocalProtocolError(f"expected at most {MAX_HEADERS} bytes of headers, but they are {len(packed)}")
        return self._prefix(FrameType.DATA, len(packed), payload_size, self._next_stream(), _DATA_APP) + packed

    def greeting(self, kind: FrameType, endpoint_name: str, now: float) -> bytes:
        """The HELLO of the side that connected, or the READY that answers it.

        Args:
            kind: ``HELLO`` or ``READY``.
            endpoint_name: who speaks.
            now: the time, in seconds since the epoch; nobody checks it.
        """
        payload = pack({_ENDPOINT_NAME: endpoint_name, "timestamp": now, "fqcn": endpoint_name})
        return self._prefix(kind, 0, len(payload), _GREETING_STREAM, 0) + payload

    def ping(self) -> bytes:
        """What a side sends that has heard nothing for a minute."""
        return self._sign_of_life(FrameType.PING)

    def pong(self) -> bytes:
        """The answer to a ping."""
        return self._sign_of_life(FrameType.PONG)

    def _sign_of_life(self, kind: FrameType) -> bytes:
        payload = pack(None)
        return self._prefix(kind, 0, len(payload), self._next_stream(), 0) + payload

    def _next_stream(self) -> int:
        self._stream = (self._stream + 1) & 0xFFFF
        return self._stream

    def _prefix(self, kind: FrameType, headers: int, payload: int, stream: int, app: int) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return _PREFIX.pack(PREFIX_SIZE + headers + payload, headers, kind, 0, 0, app, stream, self._sequence)


def read_greeting(frame: Frame) -> Greeting:
    """Read the payload of a HELLO or READY.

    Raises:
        RemoteProtocolError: it is no map with an endpoint name.
    """
    content = unpack(bytes(frame.payload))
    name = content.get(_ENDPOINT_NAME) if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise RemoteProtocolError(
            f"expected a map with {_ENDPOINT_NAME} in {frame.type.name}, but got {content!r:.100}"
        )
    return Greeting(name)


def decode_frame(data: Content, limits: Limits = DEFAULT_LIMITS) -> Frame | BadFrame:
    """Read one whole frame, as WebSocket and gRPC deliver it.

    Raises:
        RemoteProtocolError: the data is not as long as its prefix says, or shorter than a prefix.
        LimitExceeded: it is longer than the limit.
    """
    if len(data) < PREFIX_SIZE:
        raise RemoteProtocolError(f"expected a frame of at least {PREFIX_SIZE} bytes, but got {len(data)}")
    length = _checked_length(first_of(data, PREFIX_SIZE), limits)
    if length != len(data):
        raise RemoteProtocolError(f"expected a frame of {length} bytes, but got {len(data)}")
    return _decode(data, limits)


def _checked_length(prefix: bytes, limits: Limits) -> int:
    length = int.from_bytes(prefix[:4], "big")
    if length < PREFIX_SIZE:
        raise RemoteProtocolError(f"expected a frame of at least {PREFIX_SIZE} bytes, but its length is {length}")
    if length > limits.frame:
        raise LimitExceeded("frame", limits.frame, length)
    return length


def _decode(data: Content, limits: Limits) -> Frame | BadFrame:
    length = len(data)
    if length < LARGE:
        data = bytes(data)  # a copy: it may lie where the next bytes will be put
    prefix = first_of(data, PREFIX_SIZE)
    _, header_size, kind, _, _, app, _, _ = _PREFIX.unpack(prefix)
    frame_type = _FRAME_TYPES.get(kind)
    if frame_type is None:
        return BadFrame(f"expected a frame type from 1 to 7, but got {kind}", prefix)
    start = PREFIX_SIZE + header_size
    if start > length:
        return BadFrame(f"expected headers within a frame of {length} bytes, but they would take {header_size}", prefix)
    payload = part_of(data, start, length)
    if length - start < LARGE:
        payload = bytes(payload)
    if frame_type is not FrameType.DATA:
        return Frame(frame_type, {}, payload, prefix)
    if app != _DATA_APP:
        return BadFrame(f"expected app id {_DATA_APP} in a DATA frame, but got {app}", prefix)
    try:
        headers = unpack(bytes(part_of(data, PREFIX_SIZE, start)), limits.depth) if header_size else {}
    except RemoteProtocolError as problem:
        return BadFrame(f"expected a msgpack map of headers: {problem.reason}", prefix)
    if not isinstance(headers, dict) or not {str}.issuperset(map(type, headers)):
        return BadFrame(f"expected a map of headers with names, but got {type(headers).__name__}", prefix)
    return Frame(frame_type, headers, payload, prefix)


class FrameReader:
    """Reads frames out of a stream of bytes, as TCP delivers them; holds at most one frame.

    Args:
        limits: ``frame`` bounds the length of one.
        buffers: see ``MessageReader``.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, buffers: Buffers | None = None) -> None:
        self._limits = limits
        self._reader = MessageReader(PREFIX_SIZE, lambda prefix: _checked_length(prefix, limits), buffers)

    def feed(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        """Take more bytes and return the frames that they complete.

        Raises:
            RemoteProtocolError: a length is impossible; nothing after it can be read.
            LimitExceeded: a frame is longer than the limit; found out before its bytes are taken in.
        """
        return [_decode(frame, self._limits) for frame in self._reader.feed(data)]
