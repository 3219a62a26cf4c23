"""Rules of uploads and downloads (2.7-2.9): the pieces of a job, the pieces of a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract import CELL_RELEASES, Observed
from conformance.wire.rules import OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.streams import PIECE_SIZE
from conformance.wire.traffic import DOWNLOADS, CellConnection, Traffic
from mock_server.transcript import Entry

_TX, _SEQUENCE, _CONTEXT = "ObjectStreamer.TX_ID", "ObjectStreamer.SEQ", "ObjectStreamer.CTX"
_DONE = "aux_communication/ObjectStreamer.Abort"

_UploadPiece = tuple[Entry, Mapping[str, Any], Mapping[str, Any]]


@rule(
    "WIRE-UP-01",
    "The pieces of an upload",
    "The pieces of an upload share a transaction id and are numbered from 0 on, and each names its sender.",
    Observed(OFFICIAL_CELL, "the wire document, upload: without the sender's properties there is no answer"),
    releases=CELL_RELEASES,
)
def numbers(traffic: Traffic) -> Iterator[Judgement]:
    for pieces in _uploads(traffic):
        for place, (entry, _, headers) in enumerate(pieces):
            yield same(entry, headers.get(_SEQUENCE), place, "the number of the piece")
            peer = headers.get("__peer_props__")
            came = peer.get("__identity_name__") if isinstance(peer, Mapping) else None
            yield same(entry, came, entry.detail["headers"].get("client_name"), "__identity_name__ in __peer_props__")
            where = [headers.get("ObjectStreamer.CHANNEL"), headers.get("ObjectStreamer.TOPIC")]
            yield same(entry, where, ["hci.upload", "folder"], "channel and topic of the stream")


@rule(
    "WIRE-UP-02",
    "The first piece of an upload",
    "The first piece, and no other, brings the command and the size of the whole.",
    Observed(OFFICIAL_CELL, "the wire document, upload"),
    releases=CELL_RELEASES,
)
def first(traffic: Traffic) -> Iterator[Judgement]:
    for pieces in _uploads(traffic):
        total = sum(_size(items) for _, items, _ in pieces)
        for place, (entry, _, headers) in enumerate(pieces):
            context = headers.get(_CONTEXT)
            if place:
                yield same(entry, context, None, "the context of a later piece")
            else:
                said = context if isinstance(context, Mapping) else {}
                kept = isinstance(said.get("conn_data"), Mapping)
                yield judged(entry, kept, "the command in conn_data", said.get("conn_data"))
                if _is_ended(pieces):
                    yield same(entry, said.get("FileStreamer.file_size"), total, "FileStreamer.file_size")


@rule(
    "WIRE-UP-03",
    "What a piece of an upload says",
    "A piece has data, size and eof under the prefix of the release: FileStreamer. in 2.7, Streamer. from 2.8 on.",
    Observed(OFFICIAL_CELL, "the wire document, upload: there is no negotiation"),
    releases=CELL_RELEASES,
)
def fields(traffic: Traffic) -> Iterator[Judgement]:
    prefix = "FileStreamer." if traffic.release == "2.7" else "Streamer."
    for pieces in _uploads(traffic):
        for entry, items, _ in pieces:
            names = sorted(name for name in items if name != "__headers__")
            yield same(entry, names, [f"{prefix}{name}" for name in ("data", "eof", "size")], "the fields of the piece")
            data = items.get(f"{prefix}data")
            held = data.get("size") if isinstance(data, Mapping) else 0
            yield same(entry, items.get(f"{prefix}size"), held, "the size of the piece")


@rule(
    "WIRE-UP-04",
    "The sizes of the pieces of an upload",
    f"Every piece of an upload but the last has {PIECE_SIZE:,} bytes; the last, and no other, has eof.",
    Observed(OFFICIAL_CELL, "the wire document, upload"),
    releases=CELL_RELEASES,
)
def sizes(traffic: Traffic) -> Iterator[Judgement]:
    for pieces in _uploads(traffic):
        if not _is_ended(pieces):
            continue
        for place, (entry, items, _) in enumerate(pieces):
            is_last = place == len(pieces) - 1
            size = _size(items)
            kept = (size <= PIECE_SIZE if is_last else size == PIECE_SIZE) and _eof(items) is is_last
            what = f"{'at most ' if is_last else ''}{PIECE_SIZE:,} bytes, eof {is_last}"
            yield judged(entry, kept, what, f"{size:,} bytes, eof {_eof(items)}")


@rule(
    "WIRE-UP-05",
    "The end of an upload",
    "After the last answer the client ends the transaction, by ObjectStreamer.Abort with the same id.",
    Observed(OFFICIAL_CELL, "the wire document, upload: also after one that went well"),
    releases=CELL_RELEASES,
)
def done(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        ended = {_headers(content).get(_TX) for _, content in connection.asked(_DONE)}
        answered = {(out.detail.get("headers") or {}).get("sm__ri") for out in connection.outgoing}
        for pieces in _by_transaction(connection):
            is_answered = pieces[-1][0].detail["headers"].get("sm__ri") in answered
            closed = connection.event("closed")
            # A server that hangs up right after its answer hears no more, whatever the client would have said.
            left = closed is not None and closed.detail.get("by") == "client"
            if is_answered and _is_ended(pieces) and left:
                transaction = pieces[0][2].get(_TX)
                yield judged(pieces[-1][0], transaction in ended, "ObjectStreamer.Abort after it", "no word of its end")


@rule(
    "WIRE-DOWN-01",
    "The requests of a download",
    "The first request for a file names it alone; each later one also says how many bytes came, more every time.",
    Observed(OFFICIAL_CELL, "the wire document, download"),
    releases=CELL_RELEASES,
)
def requests(traffic: Traffic) -> Iterator[Judgement]:
    known: set[str | None] = set()
    for connection in traffic.cells:
        # On a connection that is opened again, or seen from its midst, a file may be half there.
        is_new = connection.is_whole and connection.name not in known
        known.add(connection.name)
        reached: dict[Any, int] = {}
        for entry, content in _pieces_wanted(connection):
            ref_id, state = content.get("ref_id"), content.get("state")
            came = state.get("received_bytes") if isinstance(state, Mapping) else None
            if ref_id not in reached and is_new:
                yield same(entry, came, None, "received_bytes of the first request")
            elif ref_id in reached:
                kept = isinstance(came, int) and came > reached[ref_id]
                yield judged(entry, kept, f"more than {reached[ref_id]} received_bytes", came)
            reached[ref_id] = came if isinstance(came, int) else 0


@rule(
    "WIRE-DOWN-02",
    "The end of a file",
    "From 2.9 on a request says confirm_capable, and the end of a file is confirmed with the server's nonce.",
    Observed("2.9.0", "the wire document, download: the server keeps the file until then"),
    releases=("2.9",),
)
def confirmed(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        said = [(entry, content) for entry, content in connection.asked(DOWNLOADS) if isinstance(content, Mapping)]
        for entry, content in _pieces_wanted(connection):
            yield same(entry, content.get("confirm_capable"), True, "confirm_capable")
        words = {content.get("confirm_nonce"): content.get("confirm") for _, content in said if "confirm" in content}
        if connection.event("closed") is None or connection.is_disturbed:
            continue
        for out in connection.outgoing:
            answer = out.detail.get("content")
            if isinstance(answer, Mapping) and answer.get("confirm_expected") is True:
                came = words.get(answer.get("confirm_nonce"))
                yield judged(out, came in ("success", "failed"), "a confirmation with the nonce", came)


def _pieces_wanted(connection: CellConnection) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
    for entry, content in connection.asked(DOWNLOADS):
        if isinstance(content, Mapping) and "confirm" not in content and "cancel" not in content:
            yield entry, content


def _uploads(traffic: Traffic) -> Iterator[list[_UploadPiece]]:
    for connection in traffic.cells:
        if connection.is_whole:
            yield from _by_transaction(connection)


def _by_transaction(connection: CellConnection) -> list[list[_UploadPiece]]:
    found: dict[Any, list[_UploadPiece]] = {}
    for piece in connection.uploads:
        found.setdefault(piece[2].get(_TX), []).append(piece)
    return list(found.values())


def _headers(content: Any) -> Mapping[str, Any]:
    shareable = content.get("Shareable") if isinstance(content, Mapping) else None
    found = shareable.get("__headers__") if isinstance(shareable, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _field(items: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in items.items() if key.endswith(f"treamer.{name}")), None)


def _size(items: Mapping[str, Any]) -> int:
    data = _field(items, "data")
    return int(data["size"]) if isinstance(data, Mapping) and isinstance(data.get("size"), int) else 0


def _eof(items: Mapping[str, Any]) -> bool:
    return _field(items, "eof") is True


def _is_ended(pieces: list[_UploadPiece]) -> bool:
    return any(_eof(items) for _, items, _ in pieces)
