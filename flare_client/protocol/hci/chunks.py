"""The chunked frames in which release 2.4 sends a file.

A data frame is ``101, u32 number from 1, u32 size`` and at most 1 MiB of data; the end frame is
``102, 0, u32 CRC-32`` of all data. Integers are big endian, and nothing follows the end frame.
"""

from __future__ import annotations

import struct
import zlib

from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.hci.exchange import BodyData, ExchangeEnd
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

DATA_MARKER = 101
END_MARKER = 102
CHUNK_SIZE = 1024 * 1024
_FRAME = struct.Struct(">BII")


def encode_chunk(number: int, data: bytes) -> bytes:
    """A data frame; numbers count from 1."""
    return _FRAME.pack(DATA_MARKER, number, len(data)) + data


def encode_end(checksum: int) -> bytes:
    """The end frame, with the CRC-32 of everything sent."""
    return _FRAME.pack(END_MARKER, 0, checksum)


class ChunkReader:
    """Reads one file in chunked frames; holds at most one frame header."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._header = bytearray()
        self._left = 0
        self._number = 0
        self._size = 0
        self._checksum = 0
        self.complete = False

    def feed(self, data: bytes) -> list[BodyData | ExchangeEnd]:
        """Take more bytes and return what they complete.

        Raises:
            LimitExceeded: the file grew over the limit for a body.
            RemoteProtocolError: a marker, a number, a size or the checksum is wrong.
        """
        events: list[BodyData | ExchangeEnd] = []
        view = memoryview(data)
        while view and not self.complete:
            if self._left:
                block = bytes(view[: self._left])
                view = view[len(block) :]
                self._left -= len(block)
                self._checksum = zlib.crc32(block, self._checksum)
                events.append(BodyData(block))
                continue
            wanted = _FRAME.size - len(self._header)
            self._header += view[:wanted]
            view = view[wanted:]
            if len(self._header) == _FRAME.size:
                self._take_header(events)
        return events

    def _take_header(self, events: list[BodyData | ExchangeEnd]) -> None:
        marker, first, second = _FRAME.unpack(bytes(self._header))
        self._header.clear()
        if marker == DATA_MARKER:
            self._number += 1
            if first != self._number:
                raise RemoteProtocolError(f"expected frame number {self._number}, but got {first}")
            if second > CHUNK_SIZE:
                raise RemoteProtocolError(f"expected a frame of at most {CHUNK_SIZE} bytes, but its size is {second}")
            self._size += second
            if self._size > self._limits.body:
                raise LimitExceeded("body", self._limits.body, self._size)
            self._left = second
        elif marker == END_MARKER:
            if first != 0:
                raise RemoteProtocolError(f"expected 0 in the end frame, but got {first}")
            if second != self._checksum:
                raise RemoteProtocolError(f"expected the checksum {self._checksum:08x}, but got {second:08x}")
            self.complete = True
            events.append(ExchangeEnd())
        else:
            raise RemoteProtocolError(f"expected a frame marker {DATA_MARKER} or {END_MARKER}, but got {marker}")
