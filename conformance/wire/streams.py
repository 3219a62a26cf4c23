"""Rules of streams (2.7-2.9): pieces, their numbers and offsets, and what acknowledges the server's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from conformance.contract import CELL_RELEASES, Observed
from conformance.wire.frames import UUID4
from conformance.wire.rules import OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.traffic import STREAM_FAILED, CellConnection, Piece, Traffic

_UUID4 = re.compile(UUID4)
_CHUNK, _FINAL, _ACK = 1, 2, 3
PIECE_SIZE = 1024 * 1024
_INTERVAL = 4 * PIECE_SIZE
"""Bytes after which a receiver of every release acknowledges, at the latest with the next piece."""
_HEADERS = {
    "sm__id": int,
    "sm__dt": int,
    "sm__sq": int,
    "sm__os": int,
    "sm__sz": int,
    "sm__ch": str,
    "sm__tp": str,
    "sm__pe": str,
    "sm__op": bool,
}
_CONSTANT = ("sm__ch", "sm__tp", "sm__sz", "sm__pe", "sm__op")
_ACKNOWLEDGING = ("2.9",)
"""Clients of 2.7 and 2.8 may never acknowledge: no stream of an admin's connection is long enough to wait for it."""
_UNANSWERED = ("ObjectStreamer.Abort",)


@rule(
    "WIRE-STREAM-01",
    "The headers of a piece",
    f"Every piece of a stream has {', '.join(_HEADERS)}.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams"),
    releases=CELL_RELEASES,
)
def headers(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _streams(traffic):
        for piece in pieces:
            wrong = [name for name, kind in _HEADERS.items() if type(piece.headers.get(name)) is not kind]
            if piece.headers.get("sm__dt") != STREAM_FAILED:
                yield judged(piece.entry, not wrong, "all headers of a piece", f"none, or of another type, in {wrong}")


@rule(
    "WIRE-STREAM-02",
    "The numbers of pieces",
    "The pieces of a stream are numbered from 0 on, none left out and none twice.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams"),
    releases=CELL_RELEASES,
)
def sequence(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _whole_streams(traffic):
        numbers = sorted(int(piece.headers.get("sm__sq", -1)) for piece in pieces)
        yield same(pieces[-1].entry, numbers, list(range(len(pieces))), "the numbers of the pieces")


@rule(
    "WIRE-STREAM-03",
    "The offsets of pieces",
    "The offset of a piece is the number of bytes before it.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams"),
    releases=CELL_RELEASES,
)
def offsets(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _whole_streams(traffic):
        before = 0
        for piece in _in_order(pieces):
            yield same(piece.entry, piece.headers.get("sm__os"), before, "the offset")
            before += piece.size


@rule(
    "WIRE-STREAM-04",
    "The end of a stream",
    "The last piece of a stream, and no other, is marked as final; nothing comes after it.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams"),
    releases=CELL_RELEASES,
)
def end(traffic: Traffic) -> Iterator[Judgement]:
    for connection, pieces in _streams(traffic):
        if _is_given_up(pieces) or (connection.event("closed") is None and not _is_ended(pieces)):
            continue
        ordered = _in_order(pieces)
        kinds = [piece.headers.get("sm__dt") for piece in ordered]
        if connection.is_disturbed or _is_cut(connection, pieces):
            continue
        expected = [_CHUNK] * (len(ordered) - 1) + [_FINAL]
        yield same(ordered[-1].entry, kinds, expected, "the types of the pieces")


@rule(
    "WIRE-STREAM-05",
    "The size of a stream",
    "sm__sz is the number of bytes in all pieces of the stream.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams: 2.9 fails on a mismatch"),
    releases=CELL_RELEASES,
)
def size(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _whole_streams(traffic):
        total = sum(piece.size for piece in _in_order(pieces))
        for piece in pieces:
            yield same(piece.entry, piece.headers.get("sm__sz"), total, "sm__sz")


@rule(
    "WIRE-STREAM-06",
    "The size of a piece",
    f"Every piece but the last has {PIECE_SIZE:,} bytes, and the last no more.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams"),
    releases=CELL_RELEASES,
)
def piece_size(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _streams(traffic):
        for piece in pieces:
            is_last = piece.headers.get("sm__dt") == _FINAL
            kept = piece.size <= PIECE_SIZE if is_last else piece.size == PIECE_SIZE
            if piece.headers.get("sm__dt") != STREAM_FAILED:
                what = f"{'at most ' if is_last else ''}{PIECE_SIZE:,} bytes"
                yield judged(piece.entry, kept, what, f"{piece.size:,} bytes")


@rule(
    "WIRE-STREAM-07",
    "The id of a stream",
    "Every stream has an id of its own.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams: what comes under a known id is taken for a repetition"),
    releases=CELL_RELEASES,
)
def stream_ids(traffic: Traffic) -> Iterator[Judgement]:
    seen: dict[tuple[str | None, Any], Any] = {}
    for connection in traffic.cells:
        for piece in connection.pieces:
            if piece.headers.get("sm__sq") == 0:
                key = (connection.name, piece.headers.get("sm__id"))
                request = piece.headers.get("sm__ri")
                # A piece may come again, and is the same then.
                is_new = key not in seen or (request is not None and seen[key] == request)
                yield judged(piece.entry, is_new, "an id that no other stream has", f"{key[1]}, again")
                seen[key] = request


@rule(
    "WIRE-STREAM-08",
    "The ids of requests",
    "A stream that wants an answer names it by a version 4 UUID of its own in sm__ri; others have none.",
    Observed(OFFICIAL_CELL, "the wire document, request and reply on blobs"),
    releases=CELL_RELEASES,
)
def request_ids(traffic: Traffic) -> Iterator[Judgement]:
    seen: set[Any] = set()
    for _, pieces in _streams(traffic):
        first, number = pieces[0], pieces[0].headers.get("sm__ri")
        if first.headers.get("sm__tp") in _UNANSWERED:
            yield same(first.entry, number, None, "sm__ri")
        elif number is not None or first.headers.get("sm__ch") == "hci_channel":
            kept = isinstance(number, str) and _UUID4.fullmatch(number) and number not in seen
            yield judged(first.entry, kept, "a new UUID 4", f"{number!r}{', again' if number in seen else ''}")
            seen.add(number)


@rule(
    "WIRE-STREAM-09",
    "What all pieces say",
    f"All pieces of a stream have the same {', '.join(_CONSTANT)}.",
    Observed(OFFICIAL_CELL, "the wire document, blob streams: receivers use those of piece 0"),
    releases=CELL_RELEASES,
)
def constant(traffic: Traffic) -> Iterator[Judgement]:
    for _, pieces in _streams(traffic):
        expected = {name: pieces[0].headers.get(name) for name in _CONSTANT}
        for piece in pieces[1:]:
            if piece.headers.get("sm__dt") != STREAM_FAILED:
                came = {name: piece.headers.get(name) for name in _CONSTANT}
                yield same(piece.entry, came, expected, "the headers of the stream")


@rule(
    "WIRE-FOBS-01",
    "Payloads that can be read",
    "The payload of a stream is FOBS, and the server can read it.",
    Observed(OFFICIAL_CELL, "the wire document, FOBS"),
    releases=CELL_RELEASES,
)
def readable(traffic: Traffic) -> Iterator[Judgement]:
    for connection, pieces in _whole_streams(traffic):
        said = str(pieces[0].headers.get("sm__pe"))
        dropped = next((piece.entry.detail["dropped"] for piece in pieces if "dropped" in piece.entry.detail), None)
        is_proven = "proves nothing" not in str(dropped)  # what is not is another rule's matter
        if is_proven and not connection.is_disturbed:
            kept = said == "fobs" and dropped is None
            yield judged(pieces[-1].entry, kept, "FOBS that can be read", f"{said}: {dropped}")


@rule(
    "WIRE-ACK-01",
    "What an acknowledgement says",
    "An acknowledgement names a stream of the server, the bytes received and the number of the last piece.",
    Observed("2.9.0", "the wire document, acknowledgements: senders give up without the number"),
    releases=_ACKNOWLEDGING,
)
def acknowledgement(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for piece in connection.acknowledgements:
            found = piece.headers
            if found.get("sm__dt") == STREAM_FAILED:
                continue
            known = found.get("sm__id") in connection.server_streams or not connection.is_whole
            numbers = all(isinstance(found.get(name), int) for name in ("sm__os", "sm__sq"))
            kept = known and found.get("sm__dt") == _ACK and numbers
            came = {name: found.get(name) for name in ("sm__id", "sm__dt", "sm__os", "sm__sq")}
            yield judged(piece.entry, kept, "type 3, a stream of the server, bytes and the last piece", came)


@rule(
    "WIRE-ACK-02",
    "How far an acknowledgement goes",
    "An acknowledgement says no more bytes than were sent, and no fewer than one before it.",
    Observed("2.9.0", "the wire document, acknowledgements: it counts what came"),
    releases=_ACKNOWLEDGING,
)
def progress(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        reached: dict[Any, int] = {}
        for piece in connection.acknowledgements:
            number, offset = piece.headers.get("sm__id"), piece.headers.get("sm__os")
            sent = [one for one in connection.server_streams.get(number, []) if one.entry.number < piece.entry.number]
            is_known = bool(sent) and sent[0].headers.get("sm__sq") == 0
            if piece.headers.get("sm__dt") != _ACK or not is_known or not isinstance(offset, int):
                continue
            most, least = sum(one.size for one in sent), reached.get(number, 0)
            yield judged(piece.entry, least <= offset <= most, f"{least} to {most} bytes", f"{offset} bytes")
            reached[number] = max(least, offset)


@rule(
    "WIRE-ACK-03",
    "Acknowledgements in time",
    "A receiver acknowledges at the latest with the piece after 4 MiB, so that no window of a sender fills up.",
    Observed("2.9.0", "the wire document, acknowledgements; 2.7.3 and 2.8.3 leave it out where the end came meanwhile"),
    releases=_ACKNOWLEDGING,
)
def in_time(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for number, pieces in connection.server_streams.items():
            total = sum(piece.size for piece in pieces)
            if total <= _INTERVAL + PIECE_SIZE or connection.is_disturbed or not _is_ended(pieces):
                continue
            if connection.event("closed") is None:
                continue
            offsets_ = [
                one.headers.get("sm__os") for one in connection.acknowledgements if one.headers.get("sm__id") == number
            ]
            came = [offset for offset in offsets_ if isinstance(offset, int)]
            kept = any(_INTERVAL <= offset <= _INTERVAL + 2 * PIECE_SIZE for offset in came)
            yield judged(pieces[-1].entry, kept, f"an acknowledgement soon after {_INTERVAL:,} bytes", came)


def _streams(traffic: Traffic) -> Iterator[tuple[CellConnection, list[Piece]]]:
    """The client's streams of which the first piece is known."""
    for connection in traffic.cells:
        for pieces in connection.streams.values():
            if connection.is_whole or pieces[0].headers.get("sm__sq") == 0:
                yield connection, pieces


def _whole_streams(traffic: Traffic) -> Iterator[tuple[CellConnection, list[Piece]]]:
    """Those that are at their end."""
    for connection, pieces in _streams(traffic):
        if _is_ended(pieces) and not _is_given_up(pieces):
            yield connection, pieces


def _in_order(pieces: list[Piece]) -> list[Piece]:
    """The pieces by their numbers; one that came twice counts once."""
    by_number = {int(piece.headers.get("sm__sq", -1)): piece for piece in reversed(pieces)}
    return [by_number[number] for number in sorted(by_number)]


def _is_ended(pieces: list[Piece]) -> bool:
    return any(piece.headers.get("sm__dt") == _FINAL for piece in pieces)


def _is_given_up(pieces: list[Piece]) -> bool:
    return any(piece.headers.get("sm__dt") == STREAM_FAILED for piece in pieces)


def _is_cut(connection: CellConnection, pieces: list[Piece]) -> bool:
    """Whether the server ended the connection while the stream was on its way."""
    closed = connection.event("closed")
    return closed is not None and closed.detail["by"] == "server" and not _is_ended(pieces)
