"""Rules of cell messages (2.7-2.9): the headers that every message has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract import CELL_RELEASES, Level, Observed
from conformance.wire.frames import UUID4
from conformance.wire.rules import OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.traffic import STREAM_FAILED, Traffic
from mock_server.transcript import Entry

_UUID4 = re.compile(UUID4)
SERVER = "server"
_HEADERS = {
    "cn__msg_type": str,
    "cn__origin": str,
    "cn__destination": str,
    "cn__from": str,
    "cn__to": str,
    "cn__channel": str,
    "cn__topic": str,
    "cn__reply_expected": bool,
    "cn__secure": bool,
    "cn__optional": bool,
    "cn__payload_encoding": str,
}
_RAW = {("task", "challenge"): "none", ("task", "register"): "fobs", ("cellnet.channel", "bye"): "none"}
"""The raw requests of an admin's cell, and how their payload is encoded."""
_ONE_WAY = {
    ("sm__STREAM", "sm__DATA"): "bytes",
    ("sm__STREAM", "sm__ACK"): "none",
    ("sm__STREAM", "sm__ERROR"): "none",
}


@rule(
    "WIRE-CELL-01",
    "The headers of a message",
    f"Every message has {', '.join(_HEADERS)}.",
    Observed(OFFICIAL_CELL, "the wire document, header keys"),
    releases=CELL_RELEASES,
)
def headers(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        wrong = [name for name, kind in _HEADERS.items() if not isinstance(found.get(name), kind)]
        yield judged(entry, not wrong, "all headers of a message", f"none, or one of another type, in {wrong}")


@rule(
    "WIRE-CELL-02",
    "From whom to whom",
    "A message comes from the cell that greeted, and goes to the server: origin and from, destination and to agree.",
    Observed(OFFICIAL_CELL, "the wire document, header keys: another origin is dropped"),
    releases=CELL_RELEASES,
)
def addresses(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.messages:
            found = entry.detail["headers"]
            came = [found.get(f"cn__{name}") for name in ("origin", "from", "destination", "to")]
            name = connection.name or came[0]
            yield same(entry, came, [name, name, SERVER, SERVER], "origin, from, destination and to")


@rule(
    "WIRE-CELL-03",
    "Requests alone",
    "A message of a client has the type req, and its payload is not encrypted.",
    Observed(OFFICIAL_CELL, "the wire document, header keys: an answer is a stream, hence a request of cells"),
    releases=CELL_RELEASES,
)
def requests(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        came = (found.get("cn__msg_type"), found.get("cn__secure"))
        yield same(entry, came, ("req", False), "type and secure")


@rule(
    "WIRE-CELL-04",
    "Channels and topics",
    "A client uses the channels and topics of an admin's connection, and no others.",
    Observed(OFFICIAL_CELL, "the wire document: the complete list of what any capture has"),
    releases=CELL_RELEASES,
)
def channels(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        came = (found.get("cn__channel"), found.get("cn__topic"))
        known = ", ".join("/".join(pair) for pair in (*_RAW, *_ONE_WAY))
        yield judged(entry, came in _RAW or came in _ONE_WAY, f"one of {known}", "/".join(map(str, came)))


@rule(
    "WIRE-CELL-05",
    "The ids of raw requests",
    "A raw request expects a reply, and has a version 4 UUID of its own in cn__req_id.",
    Observed(OFFICIAL_CELL, "the wire document, raw request and reply"),
    releases=CELL_RELEASES,
)
def request_ids(traffic: Traffic) -> Iterator[Judgement]:
    seen: set[Any] = set()
    for connection in traffic.cells:
        for entry in connection.raw_requests:
            found = entry.detail["headers"]
            number = found.get("cn__req_id")
            is_new = isinstance(number, str) and _UUID4.fullmatch(number) and number not in seen
            kept = is_new and found.get("cn__reply_expected") is True
            came = f"{number!r}{', again' if number in seen else ''}, expected: {found.get('cn__reply_expected')!r}"
            yield judged(entry, kept, "a new UUID 4 in cn__req_id, and a reply that is expected", came)
            seen.add(number)


@rule(
    "WIRE-CELL-06",
    "One-way messages",
    "A piece of a stream and what is said about a stream expect no reply, and have no cn__req_id.",
    Observed(OFFICIAL_CELL, "the wire document, header keys"),
    releases=CELL_RELEASES,
)
def one_way(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for piece in (*connection.pieces, *connection.acknowledgements):
            came = (piece.headers.get("cn__reply_expected"), piece.headers.get("cn__req_id") or None)
            yield same(piece.entry, came, (False, None), "whether a reply is expected, and cn__req_id")


@rule(
    "WIRE-CELL-07",
    "The encoding of a payload",
    "cn__payload_encoding is fobs in a registration, bytes in a piece of a stream, and none where there is no payload.",
    Observed(OFFICIAL_CELL, "the wire document, header keys; a stream that fails ends with a piece without payload"),
    releases=CELL_RELEASES,
)
def encoding(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        kind = (str(found.get("cn__channel")), str(found.get("cn__topic")))
        expected = _RAW.get(kind) or _ONE_WAY.get(kind)
        if expected is None:
            continue
        if found.get("sm__dt") == STREAM_FAILED:
            expected = "none"
        yield same(entry, found.get("cn__payload_encoding"), expected, f"the encoding of {'/'.join(kind)}")
        if expected == "none":
            yield same(entry, entry.detail["payload"]["size"], 0, "the bytes of the payload")


@rule(
    "WIRE-CELL-08",
    "The length of a payload",
    "cn__payload_len is the number of bytes in the payload.",
    Observed(OFFICIAL_CELL, "the wire document, header keys; informational"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def length(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        yield same(entry, found.get("cn__payload_len"), entry.detail["payload"]["size"], "cn__payload_len")


@rule(
    "WIRE-CELL-09",
    "Route and time",
    "cn__route has one step, the name of the own cell and a time; cn__send_time is a time in seconds.",
    Observed(OFFICIAL_CELL, "the wire document, header keys; a route that is there must have this form"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def route(traffic: Traffic) -> Iterator[Judgement]:
    for entry, found in _messages(traffic):
        steps = found.get("cn__route")
        step = steps[0] if isinstance(steps, list) and len(steps) == 1 and isinstance(steps[0], list) else []
        kept = (
            len(step) == 2
            and step[0] == found.get("cn__origin")
            and isinstance(step[1], (int, float))
            and isinstance(found.get("cn__send_time"), (int, float))
        )
        yield judged(entry, kept, "a route of one step and the times", f"{steps!r}, {found.get('cn__send_time')!r}")


def _messages(traffic: Traffic) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
    for connection in traffic.cells:
        for entry in connection.messages:
            yield entry, entry.detail["headers"]
