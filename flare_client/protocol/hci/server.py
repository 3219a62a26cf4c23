"""The server's side of one connection of the socket dialect: bytes in, events out.

Theory of operation. A connection carries one request and one reply. Its first byte says of which kind the request
is: 0x01 begins a binary exchange (a request with a body), anything else a text message. Every way in which a request
can be broken ends in a ``RequestRefused`` event that names the reason and the answer that an official server gives;
no exception leaves ``receive_data``, and after the refusal everything more is dropped.
"""

from __future__ import annotations

import dataclasses
import enum

from flare_client.protocol.envelope import Envelope, ItemType
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.hci.exchange import (
    MARKER,
    BodyData,
    ExchangeEnd,
    ExchangeFraming,
    ExchangeHeader,
    ExchangeReader,
)
from flare_client.protocol.hci.text import ALL_END, TextFraming, TextReader, encode_text, read_request
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from flare_client.protocol.releases import ReleaseProfile, Upload


class State(enum.Enum):
    """Where a connection stands."""

    IDLE = enum.auto()
    """No byte came yet."""
    TEXT = enum.auto()
    """Inside a text message."""
    EXCHANGE = enum.auto()
    """Inside a binary exchange."""
    ANSWER = enum.auto()
    """The request is complete or refused: it is the server's turn."""
    CLOSED = enum.auto()


TRANSITIONS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.TEXT, State.EXCHANGE, State.ANSWER, State.CLOSED}),
    State.TEXT: frozenset({State.ANSWER, State.CLOSED}),
    State.EXCHANGE: frozenset({State.ANSWER, State.CLOSED}),
    State.ANSWER: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class Refusal(enum.Enum):
    """The answer to a broken request."""

    VIOLATION = "protocol violation"
    """An error reply with these words."""
    NO_DATA = "no data received from client"
    """An error reply with these words: a binary exchange without a body."""
    EMPTY = "empty"
    """The end marker alone."""
    SILENCE = "silence"
    """The connection is closed without a byte."""


@dataclasses.dataclass(frozen=True)
class RequestReceived:
    """A request began; ``body_size`` bytes of ``BodyData`` and a ``RequestEnd`` follow where it is not ``None``."""

    envelope: Envelope
    body_size: int | None = None


@dataclasses.dataclass(frozen=True)
class RequestEnd:
    """The body is complete and intact."""


@dataclasses.dataclass(frozen=True)
class RequestRefused:
    """The request is broken; the server sends the answer and closes."""

    reason: str
    answer: Refusal


ServerEvent = RequestReceived | BodyData | RequestEnd | RequestRefused


class ServerConnection:
    """One connection, as the server sees it.

    Args:
        profile: the release that is spoken; releases before 2.5 know no binary exchange.
        limits: how much a client may send.
    """

    def __init__(self, profile: ReleaseProfile, limits: Limits = DEFAULT_LIMITS) -> None:
        self._profile = profile
        self._limits = limits
        self._text = TextReader(limits.request_text, "request_text")
        self._exchange = ExchangeReader(limits)
        self._takes_exchange = profile.upload is Upload.BINARY_EXCHANGE
        self._is_exchange = False
        self._after_answer = 0
        self.state = State.IDLE

    @property
    def framing(self) -> TextFraming | ExchangeFraming:
        """What the bytes of the request were like."""
        return self._exchange.framing() if self._is_exchange else self._text.framing()

    @property
    def after_end(self) -> int:
        """Bytes that came after the end of the request, and were dropped."""
        return self._text.after_end + self._after_answer

    def receive_data(self, data: bytes) -> list[ServerEvent]:
        """Take bytes from the client and return what they complete."""
        if not data or self.state in (State.ANSWER, State.CLOSED):
            self._after_answer += len(data)
            return []
        if self.state is State.IDLE:
            self._is_exchange = self._takes_exchange and data[0] == MARKER
            self._move(State.EXCHANGE if self._is_exchange else State.TEXT)
        return self._receive_exchange(data) if self.state is State.EXCHANGE else self._receive_text(data)

    def receive_eof(self) -> list[ServerEvent]:
        """Take the end of the client's bytes.

        Releases with the binary exchange take whatever came so far for the whole request (observed: 2.5.2, after a
        TLS close_notify); the older ones wait for ever, which is answered with silence here.
        """
        if self.state is State.TEXT and self._takes_exchange:
            return self._finish_text()
        if self.state in (State.ANSWER, State.CLOSED):
            return []
        return [self._refuse("the client closed before the end of its request", Refusal.SILENCE)]

    def send_reply(self, envelope: Envelope) -> bytes:
        """The bytes of a text reply.

        Raises:
            LocalProtocolError: it is not the server's turn.
        """
        self._answer()
        return encode_text(envelope)

    def send_nothing(self) -> bytes:
        """The bytes of a reply without an envelope: the end marker alone."""
        self._answer()
        return ALL_END

    def send_file(self) -> None:
        """Note that a file goes out instead of a reply; its bytes come from ``exchange`` or ``chunks``."""
        self._answer()

    def close(self) -> None:
        """Note that the connection is gone; whatever still comes is dropped."""
        self.state = State.CLOSED

    def _answer(self) -> None:
        if self.state is not State.ANSWER:
            raise LocalProtocolError(
                f"expected a complete request before the reply, but the state is {self.state.name}"
            )
        self._move(State.CLOSED)

    def _move(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"no way from {self.state.name} to {state.name}")
        self.state = state

    def _refuse(self, reason: str, answer: Refusal) -> RequestRefused:
        self._move(State.ANSWER)
        return RequestRefused(reason, answer)

    def _receive_text(self, data: bytes) -> list[ServerEvent]:
        try:
            self._text.feed(data)
        except RemoteProtocolError as problem:
            return [self._refuse(problem.reason, Refusal.VIOLATION)]
        return self._finish_text() if self._text.complete else []

    def _finish_text(self) -> list[ServerEvent]:
        try:
            text = self._text.text()
        except RemoteProtocolError as problem:
            return [self._refuse(problem.reason, Refusal.EMPTY if self._takes_exchange else Refusal.SILENCE)]
        try:
            envelope = _with_command(read_request(text, self._limits))
        except RemoteProtocolError as problem:
            return [self._refuse(problem.reason, Refusal.VIOLATION)]
        self._move(State.ANSWER)
        return [RequestReceived(envelope)]

    def _receive_exchange(self, data: bytes) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        try:
            for event in self._exchange.feed(data):
                if isinstance(event, ExchangeHeader):
                    events.append(self._begin_exchange(event))
                elif isinstance(event, BodyData):
                    events.append(event)
                elif isinstance(event, ExchangeEnd):
                    self._move(State.ANSWER)
                    events.append(RequestEnd())
                if self.state is State.ANSWER:
                    break
        except RemoteProtocolError as problem:
            events.append(self._refuse(problem.reason, Refusal.EMPTY))
        return events

    def _begin_exchange(self, header: ExchangeHeader) -> ServerEvent:
        if header.body_size == 0:
            return self._refuse("expected a body in a binary exchange, but its size is 0", Refusal.NO_DATA)
        try:
            text = header.meta.decode("utf-8")
            envelope = _with_command(read_request(text, self._limits))
        except UnicodeDecodeError as problem:
            return self._refuse(f"expected UTF-8 in the envelope: {problem}", Refusal.VIOLATION)
        except RemoteProtocolError as problem:
            return self._refuse(problem.reason, Refusal.VIOLATION)
        return RequestReceived(envelope, header.body_size)


def _with_command(envelope: Envelope) -> Envelope:
    if envelope.first(ItemType.COMMAND) is None:
        raise RemoteProtocolError("expected a command item in the request, but there is none")
    return envelope
