"""msgpack as the CellNet dialect uses it: plain types, bounded in size and depth, and one kind of error."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import msgpack

from flare_client.protocol.cellnet.blocks import Blocks
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS

FIRST_BUFFER = 4096
"""Bytes to begin with: most messages are smaller, and to get and return the usual 256 KiB takes longer than packing."""


class Packer:
    """Encodes plain types, one object after the other; to make one takes as long as to encode a message."""

    def __init__(self) -> None:
        self._packer = _new_packer()

    def pack(self, content: Any) -> bytes:
        """Encode an object.

        Raises:
            LocalProtocolError: something in it is no plain type.
        """
        try:
            packed: bytes = self._packer.pack(content)
        except (TypeError, ValueError, OverflowError) as problem:
            self._packer = _new_packer()  # the old one holds a part of it
            raise LocalProtocolError(f"expected plain types to encode, but {problem}") from problem
        return packed

    def __reduce__(self) -> tuple[type[Packer], tuple[()]]:
        """Be copied: nothing is left here of what was encoded."""
        return Packer, ()


def _new_packer() -> msgpack.Packer:
    return msgpack.Packer(use_bin_type=True, buf_size=FIRST_BUFFER)


def pack(content: Any) -> bytes:
    """Encode an object; see ``Packer.pack``."""
    return Packer().pack(content)


def _refuse(_code: int, _data: bytes) -> Any:
    raise RemoteProtocolError("expected plain types, but got the type ExtType of msgpack")


def unpack(data: bytes, max_depth: int = DEFAULT_LIMITS.depth, extension: Callable[[int, bytes], Any] = _refuse) -> Any:
    """Decode one object.

    Args:
        data: all of it; anything after the object is a fault.
        max_depth: levels of nesting.
        extension: makes a value of an extension of msgpack; those that are no plain types are a fault.

    Raises:
        RemoteProtocolError: the data is no msgpack, is cut short, nests too deep or has a type of its own.
    """
    is_harmless = _is_harmless(data, max_depth)
    try:
        if not is_harmless:
            _walk(data)
        content = msgpack.unpackb(data, raw=False, strict_map_key=False, ext_hook=extension)
    except msgpack.exceptions.OutOfData:
        raise _cut_short(data) from None
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as problem:
        if "incomplete" in str(problem):  # all that the decoder says where nobody walked through the data before
            raise _cut_short(data) from None
        raise RemoteProtocolError(f"expected msgpack, but {str(problem) or type(problem).__name__}") from problem
    if not is_harmless or extension is not _refuse:
        _check([content], max_depth, max_depth)
    return content


def _cut_short(data: bytes) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected msgpack, but it is cut short after {len(data)} bytes")


_SMALL = 4096
"""Bytes of the longest object that may be harmless: its lists, of which there are as many as levels are allowed, cannot
announce more than 2 MiB of memory together."""
_CONTAINERS = bytes([*range(0x80, 0xA0), *range(0xDC, 0xE0)])
"""The bytes that a list or a map begins with."""
_TIME = re.compile(rb"[\xd6\xd7]\xff|\xc7.\xff|\xc8..\xff|\xc9....\xff", re.DOTALL)
"""What a time begins with, in each of the forms that extensions have; the decoder makes an object of its own of it
without asking."""
_OF_ANY_TIME = b"\xff"
"""A byte of each of them, and of few messages: to look for one byte is ten times as fast."""


def _is_harmless(data: bytes, max_depth: int) -> bool:
    """Whether it can be told from the bytes alone that there is nothing to fear in the object.

    Most messages are a map or two of text and numbers, and to look at all that they hold takes ten times as long. What
    looks like the beginning of a list may be a part of a text or a number: there are never more lists than it seems.
    """
    if len(data) > _SMALL:
        return False
    data = bytes(data)
    if len(data) - len(data.translate(None, _CONTAINERS)) > max_depth:
        return False
    return _OF_ANY_TIME not in data or _TIME.search(data) is None


def _walk(data: bytes) -> None:
    # Before anything is made of it: the decoder makes room for as many objects as a list announces, and lists in lists,
    # each of which announces all that the data could hold, would cost the square of its size.
    walker = msgpack.Unpacker(max_buffer_size=len(data) or 1)  # 0 would be no limit at all
    walker.feed(data)
    walker.skip()


_SINGLE = frozenset({str, bytes, Blocks, int, float, bool, type(None)})


def _check(parts: Collection[Any], left: int, allowed: int) -> None:
    """Demand plain types, nested no deeper than allowed, with so many levels left for these parts."""
    if _SINGLE.issuperset(map(type, parts)):
        return
    for part in parts:
        kind = type(part)
        if kind is dict:
            _check(part, left, allowed)
            _check(part.values(), _inner(left, allowed), allowed)
        elif kind is list:
            _check(part, _inner(left, allowed), allowed)
        elif kind not in _SINGLE:
            raise RemoteProtocolError(f"expected plain types, but got the type {kind.__name__} of msgpack")


def _inner(left: int, allowed: int) -> int:
    if not left:
        raise RemoteProtocolError(f"expected at most {allowed} levels of nesting, but there are more")
    return left - 1
