"""The client's side of one connection of the socket dialect: bytes in, events out.

Theory of operation. A connection carries one request and one answer. What form the answer has follows from the
command: a text reply, or for a file of a download the form of the release. A server that has no file to give
answers with text all the same, so the first byte decides between the two.
"""

from __future__ import annotations

import dataclasses
import enum

from flare_client.protocol.envelope import Envelope
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.hci.chunks import DATA_MARKER, END_MARKER, ChunkReader
from flare_client.protocol.hci.exchange import MARKER, BodyData, ExchangeEnd, ExchangeReader
from flare_client.protocol.hci.text import TextReader, read_reply
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits


class Answer(enum.Enum):
    """The form of answer that a command has."""

    REPLY = enum.auto()
    CHUNKED_FILE = enum.auto()
    BINARY_FILE = enum.auto()


@dataclasses.dataclass(frozen=True)
class ReplyReceived:
    """The answer is a text reply; ``None`` stands for the end marker alone."""

    envelope: Envelope | None


@dataclasses.dataclass(frozen=True)
class FileEnd:
    """The file is complete and intact."""


ClientEvent = ReplyReceived | BodyData | FileEnd

_FIRST_BYTES: dict[Answer, tuple[int, ...]] = {
    Answer.REPLY: (),
    Answer.CHUNKED_FILE: (DATA_MARKER, END_MARKER),
    Answer.BINARY_FILE: (MARKER,),
}


class ClientConnection:
    """One connection, as the client sees it after it sent its request.

    Args:
        answer: the form of answer to expect.
        limits: how much the server may send.
    """

    def __init__(self, answer: Answer = Answer.REPLY, limits: Limits = DEFAULT_LIMITS) -> None:
        self._answer = answer
        self._limits = limits
        self._reader: TextReader | ChunkReader | ExchangeReader | None = None

    @property
    def complete(self) -> bool:
        """Whether the whole answer was read; nothing more is expected then."""
        return self._reader is not None and self._reader.complete

    def receive_data(self, data: bytes) -> list[ClientEvent]:
        """Take bytes from the server and return what they complete.

        Raises:
            RemoteProtocolError: the answer breaks a rule of the wire.
        """
        if not data or self.complete:
            return []
        if self._reader is None:
            self._reader = self._choose(data[0])
        if isinstance(self._reader, TextReader):
            self._reader.feed(data)
            return [ReplyReceived(read_reply(self._reader.text(), self._limits))] if self._reader.complete else []
        events: list[ClientEvent] = []
        for event in self._reader.feed(data):
            if isinstance(event, BodyData):
                events.append(event)
            elif isinstance(event, ExchangeEnd):
                events.append(FileEnd())
        return events

    def receive_eof(self) -> None:
        """Take the end of the server's bytes.

        Raises:
            RemoteProtocolError: the answer was not complete.
        """
        if not self.complete:
            came = "nothing" if self._reader is None else "only a part of the answer"
            raise RemoteProtocolError(f"expected an answer, but the server closed the connection after {came}")

    def _choose(self, first: int) -> TextReader | ChunkReader | ExchangeReader:
        if first not in _FIRST_BYTES[self._answer]:
            return TextReader(self._limits.text)
        return ChunkReader(self._limits) if self._answer is Answer.CHUNKED_FILE else ExchangeReader(self._limits)
