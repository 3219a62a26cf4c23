"""msgpack as the CellNet dialect uses it: plain types, bounded in size and depth, and one kind of error."""

from __future__ import annotations

from typing import Any

import msgpack

from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS


def pack(content: Any) -> bytes:
    """Encode plain types.

    Raises:
        LocalProtocolError: something in it is no plain type.
    """
    try:
        packed: bytes = msgpack.packb(content, use_bin_type=True)
    except (TypeError, ValueError, OverflowError) as problem:
        raise LocalProtocolError(f"expected plain types to encode, but {problem}") from problem
    return packed


def unpack(data: bytes, max_depth: int = DEFAULT_LIMITS.depth) -> Any:
    """Decode one object.

    Args:
        data: all of it; anything after the object is a fault.
        max_depth: levels of nesting.

    Raises:
        RemoteProtocolError: the data is no msgpack, is cut short, nests too deep or has a type of its own.
    """
    _check(data, max_depth)
    size = len(data)
    try:
        return msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=False,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=size,
            max_map_len=size,
        )
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as problem:
        raise RemoteProtocolError(f"expected msgpack, but {problem or type(problem).__name__}") from problem


_PLAIN, _SIZED, _PARTS, _COUNTED, _UNUSED = range(5)
"""What the first byte of an object says: how long it is; how many bytes of size follow; how many objects follow; how
many bytes of a count of objects (of pairs, where it is negative) follow; that it is no plain type, or none at all."""


def _forms() -> list[tuple[int, int]]:
    forms = [(_PLAIN, 1)] * 256
    for low in range(16):
        forms[0x80 + low], forms[0x90 + low] = (_PARTS, 2 * low), (_PARTS, low)
    for low in range(32):
        forms[0xA0 + low] = (_PLAIN, 1 + low)
    for number, width in enumerate((1, 2, 4)):
        forms[0xC4 + number] = forms[0xD9 + number] = (_SIZED, width)
    for number, width in enumerate((4, 8, 1, 2, 4, 8, 1, 2, 4, 8)):
        forms[0xCA + number] = (_PLAIN, 1 + width)
    for number, width in enumerate((2, 4)):
        forms[0xDC + number], forms[0xDE + number] = (_COUNTED, width), (_COUNTED, -width)
    for unused in (0xC1, 0xC7, 0xC8, 0xC9, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8):
        forms[unused] = (_UNUSED, 0)
    return forms


_FORMS = _forms()


def _check(data: bytes, max_depth: int) -> None:
    # Before anything is decoded: msgpack makes room for as many objects as a list announces, and lists in lists, each
    # of which announces all that the data could hold, would cost the square of its size.
    size, position = len(data), 0
    left, outer = 1, 0  # objects that are still to come: in this list or map, in those around it
    around: list[int] = []
    while left or around:
        if not left:
            left = around.pop()
            outer -= left
            continue
        if position >= size:
            raise RemoteProtocolError(f"expected msgpack, but it is cut short after {size} bytes")
        left -= 1
        form, number = _FORMS[data[position]]
        if form == _PLAIN:
            position += number
            continue
        if form == _UNUSED:
            raise RemoteProtocolError(f"expected plain types, but got the type {data[position]:#x} of msgpack")
        start, position = position + 1, position + 1
        if form != _PARTS:
            position += abs(number)
            count = int.from_bytes(data[start:position], "big")
            number = 2 * count if number < 0 else count
        if form == _SIZED:
            position += number
            continue
        around.append(left)
        outer += left
        left = number
        if left and len(around) > max_depth:
            raise RemoteProtocolError(f"expected at most {max_depth} levels of nesting, but there are more")
        if outer + left > size - position:  # each takes a byte at least
            raise RemoteProtocolError(
                f"expected msgpack, but it announces {outer + left} more objects, and {size - position} bytes are left"
            )
