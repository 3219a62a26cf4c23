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
    # A size inside the data can announce more than is there; every bound is what the data itself could hold.
    size = len(data)
    try:
        content = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=False,
            max_str_len=size,
            max_bin_len=size,
            max_array_len=size,
            max_map_len=size,
            ext_hook=_refuse_extension,
        )
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as problem:
        raise RemoteProtocolError(f"expected msgpack, but {problem or type(problem).__name__}") from problem
    _check(content, max_depth)
    return content


def _refuse_extension(code: int, data: bytes) -> Any:
    raise ValueError(f"got an extension type ({code}, {len(data)} bytes), which this dialect does not use")


_PLAIN = (str, bytes, int, float, bool, type(None))


def _check(content: Any, max_depth: int) -> None:
    # Level by level, without recursion: the data decides how deep it is.
    level, depth = [content], 0
    while level:
        if depth > max_depth:
            raise RemoteProtocolError(f"expected at most {max_depth} levels of nesting, but there are more")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif not isinstance(item, _PLAIN):
                raise RemoteProtocolError(f"expected plain types, but got {type(item).__name__}")
        level, depth = below, depth + 1
