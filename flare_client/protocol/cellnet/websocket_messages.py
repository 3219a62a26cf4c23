"""Whole binary messages of a WebSocket, told from everything else, which is for a library to read and write.

All that endpoints say to each other are such messages, once the WebSocket is open. The library reads and writes each
in many small steps and copies it several times: for a short command that takes as long as what is done with it, and a
piece of a file is large. Owns where a WebSocket frame begins and ends. Must not know what is in it; whatever comes that
is no plain whole message is passed on, the faults among it, too.

How a mask is put on and taken off is handed in, by who has a library for it.

Source: RFC 6455, section 5.2.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flare_client.protocol.cellnet.blocks import LARGE, Blocks, Content, first_of
from flare_client.protocol.cellnet.gathering import Buffers, Gathering

_UPGRADE_END = b"\r\n\r\n"
"""What ends the request for the upgrade, and the answer to it; frames follow."""
_WHOLE_BINARY = 0x82
"""How a binary message begins that comes in one part."""
_FIN, _CONTROL, _MASKED, _LENGTH = 0x80, 0x08, 0x80, 0x7F
_SHORT, _LONG = 126, 127
"""Lengths that say that the length follows, in 2 bytes or in 8; lesser ones are the length."""
_LENGTH_SIZES = {_SHORT: 2, _LONG: 8}
_MASK_SIZE = 4
_TINY_HEADER, _SHORT_HEADER, _LONG_HEADER = struct.Struct(">BB"), struct.Struct(">BBH"), struct.Struct(">BBQ")
_MASKED_AT_ONCE = 64 * 1024
"""Bytes that are masked at once, in memory that is used again; a multiple of the mask's size."""

Masking = Callable[[bytes | memoryview, bytes], bytes]
"""Puts a mask of four bytes on some bytes, which is the same as to take it off."""


def binary_message(content: Content, masking: Masking | None) -> list[bytes | memoryview]:
    """A binary message in one part, in blocks.

    Args:
        content: what is in it; that of large ones is not copied.
        masking: puts a mask on, as clients do with all that they send; ``None``: servers put none on.
    """
    if masking is None:
        header = _header(len(content), 0)
        return [header + content] if isinstance(content, bytes) else [header, *content.parts]
    mask = secrets.token_bytes(_MASK_SIZE)
    header = _header(len(content), _MASKED) + mask
    if isinstance(content, bytes):
        return [header + masking(content, mask)]
    return [header, *_under_mask(content, mask, masking)]


def _header(size: int, masked: int) -> bytes:
    if size < _SHORT:
        return _TINY_HEADER.pack(_WHOLE_BINARY, masked | size)
    if size <= 0xFFFF:
        return _SHORT_HEADER.pack(_WHOLE_BINARY, masked | _SHORT, size)
    return _LONG_HEADER.pack(_WHOLE_BINARY, masked | _LONG, size)


def _under_mask(content: Blocks, mask: bytes, masking: Masking) -> Iterator[bytes]:
    """Put a mask on, or take it off."""
    for block in content.parts:
        for start in range(0, len(block), _MASKED_AT_ONCE):
            yield masking(block[start : start + _MASKED_AT_ONCE], mask)
        turn = len(block) % _MASK_SIZE
        mask = mask[turn:] + mask[:turn]


class Rest(NamedTuple):
    """Bytes that are for the library.

    Attributes:
        data: the bytes.
    """

    data: bytes


class WholeMessages:
    """What one side of a WebSocket receives, from the other side's part of the upgrade on.

    Args:
        limit: bytes of the longest message that is taken; a longer one is left to the library, to be refused.
        masking: takes off the mask that clients put on what they send; ``None``: the other side is a server. A message
            that is not as it ought to be is left to the library, too.
    """

    def __init__(self, limit: int, masking: Masking | None) -> None:
        self._limit = limit
        self._masking = masking
        self._masked = 0 if masking is None else _MASKED
        self._upgrade_tail: bytes | None = b""
        """The last bytes of the upgrade; ``None`` once it is over."""
        self._large_head = bytes((_WHOLE_BINARY, self._masked | _LONG))
        """What a large message begins with."""
        self._header = b""
        """Of a frame, up to its length, as far as it came."""
        self._passed = 0
        """How many bytes of it the library has."""
        self._left = 0
        """Bytes to come of the frame that has begun."""
        self._gathering = Gathering(Buffers())
        self._is_large = False
        """Whether that is a large message."""
        self._is_fragmented = False
        """Whether a message in several parts has begun."""

    def feed(self, data: bytes | memoryview) -> Iterator[Content | Rest]:
        """Take bytes; yields what is in whole messages, and between them what is for the library, in order."""
        view = memoryview(data)
        rest: list[bytes | memoryview] = []
        if self._upgrade_tail is not None:
            rest.append(view[: self._after_upgrade(bytes(data))])
            view = view[len(rest[0]) :]
        while view:
            size, message = self._next(view, rest)
            view = view[size:]
            if message is None:
                continue
            if any(rest):
                yield Rest(b"".join(rest))
            rest.clear()
            yield message
        if any(rest):
            yield Rest(b"".join(rest))

    def _next(self, view: memoryview, rest: list[bytes | memoryview]) -> tuple[int, Content | None]:
        """Take the next part of what came: how long it is, and the message that it completes.

        Args:
            view: what came.
            rest: what is for the library is added to it.
        """
        if not self._left:
            size, message = self._at_once(view)
            if message is not None:
                return size, message
            size = self._take_header(view)
            is_whole = len(self._header) == self._header_size()
            if is_whole:
                self._begin()
            # The library finds fault with a part of a header, too: what is none of a large message does not wait.
            if not self._is_large and (is_whole or not self._large_head.startswith(self._header[:2])):
                rest.append(self._header[self._passed :])
                self._passed = len(self._header)
            if is_whole:
                self._header, self._passed = b"", 0
            return size, None
        part = view[: self._left]
        self._left -= len(part)
        if not self._is_large:
            rest.append(part)
            return len(part), None
        self._gathering.add(part)
        return len(part), None if self._left else self._end_large()

    def _end_large(self) -> Blocks:
        self._is_large = False
        large = self._gathering.take()
        if self._masking is None:
            return large
        return Blocks(_under_mask(large.part(_MASK_SIZE, len(large)), first_of(large, _MASK_SIZE), self._masking))

    def _after_upgrade(self, data: bytes) -> int:
        """How many of the bytes belong to the upgrade."""
        held = self._upgrade_tail or b""
        found = (held + data).find(_UPGRADE_END)
        if found >= 0:
            self._upgrade_tail = None
            return found + len(_UPGRADE_END) - len(held)
        self._upgrade_tail = (held + data)[1 - len(_UPGRADE_END) :]
        return len(data)

    def _at_once(self, view: memoryview) -> tuple[int, bytes | None]:
        """The first message and its size, where it is not large and all of it is there, as of by far the most."""
        if len(view) < 2 or view[0] != _WHOLE_BINARY or self._header or self._is_fragmented:
            return 0, None
        length, start = view[1] ^ self._masked, 2
        if length == _SHORT:
            if len(view) < 4:
                return 0, None
            length, start = view[2] << 8 | view[3], 4
        elif length > _SHORT:  # a large one, or one whose mask is not as it ought to be
            return 0, None
        begin = start if self._masking is None else start + _MASK_SIZE
        end = begin + length
        if length > self._limit or end > len(view):
            return 0, None
        if self._masking is None:
            return end, bytes(view[begin:end])
        return end, self._masking(view[begin:end], bytes(view[start:begin]))

    def _header_size(self) -> int:
        return 2 + _LENGTH_SIZES.get(self._header[1] & _LENGTH, 0) if len(self._header) > 1 else 2

    def _take_header(self, view: memoryview) -> int:
        """Take the bytes of a header as far as they came, and return how many those are."""
        taken = 0
        for _ in ("what it is", "how long it is"):
            missing = self._header_size() - len(self._header)
            self._header += view[taken : taken + missing]
            taken = min(taken + missing, len(view))
        return taken

    def _begin(self) -> None:
        """Begin a frame whose header is whole."""
        kind, code = self._header[:2]
        length = int.from_bytes(self._header[2:], "big") if len(self._header) > 2 else code & _LENGTH
        self._left = length + (_MASK_SIZE if code & _MASKED else 0)
        is_candidate = self._header.startswith(self._large_head) and not self._is_fragmented
        self._is_large = is_candidate and LARGE <= length <= self._limit
        if not kind & _CONTROL:
            self._is_fragmented = not kind & _FIN
