"""What a WebSocket brings, by the library alone and with whole messages told apart before."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from websockets.utils import apply_mask

from flare_client.protocol.cellnet.websocket_messages import Rest, WholeMessages

Found = list[tuple[str, bytes]]
"""The frames and messages in order: what each is, and what is in it. A message is one binary frame."""


def reader(*, masked: bool, limit: int) -> Protocol:
    """The library's side that reads what the other one masks, or does not; the upgrade is over."""
    if masked:
        return ServerProtocol(state=State.OPEN, extensions=None, max_size=limit)
    return ClientProtocol(parse_uri("ws://127.0.0.1/f3"), state=State.OPEN, extensions=None, max_size=limit)


def _events(wire: Protocol) -> Found:
    found: Found = []
    for event in wire.events_received():
        assert isinstance(event, Frame)
        kind = "whole" if event.fin and event.opcode is Opcode.BINARY else f"{event.opcode.name} {event.fin}"
        found.append((kind, bytes(event.data)))
    return found


def _ending(wire: Protocol) -> str:
    return f"{wire.state.name}, {type(wire.parser_exc).__name__}: {wire.parser_exc}"


def by_the_library(data: bytes, *, masked: bool, limit: int) -> tuple[Found, str]:
    """Read some bytes; returns what came, and how it ended."""
    wire = reader(masked=masked, limit=limit)
    wire.receive_data(data)
    return _events(wire), _ending(wire)


def with_whole_messages(data: bytes, *, masked: bool, limit: int, cut: int) -> tuple[Found, str]:
    """The same, so many bytes at a time."""
    wire, messages = reader(masked=masked, limit=limit), WholeMessages(limit, apply_mask if masked else None)
    (upgrade,) = messages.feed(b"GET /f3 HTTP/1.1\r\n\r\n")
    assert isinstance(upgrade, Rest)
    found: Found = []
    for start in range(0, len(data), cut):
        place = bytearray(data[start : start + cut])
        for one in messages.feed(memoryview(place)):
            if isinstance(one, Rest):
                if wire.parser_exc is None:
                    wire.receive_data(one.data)
                found += _events(wire)
            elif wire.state is State.OPEN:
                found.append(("whole", bytes(one)))
        place[:] = bytes(len(place))  # where the next bytes will be put; nothing of these may be needed still
    return found, _ending(wire)
