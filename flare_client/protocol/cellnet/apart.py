"""msgpack whose large binary values stay apart: they are neither copied into what is packed nor out of it.

A piece of a file is megabytes of bytes in a map of three entries. Packed by itself it would be copied once on its way
out and three times on its way in, and memory is slower than everything else that happens to it.
"""

from __future__ import annotations

import struct
from typing import Any

import msgpack

from flare_client.protocol.cellnet.blocks import LARGE, Blocks
from flare_client.protocol.cellnet.packing import FIRST_BUFFER, unpack
from flare_client.protocol.errors import LocalProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS

_MOST_TOKENS = 256
"""Parts of an object in which large values are looked for; those that have more are decoded in the usual way, as a
look at each part would take longer than the copies."""

_BIN_32 = struct.Struct(">BI")
_STAND_IN = struct.Struct(">BbI")
"""An extension of four bytes: the number of the value that it stands for."""
_BIN_32_TOKEN, _FIXED_EXTENSION_4 = 0xC6, 0xD6
_STAND_IN_CODE = 0

_FOLLOWED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
_FOLLOWED |= {0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
"""Tokens with so many bytes after them: nil, false, true, numbers."""
_LENGTH = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Tokens with a length of so many bytes: binary values and text."""
_COUNT = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Tokens with a count of so many bytes, of parts or of pairs of parts: lists and maps."""
_KNOWN = frozenset({*_FOLLOWED, *_LENGTH, *_COUNT})


def pack_apart(content: Any) -> Blocks:
    """Encode plain types; each large binary value becomes a block of its own.

    Raises:
        LocalProtocolError: something in it is no plain type.
    """
    packer = msgpack.Packer(use_bin_type=True, autoreset=False, buf_size=FIRST_BUFFER)
    blocks: list[bytes | memoryview] = []
    try:
        _pack(content, packer, blocks)
    except (TypeError, ValueError, OverflowError, struct.error) as problem:
        raise LocalProtocolError(f"expected plain types to encode, but {problem}") from problem
    return Blocks([*blocks, packer.bytes()])


def _pack(content: Any, packer: msgpack.Packer, blocks: list[bytes | memoryview]) -> None:
    if isinstance(content, dict):
        packer.pack_map_header(len(content))
        for key, value in content.items():
            packer.pack(key)
            _pack(value, packer, blocks)
    elif isinstance(content, list):
        packer.pack_array_header(len(content))
        for value in content:
            _pack(value, packer, blocks)
    elif isinstance(content, bytes) and len(content) >= LARGE:
        blocks += (packer.bytes() + _BIN_32.pack(_BIN_32_TOKEN, len(content)), content)
        packer.reset()
    else:
        packer.pack(content)


def unpack_apart(data: Blocks, max_depth: int = DEFAULT_LIMITS.depth) -> Any:
    """Decode one object; large binary values in it come as ``Blocks``.

    Args:
        data: all of it; anything after the object is a fault.
        max_depth: levels of nesting.

    Raises:
        RemoteProtocolError: see ``packing.unpack``.
    """
    large = _find_large(data)
    if not large:
        return unpack(bytes(data), max_depth)
    rest: list[bytes | memoryview] = []
    done = 0
    for number, (start, size) in enumerate(large):
        rest += (
            *data.part(done, start - _BIN_32.size).parts,
            _STAND_IN.pack(_FIXED_EXTENSION_4, _STAND_IN_CODE, number),
        )
        done = start + size
    rest += data.part(done, len(data)).parts
    values = [data.part(start, start + size) for start, size in large]
    # There is no other extension in it: the search gives up at the first.
    return unpack(b"".join(rest), max_depth, lambda _, number: values[int.from_bytes(number, "big")])


def _find_large(data: Blocks) -> list[tuple[int, int]]:
    """Where the large binary values begin, and their sizes; none where the object is not a short and sound one."""
    found: list[tuple[int, int]] = []
    position, left = 0, 1
    for _ in range(_MOST_TOKENS):
        if not left:
            return found
        head = bytes(data.part(position, position + _BIN_32.size))
        token = _read_token(head)
        if token is None:
            return []
        size, body, parts = token
        position += size
        if head[0] == _BIN_32_TOKEN and body >= LARGE:
            if position + body > len(data):
                return []
            found.append((position, body))
        position += body
        left += parts - 1
    return []


def _read_token(head: bytes) -> tuple[int, int, int] | None:
    """The size of a token, that of what follows it, and the parts that follow; ``None`` for what is none of those."""
    token = head[0] if head else None
    if token is None or (0xC0 <= token < 0xE0 and token not in _KNOWN):
        return None
    if token in _LENGTH:
        width = _LENGTH[token]
        return 1 + width, int.from_bytes(head[1 : 1 + width], "big"), 0
    if token in _COUNT:
        width, parts = _COUNT[token]
        return 1 + width, 0, int.from_bytes(head[1 : 1 + width], "big") * parts
    if 0x80 <= token < 0xA0:
        return 1, 0, (token & 0x0F) * (2 if token < 0x90 else 1)
    return 1, token & 0x1F if 0xA0 <= token < 0xC0 else _FOLLOWED.get(token, 0), 0
