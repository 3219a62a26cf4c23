"""Text messages: JSON lines ended by 0x03, the message by 0x04."""

from __future__ import annotations

import dataclasses

from flare_client.protocol.envelope import Envelope, read_envelope
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

LINE_END = b"\x03"
ALL_END = b"\x04"


def encode_text(envelope: Envelope) -> bytes:
    """A whole text message of one line."""
    return envelope.encode() + LINE_END + ALL_END


@dataclasses.dataclass(frozen=True)
class TextFraming:
    """What the bytes of a text message were like, beyond what it says.

    Attributes:
        size: bytes before the end marker.
        line_ends: how many line ends were among them.
        ends_line: whether the last of them was one.
        is_ascii: whether all of them were ASCII.
        is_ended: whether the end marker came.
    """

    size: int
    line_ends: int
    ends_line: bool
    is_ascii: bool
    is_ended: bool


class TextReader:
    """Collects the bytes of one text message up to its end marker.

    Whatever follows the marker is dropped, as both official sides do.
    """

    def __init__(self, limit: int, limit_name: str = "text") -> None:
        # One block: a list of the blocks that came would cost a multiple of their bytes where they are short.
        self._held = bytearray()
        self._size = 0
        self._limit = limit
        self._limit_name = limit_name
        self.complete = False
        self.after_end = 0
        """Bytes that came after the end marker."""

    def feed(self, data: bytes) -> None:
        """Take more bytes.

        Raises:
            LimitExceeded: the message grew over the limit before its end.
        """
        if self.complete:
            self.after_end += len(data)
            return
        end = data.find(ALL_END)
        if end >= 0:
            self.after_end = len(data) - end - 1
            data = data[:end]
        self._size += len(data)
        if self._size > self._limit:
            self._held.clear()
            raise LimitExceeded(self._limit_name, self._limit, self._size)
        self._held += data
        self.complete = end >= 0

    def framing(self) -> TextFraming:
        """What the bytes so far are like."""
        held = self._held
        return TextFraming(len(held), held.count(LINE_END), held.endswith(LINE_END), held.isascii(), self.complete)

    def text(self) -> str:
        """The message so far, without its end marker.

        Raises:
            RemoteProtocolError: the bytes are no UTF-8.
        """
        try:
            return self._held.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise RemoteProtocolError(
                f"expected UTF-8 text, but byte {problem.start} is {self._held[problem.start]:#x}"
            ) from None


def read_request(text: str, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read a request as a server does: line ends are dropped, and what is left is one JSON document."""
    return read_envelope(text.replace("\x03", "").strip(), limits)


def read_reply(text: str, limits: Limits = DEFAULT_LIMITS) -> Envelope | None:
    """Read a reply as a client does: line by line, the last line counts, an earlier line's meta is kept.

    Returns:
        The envelope, or ``None`` for an empty reply.

    Raises:
        RemoteProtocolError: a line is no valid envelope.
    """
    result: Envelope | None = None
    for line in text.split("\x03"):
        if not line.strip():
            continue
        envelope = read_envelope(line, limits)
        if result is not None and not envelope.has_meta:
            envelope = Envelope(envelope.items, result.meta, envelope.time, result.has_meta)
        result = envelope
    return result
