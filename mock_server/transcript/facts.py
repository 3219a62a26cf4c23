"""What endpoints tell of what they see and do: plain facts, handed to an observer.

A fact refers to what the endpoint has in hand and costs next to nothing to make. Endpoints know this module alone:
what becomes of a fact, whether anybody keeps it, and what of it is secret, is the observer's matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flare_client.protocol.cellnet.blocks import Blocks, Content, first_of
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.cellnet.server import (
    ClientLeft,
    ClientRegistered,
    Dropped,
    Greeted,
    RequestReceived,
    ServerPeerEvent,
)
from flare_client.protocol.cellnet.sfm import BadFrame, Frame
from flare_client.protocol.cellnet.streams import PieceType, StreamHeader
from flare_client.protocol.envelope import Envelope
from flare_client.protocol.hci.exchange import ExchangeFraming
from flare_client.protocol.hci.text import TextFraming

KEPT = 64 * 1024
"""Bytes of a large fact that are kept, and hashed."""
CLIENT, SERVER = "client", "server"
"""Who ends a connection."""


@dataclasses.dataclass(frozen=True)
class Opened:
    """A connection was accepted.

    Attributes:
        address: of the client.
    """

    address: str


@dataclasses.dataclass(frozen=True)
class Secured:
    """A TLS handshake is over.

    Attributes:
        version: of TLS, as ``TLSv1.3``.
        cipher: the suite.
        resumed: whether a session of before was taken up again.
        certificate: the client's, in DER; ``None`` where it showed none.
    """

    version: str
    cipher: str
    resumed: bool
    certificate: bytes | None


@dataclasses.dataclass(frozen=True)
class HandshakeFailed:
    """A TLS handshake, or TLS itself, failed.

    Attributes:
        reason: in the words of TLS.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class Upgraded:
    """A client asked for a WebSocket.

    Attributes:
        path: where.
        headers: of the HTTP request.
        accepted: whether it got one.
    """

    path: str
    headers: Mapping[str, str]
    accepted: bool


@dataclasses.dataclass(frozen=True)
class Closed:
    """A connection is over.

    Attributes:
        by: who ended it, ``CLIENT`` or ``SERVER``.
        reason: why, where there is more to say.
        unread: bytes that came after the end of the request, in the socket dialect.
    """

    by: str
    reason: str = ""
    unread: int = 0


@dataclasses.dataclass(frozen=True)
class Decided:
    """The server decided something that no message and no command tells.

    Attributes:
        what: in a few words.
        more: whatever belongs to it.
    """

    what: str
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Injected:
    """A fault struck.

    Attributes:
        what: which one, in a few words.
        more: whatever belongs to it.
    """

    what: str
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Varied:
    """A pedantic server did something otherwise that it may do so.

    Attributes:
        names: of the variations, in the order in which they were applied.
        command: whose answer it is.
        more: whatever belongs to it.
    """

    names: tuple[str, ...]
    command: str
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


# --- the socket dialect -----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class RequestCame:
    """A request in the socket dialect; of one with a body, its envelope.

    Attributes:
        envelope: the request.
        framing: what its bytes were like.
    """

    envelope: Envelope
    framing: TextFraming | ExchangeFraming


@dataclasses.dataclass(frozen=True)
class BodyCame:
    """The body of an exchange is whole, and its checksum fits.

    Attributes:
        size: in bytes.
    """

    size: int


@dataclasses.dataclass(frozen=True)
class RequestBroken:
    """A request in the socket dialect that the protocol refused.

    Attributes:
        reason: what was expected and what came.
        answer: the name of the answer that it gets.
        framing: what its bytes were like.
    """

    reason: str
    answer: str
    framing: TextFraming | ExchangeFraming


@dataclasses.dataclass(frozen=True)
class ReplySent:
    """A text reply in the socket dialect.

    Attributes:
        data: its bytes.
    """

    data: bytes


@dataclasses.dataclass(frozen=True)
class FileSent:
    """A file that went out in the socket dialect, as far as it did.

    Attributes:
        name: of the file.
        form: of the transfer.
        size: of the file, in bytes.
        whole: whether all of it was handed to the connection.
    """

    name: str
    form: str
    size: int
    whole: bool


# --- CellNet ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class FrameCame:
    """A frame, and what the protocol makes of it.

    Attributes:
        frame: as it was read.
        led_to: what it led to, in words; see ``what_came_of``.
    """

    frame: Frame | BadFrame
    led_to: tuple[Mapping[str, Any], ...] = ()


def what_came_of(events: Sequence[ServerPeerEvent]) -> tuple[Mapping[str, Any], ...]:
    """What a frame led to, without the large parts of what a request says."""
    return tuple(filter(None, map(_word, events)))


_LARGE = 4096
"""Bytes or characters above which a part of a request is not kept, but its beginning."""
_SHOWN = 32
"""Bytes of such a part that are kept."""


def _word(event: ServerPeerEvent) -> Mapping[str, Any]:
    if isinstance(event, RequestReceived):
        request = {"request": f"{event.channel}/{event.topic}"}
        # Of a request in one frame that is kept whole the frame tells it all.
        size = event.headers.get(StreamHeader.SIZE)
        is_told = event.headers.get(StreamHeader.TYPE) == PieceType.FINAL and isinstance(size, int) and size < KEPT // 4
        return request if is_told else {**request, "content": _lightened(event.content)}
    if isinstance(event, Dropped):
        return {"dropped": event.reason}
    if isinstance(event, Greeted):
        return {"greeted": event.endpoint_name}
    if isinstance(event, ClientRegistered):
        return {"registered": event.user}
    return {"left": True} if isinstance(event, ClientLeft) else {}


def _lightened(content: Any) -> Any:
    if isinstance(content, Shareable):
        return Shareable({name: _lightened(value) for name, value in content.items.items()}, content.headers)
    if isinstance(content, (bytes, Blocks)) and len(content) > _LARGE:
        return {"size": len(content), "begins": first_of(content, _SHOWN).hex()}
    if isinstance(content, str) and len(content) > _LARGE:
        return {"size": len(content), "begins": content[:_LARGE]}
    return content


@dataclasses.dataclass(frozen=True)
class FrameSent:
    """A frame that went out.

    Attributes:
        data: its bytes.
    """

    data: Content


# --- commands ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Commanded:
    """A command was answered, or a fault took it.

    Attributes:
        line: the command line.
        user: who asked, as far as the server knows.
        token: the session's.
        answer: the form of the answer: ``reply``, ``file``, ``empty`` or ``silence``; ``silence``, ``close`` or
            ``reset`` for what a fault did instead of carrying it out.
        status: the status in the meta of a reply.
        info: the text beside it.
        error: the text of the first error item.
        upload_size: bytes that came with the command; ``None`` where none could.
    """

    line: str
    user: str
    token: str | None
    answer: str
    status: str | None = None
    info: str = ""
    error: str = ""
    upload_size: int | None = None


Fact = (
    Opened
    | Secured
    | HandshakeFailed
    | Upgraded
    | Closed
    | Decided
    | Injected
    | Varied
    | RequestCame
    | BodyCame
    | RequestBroken
    | ReplySent
    | FileSent
    | FrameCame
    | FrameSent
    | Commanded
)


class Observer(Protocol):
    """Is told what happens. It must not raise, and it runs on the server's loop: it must not wait."""

    def connection(self) -> int:
        """A number for a new connection."""

    def note(self, connection: Trace, fact: Fact) -> None:
        """Take a fact."""


class Unobserved:
    """An observer that keeps nothing."""

    def connection(self) -> int:
        """No number."""
        return 0

    def note(self, connection: Trace, fact: Fact) -> None:
        """Nothing."""


class Trace:
    """What is told of one connection, and what is known of it by now.

    Args:
        observer: is told.

    Attributes:
        number: of the connection.
        user: who is at the other end, once that is known.
        session: the token of the session whose command came last.
    """

    __slots__ = ("_ended", "_observer", "_stage", "number", "session", "user")

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._stage = 0
        self._ended: tuple[str, str] | None = None
        self.number = observer.connection()
        self.user = ""
        self.session: str | None = None

    def note(self, fact: Fact) -> None:
        """Tell a fact."""
        self._observer.note(self, fact)

    def opened(self, address: object) -> None:
        """Tell that the connection is there; once, whichever layer knows it first.

        Args:
            address: as a socket gives it, or as text.
        """
        if self._stage == 0:
            self._stage = 1
            text = ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address or "")
            self.note(Opened(text))

    def ending(self, by: str, reason: str = "") -> None:
        """Remember who ends the connection; the first one counts."""
        if self._ended is None:
            self._ended = (by, reason)

    def closed(self, reason: str = "", unread: int = 0) -> None:
        """Tell that the connection is over; once, whichever layer knows it first.

        Args:
            reason: why, where nobody said it before.
            unread: bytes that came after the end of the request.
        """
        if self._stage < 2:
            self._stage = 2
            by, why = self._ended or (CLIENT, "")
            # A client that resets a connection which the server has ended did nothing worth telling.
            self.note(Closed(by, why or (reason if by == CLIENT else ""), unread))
