"""Large binary messages of a WebSocket, told from everything else, which is for a library to read and write.

The library copies what it reads and writes several times, and a piece of a file is large. Owns where a WebSocket frame
begins and ends. Must not know what is in it; whatever comes that is no plain large message is passed on, the faults
among it, too.

Source: RFC 6455, section 5.2.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterator

try:
    from websockets.speedups import apply_mask
except ImportError:  # as the library itself does
    from websockets.utils import apply_mask

from flare_client.protocol.cellnet.blocks import LARGE, Blocks
from flare_client.protocol.cellnet.gathering import Buffers, Gathering

_ANSWER_END = b"\r\n\r\n"
"""What ends the answer to the upgrade; frames follow."""
_WHOLE_BINARY = b"\x82\x7f"
"""How a binary message begins that comes in one part, without a mask, and has a length of 8 bytes."""
_FIN, _CONTROL, _MASKED, _LENGTH = 0x80, 0x08, 0x80, 0x7F
_LENGTH_SIZES = {126: 2, 127: 8}
_MASK_SIZE = 4
_LARGE_HEADER = struct.Struct(">2sQ")
_MASKED_BINARY = b"\x82\xff"
_MASKED_AT_ONCE = 64 * 1024
"""Bytes that are masked at once, in memory that is used again; a multiple of the mask's size."""


def masked_message(content: Blocks) -> Iterator[bytes]:
    """A binary message in one part, as a client sends it; yielded in blocks."""
    mask = secrets.token_bytes(_MASK_SIZE)
    yield _LARGE_HEADER.pack(_MASKED_BINARY, len(content)) + mask
    for block in content.parts:
        for start in range(0, len(block), _MASKED_AT_ONCE):
            yield apply_mask(block[start : start + _MASKED_AT_ONCE], mask)
        turn = len(block) % _MASK_SIZE
        mask = mask[turn:] + mask[:turn]


class LargeMessages:
    """What a server sends, from the answer to the upgrade on.

    Args:
        limit: bytes of the longest message that is taken; a longer one is left to the library, to be refused.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answer_tail: bytes | None = b""
        """The last bytes of the answer to the upgrade; ``None`` once it is over."""
        self._header = b""
        """Of a frame, as far as it came."""
        self._left = 0
        """Bytes to come of the frame that has begun."""
        self._gathering = Gathering(Buffers())
        self._is_large = False
        """Whether that is a large message."""
        self._is_fragmented = False
        """Whether a message in several parts has begun."""

    def feed(self, data: bytes | memoryview) -> Iterator[bytes | Blocks]:
        """Take bytes; yields large messages as ``Blocks``, and between them the bytes for the library."""
        view = memoryview(data)
        others: list[bytes | memoryview] = []
        if self._answer_tail is not None:
            others.append(view[: self._after_answer(bytes(data))])
            view = view[len(others[0]) :]
        while view:
            if not self._left:
                view = self._take_header(view)
                if len(self._header) < self._header_size():
                    break
                others.append(self._begin())
            part, view = view[: self._left], view[self._left :]
            self._left -= len(part)
            if not self._is_large:
                others.append(part)
                continue
            if any(others):
                yield b"".join(others)
                others.clear()
            self._gathering.add(part)
            if not self._left:
                self._is_large = False
                yield self._gathering.take()
        if any(others):
            yield b"".join(others)

    def _after_answer(self, data: bytes) -> int:
        """How many of the bytes belong to the answer to the upgrade."""
        held = self._answer_tail or b""
        found = (held + data).find(_ANSWER_END)
        if found >= 0:
            self._answer_tail = None
            return found + len(_ANSWER_END) - len(held)
        self._answer_tail = (held + data)[1 - len(_ANSWER_END) :]
        return len(data)

    def _header_size(self) -> int:
        return 2 + _LENGTH_SIZES.get(self._header[1] & _LENGTH, 0) if len(self._header) > 1 else 2

    def _take_header(self, view: memoryview) -> memoryview:
        """Take the bytes of a header as far as they came, and return those after it."""
        for _ in ("what it is", "how long it is"):
            missing = self._header_size() - len(self._header)
            self._header += view[:missing]
            view = view[missing:]
        return view

    def _begin(self) -> bytes:
        """Begin a frame whose header is whole, and return what the library is to see of that."""
        header, self._header = self._header, b""
        self._left = int.from_bytes(header[2:], "big") if len(header) > 2 else header[1] & _LENGTH
        if header[:2] == _WHOLE_BINARY and LARGE <= self._left <= self._limit and not self._is_fragmented:
            self._is_large = True
            return b""
        if header[1] & _MASKED:
            self._left += _MASK_SIZE
        if not header[0] & _CONTROL:
            self._is_fragmented = not header[0] & _FIN
        return header
