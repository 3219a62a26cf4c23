"""Bytes that lie in several places: what is large is passed on as it is, and never copied into one piece.

A piece of a file goes through several layers, each of which puts something before it or takes something off. Owns the
view of such bytes as one row. Must not know what they mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LARGE = 64 * 1024
"""From so many bytes on a value is worth a block of its own; smaller ones are copied faster than they are kept track
of."""


class Blocks:
    """A row of blocks, read as one row of bytes; immutable, as the blocks have to be.

    It cannot be iterated over: what makes a list of such a thing makes room for as many parts as its length says first.

    Args:
        parts: in order; empty ones are left out.

    Attributes:
        parts: the blocks.
    """

    __slots__ = ("_size", "parts")

    def __init__(self, parts: Iterable[bytes | memoryview]) -> None:
        self.parts = tuple(memoryview(part) for part in parts if part)
        self._size = sum(map(len, self.parts))

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (bytes, bytearray, memoryview, Blocks)):
            return len(self) == len(other) and bytes(self) == bytes(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return f"<{self._size:,} bytes in {len(self.parts)} blocks>"

    def part(self, start: int, end: int) -> Blocks:
        """The bytes from ``start`` to before ``end``, as far as there are any; nothing is copied."""
        found: list[memoryview] = []
        for block in self.parts:
            if start < len(block) and end > 0:
                found.append(block[max(start, 0) : end])
            start -= len(block)
            end -= len(block)
        return Blocks(found)


Content = bytes | Blocks
"""Bytes in one place or in several."""


def blocks_of(content: Content) -> Sequence[bytes | memoryview]:
    """The blocks of some bytes, in order."""
    return (content,) if isinstance(content, bytes) else content.parts


def part_of(content: Content, start: int, end: int) -> Content:
    """The bytes from ``start`` to before ``end``."""
    return content[start:end] if isinstance(content, bytes) else content.part(start, end)


def first_of(content: Content, size: int) -> bytes:
    """A copy of the first bytes, as many as there are up to ``size``: it holds on to no block."""
    return bytes(part_of(content, 0, size))
