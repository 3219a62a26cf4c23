"""What a transcript says of a client, sorted: connections, requests, commands, messages, streams.

Reads entries of the transcript alone. A transcript may begin in the midst of a session: what is known of a connection
from its beginning is told from what is not.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_server.transcript import Direction, Entry, Kind

LOGINS = ("_cert_login", "_login")
STREAM_FAILED = 6
"""The type (``sm__dt``) of a piece that says that a stream ends without its rest."""
UPLOADS, DOWNLOADS, COMMANDS = (
    "aux_communication/ObjectStreamer.Request",
    "download_service__/download_service__download",
    "hci_channel/command",
)


@dataclasses.dataclass(frozen=True)
class Command:
    """A command that came, in whichever dialect and form.

    Attributes:
        entry: the message that brought it.
        envelope: the request as it came, its token a mark.
        names: the names at its top, in order.
        item_names: the names in each of its items.
        form: ``text``, ``exchange``, ``stream``, or ``upload`` for what came with the first piece of one.
        connection: where it came.
    """

    entry: Entry
    envelope: Mapping[str, Any]
    names: tuple[str, ...]
    item_names: tuple[tuple[str, ...], ...]
    form: str
    connection: Connection

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """The items."""
        return list(self.envelope.get("data") or [])

    @property
    def line(self) -> str:
        """The command line, or how a long one begins."""
        data = next((item.get("data") for item in self.items if item.get("type") == "command"), "")
        return str(data.get("begins", "") if isinstance(data, Mapping) else data)

    @property
    def name(self) -> str:
        """The name of the command, without its scope."""
        return self.line.split(" ", 1)[0].rpartition(".")[2]

    @property
    def token(self) -> str | None:
        """The mark of its token."""
        return next((str(item.get("data")) for item in self.items if item.get("type") == "token"), None)

    @property
    def is_login(self) -> bool:
        """Whether it begins a session."""
        return self.name in LOGINS


class Connection:
    """What happened on one connection.

    Args:
        number: its number.
        entries: what happened, in order.
    """

    def __init__(self, number: int, entries: list[Entry]) -> None:
        self.number = number
        self.entries = entries
        self.incoming = [one for one in entries if one.direction is Direction.IN and one.kind is Kind.MESSAGE]
        self.outgoing = [one for one in entries if one.direction is Direction.OUT]

    def event(self, name: str) -> Entry | None:
        """The entry of an event of the connection: ``opened``, ``tls``, ``upgrade``, ``closed``."""
        return next((entry for entry in self.entries if entry.detail.get("event") == name), None)

    @property
    def is_whole(self) -> bool:
        """Whether its beginning is known."""
        return self.event("opened") is not None

    @property
    def is_disturbed(self) -> bool:
        """Whether a fault struck: then the client may be excused."""
        return any(entry.kind is Kind.FAULT for entry in self.entries)


class SocketConnection(Connection):
    """A connection of the socket dialect."""

    @functools.cached_property
    def requests(self) -> list[Entry]:
        """The requests, also those that the server refused; a body is none, nor is its refusal."""
        framed = [entry for entry in self.incoming if "framing" in entry.detail]
        return [entry for place, entry in enumerate(framed) if not place or "refused" not in entry.detail]

    @functools.cached_property
    def commands(self) -> list[Command]:
        """The requests that the server could read."""
        return [
            Command(
                entry,
                entry.detail,
                tuple(entry.detail["names"]),
                tuple(map(tuple, entry.detail["item_names"])),
                str(entry.detail["framing"]["form"]),
                self,
            )
            for entry in self.requests
            if "names" in entry.detail
        ]


@dataclasses.dataclass(frozen=True)
class Piece:
    """A one-way message about a stream.

    Attributes:
        entry: the message.
        headers: of the message.
    """

    entry: Entry
    headers: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes of its payload."""
        return int(self.entry.detail["payload"]["size"])


class CellConnection(Connection):
    """A connection of the CellNet dialect."""

    @functools.cached_property
    def frames(self) -> list[Entry]:
        """The client's frames."""
        return [entry for entry in self.incoming if "frame" in entry.detail]

    @functools.cached_property
    def messages(self) -> list[Entry]:
        """The client's cell messages."""
        return [entry for entry in self.frames if isinstance(entry.detail.get("headers"), Mapping)]

    @functools.cached_property
    def name(self) -> str | None:
        """The name of the client's cell."""
        greeting = next((entry for entry in self.frames if entry.detail.get("type") == "HELLO"), None)
        content = greeting.detail.get("content") if greeting is not None else None
        name = content.get("endpoint_name") if isinstance(content, Mapping) else None
        return name if isinstance(name, str) else None

    @functools.cached_property
    def registered(self) -> Entry | None:
        """The message with which the client was registered."""
        return next((entry for entry in self.messages if "registered" in entry.detail), None)

    def raw(self, channel: str, topic: str) -> list[Entry]:
        """The raw requests of a channel and topic."""
        return [
            entry
            for entry in self.messages
            if (entry.detail["headers"].get("cn__channel"), entry.detail["headers"].get("cn__topic"))
            == (channel, topic)
        ]

    @functools.cached_property
    def raw_requests(self) -> list[Entry]:
        """The messages that are no piece of a stream and say nothing of one."""
        return [entry for entry in self.messages if entry.detail["headers"].get("cn__channel") != "sm__STREAM"]

    @functools.cached_property
    def pieces(self) -> list[Piece]:
        """The pieces of the client's streams."""
        return [Piece(entry, entry.detail["headers"]) for entry in self.raw("sm__STREAM", "sm__DATA")]

    @functools.cached_property
    def acknowledgements(self) -> list[Piece]:
        """What the client says of the server's streams."""
        return [Piece(entry, entry.detail["headers"]) for entry in self.raw("sm__STREAM", "sm__ACK")]

    @functools.cached_property
    def streams(self) -> dict[tuple[Any, Any], list[Piece]]:
        """The client's streams by their ids and request ids, each with its pieces as they came."""
        return _by_stream(self.pieces)

    @functools.cached_property
    def server_streams(self) -> dict[Any, list[Piece]]:
        """The server's streams by their ids."""
        sent = [entry for entry in self.outgoing if isinstance(entry.detail.get("headers"), Mapping)]
        pieces = [Piece(entry, entry.detail["headers"]) for entry in sent]
        found = _by_stream([piece for piece in pieces if piece.headers.get("cn__topic") == "sm__DATA"])
        return {number: stream for (number, _), stream in found.items()}

    @functools.cached_property
    def requests(self) -> list[Entry]:
        """The messages with which a request of an application was whole."""
        return [entry for entry in self.messages if "request" in entry.detail]

    def asked(self, what: str) -> Iterator[tuple[Entry, Any]]:
        """The requests of one application.

        Args:
            what: channel and topic, as ``COMMANDS``.

        Yields:
            The entry, and what the request says.
        """
        for entry in self.requests:
            if entry.detail["request"] == what:
                yield entry, entry.detail.get("content")

    @functools.cached_property
    def uploads(self) -> list[tuple[Entry, Mapping[str, Any], Mapping[str, Any]]]:
        """The pieces of uploads: entry, items, headers."""
        found = []
        for entry, content in self.asked(UPLOADS):
            shareable = content.get("Shareable") if isinstance(content, Mapping) else None
            if isinstance(shareable, Mapping):
                found.append((entry, shareable, shareable.get("__headers__") or {}))
        return found

    @functools.cached_property
    def commands(self) -> list[Command]:
        """The commands, also those that came with an upload."""
        found = []
        for entry, content in self.asked(COMMANDS):
            found += self._command(entry, content, "stream")
        for entry, _, headers in self.uploads:
            context = headers.get("ObjectStreamer.CTX")
            if isinstance(context, Mapping):
                found += self._command(entry, context.get("conn_data"), "upload")
        return sorted(found, key=lambda command: command.entry.number)

    def _command(self, entry: Entry, content: Any, form: str) -> list[Command]:
        envelope = content.get("json") if isinstance(content, Mapping) else None
        if not isinstance(envelope, Mapping):
            return []
        items = envelope.get("data")
        names = tuple(tuple(item) for item in items if isinstance(item, Mapping)) if isinstance(items, list) else ()
        return [Command(entry, envelope, tuple(envelope), names, form, self)]


def _by_stream(pieces: Sequence[Piece]) -> dict[tuple[Any, Any], list[Piece]]:
    streams: dict[tuple[Any, Any], list[Piece]] = {}
    for piece in pieces:
        streams.setdefault((piece.headers.get("sm__id"), piece.headers.get("sm__ri")), []).append(piece)
    return streams


class Traffic:
    """What a client put on the wire.

    Args:
        entries: of one server's transcript, in order.
        release: that the server plays.
    """

    def __init__(self, entries: Sequence[Entry], release: str) -> None:
        self.entries = list(entries)
        self.release = release
        by_number: dict[int, list[Entry]] = {}
        for entry in self.entries:
            by_number.setdefault(entry.connection, []).append(entry)
        by_number.pop(0, None)
        self.sockets: list[SocketConnection] = []
        self.cells: list[CellConnection] = []
        for number, found in by_number.items():
            if any(entry.detail.get("dialect") == "hci" for entry in found):
                self.sockets.append(SocketConnection(number, found))
            elif any(entry.detail.get("dialect") == "cellnet" for entry in found):
                self.cells.append(CellConnection(number, found))

    @property
    def is_whole(self) -> bool:
        """Whether the transcript has the server's life from its beginning."""
        return bool(self.entries) and self.entries[0].number == 1

    @functools.cached_property
    def commands(self) -> list[Command]:
        """Every command that came, in order."""
        connections: list[SocketConnection | CellConnection] = [*self.sockets, *self.cells]
        found = [command for connection in connections for command in connection.commands]
        return sorted(found, key=lambda command: command.entry.number)

    @functools.cached_property
    def tokens(self) -> frozenset[str]:
        """The marks of the tokens that the server gave."""
        found = set()
        for entry in self.entries:
            if entry.direction is Direction.OUT:
                found |= set(tokens_in(entry.detail))
        return frozenset(found)


def tokens_in(detail: Mapping[str, Any]) -> list[str]:
    """The marks of the tokens in a reply."""
    content = detail.get("content")
    envelope = content.get("json") if isinstance(content, Mapping) else detail
    items = envelope.get("data") if isinstance(envelope, Mapping) else None
    found = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    return [str(item.get("data")) for item in found if item.get("type") == "token"]
