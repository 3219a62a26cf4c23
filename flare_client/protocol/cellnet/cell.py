"""Cell messages: a map of headers and a payload, in one DATA frame each; how they are addressed, asked and answered.

Two kinds travel on an admin's connection. A *raw* message is a request that waits for a reply, matched by
``cn__req_id``, or that reply. A *one-way* message waits for nothing; the pieces of streams and their acknowledgements
are such. Unknown headers are left alone, and optional ones may be missing.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.errors import RemoteProtocolError

SERVER_CELL = "server"
"""The name of the server's cell, whatever its host is called."""
ADMIN_CELL_PREFIX = "_admin_"
"""An admin's cell is called so, and a new version 4 UUID for every session."""


class Header:
    """Headers of every message; plain text, because each message has most of them."""

    TYPE = "cn__msg_type"
    ORIGIN = "cn__origin"
    DESTINATION = "cn__destination"
    FROM = "cn__from"
    TO = "cn__to"
    CHANNEL = "cn__channel"
    TOPIC = "cn__topic"
    REQUEST_ID = "cn__req_id"
    REPLY_EXPECTED = "cn__reply_expected"
    SECURE = "cn__secure"
    OPTIONAL = "cn__optional"
    ROUTE = "cn__route"
    ENCODING = "cn__payload_encoding"
    LENGTH = "cn__payload_len"
    SENT = "cn__send_time"
    RETURN_CODE = "cn__return_code"
    ERROR = "cn__error"
    ORIGINAL = "cn__original_headers"


class MessageType(str, enum.Enum):
    """What a message is; ``RETURN`` is a request that could not be delivered, on its way back."""

    REQUEST = "req"
    REPLY = "reply"
    RETURN = "return"


_TYPES = frozenset(kind.value for kind in MessageType)
_REQUEST = MessageType.REQUEST.value


class Encoding(str, enum.Enum):
    """How a payload is to be read."""

    NONE = "none"
    BYTES = "bytes"
    FOBS = "fobs"


class ReturnCode(str, enum.Enum):
    """How a request went, as far as cells are concerned; ``ok`` says nothing about what it asked for."""

    OK = "ok"
    TIMEOUT = "timeout"
    INVALID_TARGET = "invalid_target"
    TARGET_UNREACHABLE = "target_unreachable"
    COMM_ERROR = "comm_error"
    MSG_TOO_BIG = "msg_too_big"
    FILTER_ERROR = "filter_error"
    INVALID_REQUEST = "invalid_request"
    PROCESS_EXCEPTION = "process_exception"
    AUTHENTICATION_ERROR = "authentication_error"
    SERVICE_UNAVAILABLE = "service_unavailable"
    INVALID_SESSION = "invalid_session"
    ABORT_RUN = "abort_run"
    UNAUTHENTICATED = "unauthenticated"


class Channel(str, enum.Enum):
    """The channels of an admin's connection; a channel and a topic choose who handles a message."""

    TASK = "task"
    CELLNET = "cellnet.channel"
    STREAM = "sm__STREAM"
    HCI = "hci_channel"
    AUX = "aux_communication"
    DOWNLOAD = "download_service__"
    RETURN_ONLY = "return_only"


_STREAM = Channel.STREAM.value


class Topic(str, enum.Enum):
    """The topics of raw messages."""

    CHALLENGE = "challenge"
    REGISTER = "register"
    BYE = "bye"
    STREAM_DATA = "sm__DATA"
    STREAM_ACK = "sm__ACK"
    STREAM_ERROR = "sm__ERROR"


@dataclasses.dataclass(frozen=True)
class CellMessage:
    """One message.

    Attributes:
        headers: by name, as they travel.
        payload: as it travels; ``Header.ENCODING`` says how to read it.
    """

    headers: Mapping[str, Any]
    payload: Content = b""

    @property
    def type(self) -> str:
        """``req``, ``reply`` or ``return``."""
        return str(self.headers[Header.TYPE])

    @property
    def origin(self) -> str:
        """The cell that made it."""
        return str(self.headers[Header.ORIGIN])

    @property
    def channel(self) -> str:
        """What it is about, with ``topic``."""
        return str(self.headers.get(Header.CHANNEL, ""))

    @property
    def topic(self) -> str:
        """What it is about, with ``channel``."""
        return str(self.headers.get(Header.TOPIC, ""))

    @property
    def request_id(self) -> str:
        """What a reply names; empty where no reply is matched by it."""
        found = self.headers.get(Header.REQUEST_ID, "")
        return found if isinstance(found, str) else ""

    @property
    def expects_reply(self) -> bool:
        """Whether the sender waits for a raw reply."""
        return self.headers.get(Header.REPLY_EXPECTED) is True

    @property
    def return_code(self) -> str | None:
        """How a request went; ``None`` where the message does not say."""
        code = self.headers.get(Header.RETURN_CODE)
        return str(code) if code is not None else None

    @property
    def error(self) -> str:
        """What went wrong, where ``return_code`` is not ``ok``."""
        return str(self.headers.get(Header.ERROR, ""))

    def text(self, name: str) -> str | None:
        """A header that must be text to count."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else None


def read_message(headers: Mapping[str, Any], payload: Content) -> CellMessage:
    """Take a message out of a DATA frame.

    Raises:
        RemoteProtocolError: a header is missing without which nobody could handle it.
    """
    kind = _required(headers, Header.TYPE)
    _required(headers, Header.ORIGIN)
    _required(headers, Header.DESTINATION)
    if kind not in _TYPES:
        raise RemoteProtocolError(f"expected {Header.TYPE} to be req, reply or return, but got {kind!r:.60}")
    return CellMessage(headers, payload)


def _required(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name)
    if isinstance(value, str) and value:
        return value
    raise RemoteProtocolError(f"expected text in the header {name}, but got {value!r:.60}")


_NO_PROOF: Mapping[str, Any] = MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class Addresses:
    """From whom to whom the messages of one side of a connection go.

    Attributes:
        own: the name of this side's cell.
        peer: the name of the other's.
    """

    own: str
    peer: str

    def raw_request(
        self,
        channel: str,
        topic: str,
        now: float,
        headers: Mapping[str, Any],
        payload: Content = b"",
        encoding: Encoding = Encoding.NONE,
    ) -> CellMessage:
        """A request that waits for a reply.

        Args:
            channel: who handles it, with ``topic``.
            topic: see ``channel``.
            now: seconds since the epoch.
            headers: what is said beside, in headers.
            payload: what is said beside.
            encoding: how to read ``payload``.
        """
        own = {
            **headers,
            Header.TOPIC: topic,
            Header.CHANNEL: channel,
            Header.REQUEST_ID: str(uuid.uuid4()),
            Header.REPLY_EXPECTED: True,
            Header.SECURE: False,
            Header.OPTIONAL: True,
            Header.TYPE: _REQUEST,
        }
        return self._message(own, payload, encoding, now)

    def raw_reply(
        self,
        request: CellMessage,
        now: float,
        headers: Mapping[str, Any],
        code: ReturnCode = ReturnCode.OK,
        error: str = "",
        payload: Content = b"",
        encoding: Encoding = Encoding.NONE,
    ) -> CellMessage:
        """The reply to a raw request, which its id tells from others."""
        echoed = (Header.SECURE, Header.OPTIONAL, Header.CHANNEL, Header.TOPIC, Header.REQUEST_ID)
        own = {
            **headers,
            Header.RETURN_CODE: code.value,
            **({Header.ERROR: error} if error else {}),
            **{name: request.headers[name] for name in echoed if name in request.headers},
            Header.TYPE: MessageType.REPLY.value,
        }
        return self._message(own, payload, encoding, now)

    def one_way(
        self,
        topic: Topic,
        now: float,
        headers: Mapping[str, Any],
        payload: Content = b"",
        encoding: Encoding = Encoding.NONE,
        *,
        optional: bool = False,
        proof: Mapping[str, Any] = _NO_PROOF,
    ) -> CellMessage:
        """A piece of a stream, or what is said about a stream; nobody answers it.

        Args:
            topic: whether it is a piece, or what is said.
            now: seconds since the epoch.
            headers: of the stream.
            payload: of the piece.
            encoding: how to read ``payload``.
            optional: whether a failure is of no importance.
            proof: the headers that prove the message.
        """
        own = {
            Header.OPTIONAL: optional,
            **headers,
            **proof,
            Header.REPLY_EXPECTED: False,
            Header.SECURE: False,
            Header.TOPIC: topic.value,
            Header.CHANNEL: _STREAM,
            Header.TYPE: _REQUEST,
        }
        return self._message(own, payload, encoding, now)

    def _message(self, headers: dict[str, Any], payload: Content, encoding: Encoding, now: float) -> CellMessage:
        headers |= {
            Header.FROM: self.own,
            Header.TO: self.peer,
            Header.ORIGIN: self.own,
            Header.DESTINATION: self.peer,
            Header.ROUTE: [[self.own, now]],
            Header.ENCODING: encoding.value,
            Header.LENGTH: len(payload),
            Header.SENT: now,
        }
        return CellMessage(headers, payload)
