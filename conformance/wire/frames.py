"""Rules of SFM frames (2.7-2.9): the greeting, the numbers of the prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.contract import CELL_RELEASES, Level, Observed
from conformance.wire.rules import OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.traffic import CellConnection, Traffic
from mock_server.transcript import Entry

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_NAME = re.compile(f"_admin_{UUID4}")
_SENT = ("DATA", "HELLO", "PING", "PONG")
_NUMBERS = 1 << 16
_AHEAD = 8
_GREETING_STREAM, _FIRST_STREAM = 1, 17


@rule(
    "WIRE-HELLO-01",
    "The greeting",
    "The first frame of a connection is HELLO, and no other is.",
    Observed(OFFICIAL_CELL, "the wire document, handshake: anything else before it is an error"),
    releases=CELL_RELEASES,
)
def greeting(traffic: Traffic) -> Iterator[Judgement]:
    for connection in _whole(traffic):
        for place, entry in enumerate(connection.frames):
            is_greeting = entry.detail.get("type") == "HELLO"
            if is_greeting or place == 0:
                kept = is_greeting == (place == 0)
                yield judged(
                    entry, kept, "HELLO as the first frame alone", f"{entry.detail.get('type')} as {place + 1}."
                )


@rule(
    "WIRE-HELLO-02",
    "The name of a cell",
    "HELLO says endpoint_name and fqcn, both _admin_ and a version 4 UUID, and a timestamp in seconds.",
    Observed(OFFICIAL_CELL, "the wire document, handshake; 2.9 refuses other names"),
    releases=CELL_RELEASES,
)
def cell_name(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.frames:
            if entry.detail.get("type") != "HELLO":
                continue
            content = entry.detail.get("content")
            said = content if isinstance(content, Mapping) else {}
            name = said.get("endpoint_name")
            kept = (
                isinstance(name, str)
                and _NAME.fullmatch(name)
                and said.get("fqcn") == name
                and isinstance(said.get("timestamp"), (int, float))
                and set(said) == {"endpoint_name", "timestamp", "fqcn"}
            )
            yield judged(entry, kept, "endpoint_name and fqcn as _admin_<UUID 4>, and a timestamp", content)


@rule(
    "WIRE-HELLO-03",
    "A name for every session",
    "A session has a cell name of its own; only a connection that is opened again takes the name of the lost one.",
    Observed(OFFICIAL_CELL, "the wire document, handshake and reconnect"),
    releases=CELL_RELEASES,
)
def new_name(traffic: Traffic) -> Iterator[Judgement]:
    over: set[str] = set()
    for connection in traffic.cells:
        hello = next((entry for entry in connection.frames if entry.detail.get("type") == "HELLO"), None)
        if hello is not None and connection.name is not None:
            yield judged(
                hello, connection.name not in over, "a new name", f"that of a session that is over: {connection.name}"
            )
            if any("left" in entry.detail for entry in connection.messages):
                over.add(connection.name)


@rule(
    "WIRE-PREFIX-01",
    "The prefix of a frame",
    "Reserved byte and flags are 0, the app id is 1 in DATA and 0 in others, and only DATA has headers.",
    Observed(OFFICIAL_CELL, "the wire document, prefix"),
    releases=CELL_RELEASES,
)
def prefix(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.frames:
            frame = entry.detail["frame"]
            is_data = entry.detail.get("type") == "DATA"
            came = (frame["reserved"], frame["flags"], frame["app"], bool(frame["header_size"]))
            yield same(entry, came, (0, 0, int(is_data), is_data), "reserved, flags, app id and whether it has headers")


@rule(
    "WIRE-PREFIX-02",
    "The types of frames",
    "A client sends DATA, HELLO, PING and PONG, and no frame of another type.",
    Observed(OFFICIAL_CELL, "the wire document, prefix: other types are never used"),
    releases=CELL_RELEASES,
)
def types(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.frames:
            came = entry.detail.get("type")
            yield judged(entry, came in _SENT, " or ".join(_SENT), f"a frame of type {came}")


@rule(
    "WIRE-SEQ-01",
    "The numbers of frames",
    "The frames of a connection are numbered from 1 on, each by one more, none left out and none twice.",
    Observed(OFFICIAL_CELL, "the wire document, prefix; threads may send them slightly out of order"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def sequence(traffic: Traffic) -> Iterator[Judgement]:
    for connection in _whole(traffic):
        yield from _numbered(connection, "sequence", 1, connection.frames)


@rule(
    "WIRE-SEQ-02",
    "The stream numbers of frames",
    "HELLO has the stream number 1; the frames after it count from 17 on, also over a connection that is opened again.",
    Observed(OFFICIAL_CELL, "the wire document, prefix; receivers ignore them"),
    releases=CELL_RELEASES,
    level=Level.SHOULD,
)
def streams(traffic: Traffic) -> Iterator[Judgement]:
    known: set[str | None] = set()
    for connection in _whole(traffic):
        greetings = [entry for entry in connection.frames if entry.detail.get("type") == "HELLO"]
        for entry in greetings:
            yield same(entry, entry.detail["frame"]["stream"], _GREETING_STREAM, "the stream number of HELLO")
        others = [entry for entry in connection.frames if entry not in greetings]
        # The reference client begins anew then, official ones count on.
        first = others[0].detail["frame"]["stream"] if others and connection.name in known else _FIRST_STREAM
        known.add(connection.name)
        yield from _numbered(connection, "stream", first, others)


def _numbered(connection: CellConnection, field: str, first: int, frames: list[Entry]) -> Iterator[Judgement]:
    # While a connection is open, a frame of another thread may be on its way still.
    ahead = 0 if connection.event("closed") is not None else _AHEAD
    expected = {(first + place) % _NUMBERS for place in range(len(frames) + ahead)}
    seen: set[int] = set()
    for entry in frames:
        number = entry.detail["frame"][field]
        # Past the end of the numbers they come again: a long connection is not judged on doubles.
        kept = number in expected and (number not in seen or len(frames) > _NUMBERS)
        what = f"a {field} number from {first} on without a gap, each once"
        yield judged(entry, kept, what, f"{number} as number {len(seen) + 1} of connection {connection.number}")
        seen.add(number)


def _whole(traffic: Traffic) -> list[CellConnection]:
    return [connection for connection in traffic.cells if connection.is_whole]
