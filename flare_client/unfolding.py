"""A zip that arrives: what need not be unfolded goes into a file of its own, instead of being written twice.

A stored member is the same bytes in the archive and outside it. Those of a large one are written aside as they come;
the archive on disk has a hole in their place. Nothing gets its name before the whole archive is there and was checked:
a member that lies aside is found by the place of its header, and what the archive's directory says of it must be true.

Owns where the bytes of an archive go. Must not know what is allowed in one.

Source: the ZIP format (APPNOTE 4.3.7, 4.5.3).
"""

from __future__ import annotations

import dataclasses
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

_LARGE = 1024 * 1024
"""Bytes of a member from which on it is worth a file of its own."""
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_SIGNATURE = b"PK\3\4"
_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
_STORED = 0
_ZIP64, _ZIP64_ID, _ZIP64_SIZES = 0xFFFFFFFF, 1, struct.Struct("<QQ")
_EXTRA = struct.Struct("<HH")


@dataclasses.dataclass(frozen=True)
class MemberAside:
    """A stored member whose bytes are in a file of their own.

    Attributes:
        path: the file.
        size: bytes that came; fewer than the header said where the archive was cut short.
        checksum: their CRC-32.
    """

    path: Path
    size: int
    checksum: int


class _Member:
    """A large stored member on its way into its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb", buffering=0)
        self._size = 0
        self._checksum = 0

    def write(self, data: memoryview) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._size += len(data)
        while data:
            data = data[self._file.write(data) :]

    def end(self) -> MemberAside:
        self._file.close()
        return MemberAside(self._path, self._size, self._checksum)


class ArrivingArchive:
    """A zip that is written from its first byte to its last; a context manager, which removes what lies aside.

    Args:
        path: the archive.

    Attributes:
        aside: the members that lie aside, by the place of their headers in the archive; complete after ``finish``.
    """

    def __init__(self, path: Path) -> None:
        self.aside: dict[int, MemberAside] = {}
        self._file: BinaryIO = path.open("wb")
        self._folder = Path(tempfile.mkdtemp(prefix=".aside-", dir=path.parent))
        self._position = 0
        self._begun = 0
        """Where the header of the member begins that is arriving."""
        self._header: bytes | None = None
        """Of a member, as far as it came; ``None`` between two headers."""
        self._left = 0
        """Bytes to come until ``_then``."""
        self._then: Callable[[], None] = self._expect_header
        self._member: _Member | None = None
        """The member that is arriving, where it goes aside."""
        self._expect_header()

    def __enter__(self) -> ArrivingArchive:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self.finish()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, data: bytes | memoryview) -> int:
        """Take the next bytes.

        Raises:
            OSError: they cannot be written.
        """
        view = memoryview(data)
        while view:
            part, view = view[: self._left], view[self._left :]
            self._put(part)
            self._left -= len(part)
            while not self._left:
                self._then()
        return len(data)

    def flush(self) -> None:
        """Nothing waits here; see ``finish``."""

    def finish(self) -> None:
        """Take no more: the archive and what lies aside are on disk."""
        if self._file.closed:
            return
        self._end_member()
        self._file.truncate(self._position)
        self._file.close()

    def _put(self, data: memoryview) -> None:
        self._position += len(data)
        if self._member is not None:
            self._member.write(data)
            return
        self._file.write(data)
        if self._header is not None:
            self._header += data

    def _expect_header(self) -> None:
        self._end_member()
        self._begun, self._header = self._position, b""
        self._left, self._then = _HEADER.size, self._read_header

    def _read_header(self) -> None:
        signature, *_, name_size, extra_size = _HEADER.unpack(self._header or b"")
        if signature != _SIGNATURE:
            self._pass_on()  # the directory, or no archive at all
            return
        self._left, self._then = name_size + extra_size, self._begin_member

    def _begin_member(self) -> None:
        header, self._header = self._header or b"", None
        _, _, flags, method, _, _, _, packed, size, name_size, _ = _HEADER.unpack_from(header)
        if size == packed == _ZIP64:
            size, packed = _long_sizes(header[_HEADER.size + name_size :])
        if flags & _SIZES_FOLLOW or packed == _ZIP64:
            self._pass_on()
            return
        self._left, self._then = packed, self._expect_header
        if method == _STORED and not flags & _ENCRYPTED and size == packed >= _LARGE:
            self._member = _Member(self._folder / str(len(self.aside)))

    def _pass_on(self) -> None:
        """Where the next member begins is not known: all that still comes is left in the archive."""
        self._header, self._left = None, sys.maxsize

    def _end_member(self) -> None:
        if self._member is not None:
            self.aside[self._begun] = self._member.end()
            self._member = None
            self._file.seek(self._position)


def _long_sizes(extra: bytes) -> tuple[int, int]:
    """The sizes of a member that are too large for its header, unpacked and packed; those in the header if none."""
    while len(extra) >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra)
        if kind == _ZIP64_ID and _ZIP64_SIZES.size <= min(size, len(extra) - _EXTRA.size):
            unpacked, packed = _ZIP64_SIZES.unpack_from(extra, _EXTRA.size)
            return unpacked, packed
        extra = extra[_EXTRA.size + size :]
    return _ZIP64, _ZIP64
