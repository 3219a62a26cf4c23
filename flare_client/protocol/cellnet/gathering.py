"""Messages that come in parts: where one ends, and the memory in which a large one is put together.

Memory that is used for the first time costs more than all that is done in it afterwards, so that of large messages is
used again and again. No more of it is taken than bytes have come, whatever length a peer announces.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

from flare_client.protocol.cellnet.blocks import LARGE, Blocks

_BUFFER = 64 * 1024
_BIT = 4096
"""Fewer bytes than this need no buffer."""
_MOST_BUFFERS = 256
"""How many are kept: two pieces of a download, and what is on its way, fit in them."""


class Buffers:
    """Buffers that are used again once nobody looks at them any more; for one thread.

    Whoever has a view of a buffer has it for as long as the view lives: a buffer cannot change its size before that, by
    which those that are free are known.
    """

    def __init__(self) -> None:
        self._known: collections.deque[bytearray] = collections.deque()

    def take(self) -> memoryview:
        """A buffer that nobody looks at."""
        # The one that was taken longest ago is the likeliest to be free; to look at others would cost more than it won.
        if self._known and self._is_free(self._known[0]):
            self._known.rotate(-1)
            return memoryview(self._known[-1])
        buffer = bytearray(_BUFFER)
        if len(self._known) < _MOST_BUFFERS:
            self._known.append(buffer)
        return memoryview(buffer)

    @staticmethod
    def _is_free(buffer: bytearray) -> bool:
        try:
            buffer.append(0)
        except BufferError:
            return False
        del buffer[_BUFFER:]
        return True


class Gathering:
    """The bytes of one message, copied together as they come.

    Args:
        buffers: where the memory comes from.
    """

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self._blocks: list[memoryview] = []
        self._room = memoryview(b"")
        """What is left of the last buffer."""
        self._bits = bytearray()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, data: memoryview) -> None:
        """Take more bytes."""
        self._size += len(data)
        if len(self._bits) + len(data) < _BIT:
            self._bits += data
            return
        if self._bits:
            self._store(memoryview(bytes(self._bits)))
            self._bits = bytearray()
        self._store(data)

    def take(self) -> Blocks:
        """All that came, in order; it is empty afterwards."""
        self._blocks.append(memoryview(bytes(self._bits)))
        found = Blocks(self._blocks)
        self._blocks, self._bits, self._size = [], bytearray(), 0
        # What is left of the last buffer is not worth that two messages hold it.
        self._room = memoryview(b"")
        return found

    def _store(self, data: memoryview) -> None:
        while data:
            if not self._room:
                self._room = self._buffers.take()
            part = data[: len(self._room)]
            self._room[: len(part)] = part
            self._blocks.append(self._room[: len(part)])
            self._room = self._room[len(part) :]
            data = data[len(part) :]


class MessageReader:
    """Cuts a stream of bytes into messages that begin with their length; holds at most one.

    Args:
        prefix_size: bytes that must be there to tell the length.
        length_of: the bytes of a whole message, its prefix included, by that prefix. What it raises ends the stream:
            nothing that follows can be read, and a reader that failed fails again.
        buffers: memory for large messages; that of others, where they have some to share.
    """

    def __init__(self, prefix_size: int, length_of: Callable[[bytes], int], buffers: Buffers | None = None) -> None:
        self._prefix_size = prefix_size
        self._length_of = length_of
        self._begun = Gathering(buffers or Buffers())
        self._length = 0
        """Of the message that has begun; 0 until its prefix is there."""
        self._refused = b""

    def feed(self, data: bytes | memoryview) -> list[Blocks]:
        """Take more bytes, and return the messages that they complete.

        A message of less than 64 KiB may lie in ``data`` itself, and is gone when that changes.
        """
        if self._refused:
            self._begin(self._refused)
        messages: list[Blocks] = []
        view = memoryview(data)
        while view:
            if not self._begun and len(view) >= self._prefix_size:
                self._begin(bytes(view[: self._prefix_size]))
                if self._length <= len(view) and self._length < LARGE:  # by far the most
                    messages.append(Blocks((view[: self._length],)))
                    view = view[self._length :]
                    self._length = 0
                    continue
            missing = (self._length or self._prefix_size) - len(self._begun)
            self._begun.add(view[:missing])
            view = view[missing:]
            if not self._length and len(self._begun) == self._prefix_size:
                prefix = bytes(self._begun.take())
                self._begin(prefix)
                self._begun.add(memoryview(prefix))
            if len(self._begun) == self._length:
                messages.append(self._begun.take())
                self._length = 0
        return messages

    def _begin(self, prefix: bytes) -> None:
        self._refused = prefix
        self._length = self._length_of(prefix)
        self._refused = b""
