"""The seam of wire mutants: the reference client, with what it puts on the wire in the hands of a twist.

A twist sees what goes out and may change it, leave it out, or add to it: requests of the socket dialect as bytes, of
CellNet frames and the content of requests. What it does not touch is as the reference client has it; frames that are
added or left out are counted like any other.
"""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from conformance.mutants.base import Factory, client, log_in, mutant
from flare_client.protocol.cellnet import fobs
from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.client import ClientPeer
from flare_client.protocol.cellnet.packing import pack
from flare_client.protocol.cellnet.sfm import PREFIX_SIZE, Frame, FrameType, Prefix, decode_frame, write_prefix

_EXCHANGE = struct.Struct(">BIQ")
_MARKER = 1

Edit = Callable[[dict[str, Any]], None]
"""Changes an envelope in place."""


# --- the socket dialect -----------------------------------------------------------------------------------------------


class SocketTwist:
    """What a mutant does to requests of the socket dialect; a subclass overrides a method."""

    def edit(self, envelope: dict[str, Any]) -> None:
        """Change the envelope of a request in place."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        """What is sent for a request, each on a connection of its own; the answer to the last one counts.

        Args:
            data: the bytes of the request.
        """
        yield edited(data, self.edit)

    def connected(self, transport: Any, data: bytes) -> None:
        """Do something on connections of one's own before a request is sent."""


def line_of(data: bytes) -> str:
    """The command line of a request; how a long one begins."""
    found = re.search(rb'"command", "data": "((?:[^"\\]|\\.){0,200})', data)
    return found[1].decode("ascii") if found else ""


def edited(data: bytes, edit: Edit) -> bytes:
    """A request, text or exchange, with its envelope changed."""
    if data[0] == _MARKER:
        _, meta_size, body_size = _EXCHANGE.unpack_from(data)
        start = _EXCHANGE.size
        meta = _changed(data[start : start + meta_size], edit)
        return _EXCHANGE.pack(_MARKER, len(meta), body_size) + meta + data[start + meta_size :]
    return _changed(data[:-2], edit) + data[-2:]


def as_exchange(data: bytes, body: bytes, checksum: int) -> bytes:
    """A text request as a binary exchange."""
    meta = data[:-2]
    return _EXCHANGE.pack(_MARKER, len(meta), len(body)) + meta + body + struct.pack(">II", 0, checksum)


def _changed(text: bytes, edit: Edit) -> bytes:
    envelope = json.loads(text)
    edit(envelope)
    return json.dumps(envelope).encode("ascii")


def _twist_socket(session: Any, twist: SocketTwist) -> None:
    transport = session._connection._transport
    exchange = transport.exchange

    def twisted(blocks: Iterable[bytes], consume: Callable[[Any], None], **options: Any) -> None:
        data = b"".join(blocks)
        twist.connected(transport, data)
        *others, last = twist.requests(data)
        for other in others:
            exchange([other], lambda _: None)
        exchange([last], consume, **options)

    transport.exchange = twisted


# --- CellNet ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class OutFrame:
    """A frame on its way out.

    Attributes:
        type: of the frame.
        headers: of the message in it.
        payload: the rest.
        app: the app id.
        flags: the flags.
        stream: the stream number; ``None`` for the next one.
        sequence: the running number; ``None`` for the next one.
    """

    type: int
    headers: dict[str, Any]
    payload: bytes
    app: int
    flags: int = 0
    stream: int | None = None
    sequence: int | None = None

    @property
    def topic(self) -> str:
        """The topic of the message, as ``sm__DATA``."""
        return str(self.headers.get("cn__topic", ""))

    @property
    def is_piece(self) -> bool:
        """Whether it is a piece of a stream."""
        return self.topic == "sm__DATA"

    def copy(self, **headers: Any) -> OutFrame:
        """The same frame again, with other headers; it gets numbers of its own."""
        return dataclasses.replace(self, headers={**self.headers, **headers}, stream=None, sequence=None)

    def with_payload(self, payload: bytes) -> OutFrame:
        """The same frame with another payload, whose length the headers say."""
        changed = {name: len(payload) for name in ("cn__payload_len",) if name in self.headers}
        return dataclasses.replace(self, headers={**self.headers, **changed}, payload=payload)


class CellTwist:
    """What a mutant does to frames and requests of CellNet; a subclass overrides a method."""

    nonce: str | None = None
    """What the challenge says in the place of a new nonce."""
    name: str | None = None
    """The name of every cell, in the place of new ones."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        """What is sent for a frame."""
        yield frame

    def content(self, topic: str, content: Any) -> Any:
        """What a request of an application says."""
        return content

    def headers(self, headers: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a request of an application says in headers of its own."""
        return headers


def edited_command(content: Any, edit: Edit) -> Any:
    """A command in a stream with its envelope changed."""
    return _changed(content.encode("ascii"), edit).decode("ascii") if isinstance(content, str) else content


def junk() -> bytes:
    """A payload that is none."""
    return fobs.encode("")[:4] + b"\xff"


class _TwistedPeer(ClientPeer):
    """The reference client's state machine with a twist between it and the wire."""

    def __init__(self, twist: CellTwist, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._twist = twist
        self._count = 0
        self._streams = 16
        if twist.nonce is not None:
            self._nonce = twist.nonce

    def request(
        self, channel: str, topic: str, content: Any, now: float, headers: Mapping[str, Any] | None = None
    ) -> str:
        """See ``ClientPeer.request``."""
        changed = self._twist.headers(headers) if headers is not None else None
        return super().request(channel, topic, self._twist.content(topic, content), now, changed)

    def tell(self, channel: str, topic: str, content: Any, now: float) -> None:
        """See ``ClientPeer.tell``."""
        super().tell(channel, topic, self._twist.content(topic, content), now)

    def frames_to_send(self) -> list[Content]:
        """See ``ClientPeer.frames_to_send``."""
        return [self._encode(one) for raw in super().frames_to_send() for one in self._twist.frames(_read(bytes(raw)))]

    def _encode(self, frame: OutFrame) -> bytes:
        self._count += 1
        if frame.type != FrameType.HELLO:
            self._streams += 1
        headers = pack(frame.headers) if frame.headers else b""
        stream = 1 if frame.type == FrameType.HELLO else self._streams
        prefix = Prefix(
            PREFIX_SIZE + len(headers) + len(frame.payload),
            len(headers),
            frame.type,
            0,
            frame.flags,
            frame.app,
            (frame.stream if frame.stream is not None else stream) & 0xFFFF,
            (frame.sequence if frame.sequence is not None else self._count) & 0xFFFF,
        )
        return write_prefix(prefix) + headers + frame.payload


def _read(raw: bytes) -> OutFrame:
    frame = decode_frame(raw)
    if not isinstance(frame, Frame):
        raise AssertionError("the reference client sends good frames")
    return OutFrame(frame.type, dict(frame.headers), bytes(frame.payload), app=int(frame.type is FrameType.DATA))


def _twist_cell(session: Any, twist: CellTwist) -> None:
    connection = session._connection

    def peer() -> ClientPeer:
        return _TwistedPeer(twist, connection._identity, time.time(), name=twist.name or connection._cell)

    connection._peer = peer


# --- declaring --------------------------------------------------------------------------------------------------------

_Twist = TypeVar("_Twist", bound=type[SocketTwist] | type[CellTwist])


def twist(*caught_by: str, release: str, also: Mapping[str, str] | None = None) -> Callable[[_Twist], _Twist]:
    """Declare a class over ``SocketTwist`` or ``CellTwist`` as a mutant; see ``conformance.mutants.base.mutant``."""

    def declare(kind: _Twist) -> _Twist:
        opens = twisted(kind)
        opens.__name__, opens.__doc__ = kind.__name__, kind.__doc__
        mutant(*caught_by, release=release, also=also)(opens)
        return kind

    return declare


def twisted(kind: type[SocketTwist] | type[CellTwist]) -> Factory:
    """A factory of sessions with a twist of their own each."""

    def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        session = client().Session(username=username, startup_path=kit, secure_mode=secure, **further)
        made = kind()
        if isinstance(made, SocketTwist):
            _twist_socket(session, made)
        else:
            _twist_cell(session, made)
        return log_in(session, timeout)

    return open_session


def each(frame: OutFrame, *others: OutFrame) -> Iterator[OutFrame]:
    """A frame, and others after it."""
    yield frame
    yield from others
