"""Targets of the CellNet dialect that are told a story: streams, uploads and downloads, with pieces in any order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flare_client.protocol.cellnet import download, fobs, upload
from flare_client.protocol.cellnet.cell import Addresses, Topic
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.cellnet.stream_receiver import StreamReceiver
from flare_client.protocol.cellnet.stream_sender import StreamSender
from flare_client.protocol.cellnet.streams import (
    CHUNK_SIZE,
    Piece,
    PieceType,
    StreamFailed,
    StreamHeader,
    StreamReceived,
)
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import Limits
from tests.fuzz.target import Choices, Target, require

LIMITS = Limits(stream=600, streams=3, body=2000, depth=12)
_ODD: tuple[Any, ...] = (None, -1, True, 1.5, "1", b"", [], {}, 1 << 63, 0, 1, 2)
_HERE = Addresses("_admin_1", "server")

# --- receiving ------------------------------------------------------------------------------------------------------


class _Model:
    """What a receiver should make of pieces: the content of each stream is told by its id and its piece."""

    def __init__(self) -> None:
        self.receiver = StreamReceiver(LIMITS)
        self.sent: dict[int, dict[int, bytes]] = {}
        self.whole: set[int] = set()
        self.now = 0.0

    def take(self, headers: dict[str, Any], payload: bytes) -> None:
        message = _HERE.one_way(Topic.STREAM_DATA, self.now, headers, payload)
        try:
            events = self.receiver.receive(message, self.now)
        except RemoteProtocolError:
            return
        stream_id = headers[StreamHeader.ID]
        self._note(stream_id, headers, payload)
        for event in events:
            if isinstance(event, StreamReceived):
                self._complete(stream_id, event)
            elif isinstance(event, StreamFailed):
                require(event.reason, "who fails says why")
            else:
                require(event.topic is Topic.STREAM_ACK, "a receiver sends no data", event)
                require(event.headers[StreamHeader.ID] == stream_id, "what is said is said of the stream", event)
        require(self.receiver.open <= LIMITS.streams, "the number of open streams is bounded", self.receiver.open)

    def _note(self, stream_id: int, headers: dict[str, Any], payload: bytes) -> None:
        pieces = self.sent.setdefault(stream_id, {})
        sequence = headers.get(StreamHeader.SEQUENCE)
        if isinstance(sequence, int) and headers[StreamHeader.TYPE] in (PieceType.CHUNK, PieceType.FINAL):
            pieces.setdefault(sequence, payload)

    def _complete(self, stream_id: int, event: StreamReceived) -> None:
        pieces = self.sent[stream_id]
        require(len(event.payload) <= LIMITS.stream, "a payload is within the limit", len(event.payload))
        numbers = range(len(pieces) + 1)
        prefixes = (b"".join(pieces.get(number, b"") for number in numbers[:end]) for end in numbers[1:])
        require(event.payload in prefixes, "a payload is its pieces in their order", event, pieces)
        require(stream_id not in self.whole, "a stream that is remembered is whole once", stream_id)
        self.whole.add(stream_id)

    def wait(self, seconds: int) -> None:
        self.now += seconds
        if seconds:
            # What was forgotten may come again.
            self.sent.clear()
            self.whole.clear()
            self.receiver = StreamReceiver(LIMITS)


def _block(stream_id: int, sequence: int) -> bytes:
    return bytes([stream_id % 256, sequence % 256]) * (1 + (stream_id + sequence) % 50)


def _piece_headers(choices: Choices, stream_id: int) -> tuple[dict[str, Any], bytes]:
    kind, sequence = (1, 1, 1, 2, 6, 0)[choices.below(6)], choices.below(12)
    payload = _block(stream_id, sequence)
    headers: dict[str, Any] = {
        StreamHeader.ID: stream_id,
        StreamHeader.TYPE: kind,
        StreamHeader.SEQUENCE: sequence,
        StreamHeader.OFFSET: 0,
        StreamHeader.REQUEST: "r",
    }
    odd = choices.below(16)
    if odd < 5:
        names = (StreamHeader.ID, StreamHeader.TYPE, StreamHeader.SEQUENCE, StreamHeader.SIZE, StreamHeader.REQUEST)
        headers[names[odd]] = _ODD[choices.below(len(_ODD))]
    elif odd == 5:
        headers[StreamHeader.SEQUENCE] = choices.below(1 << 16) << choices.below(17)
    return headers, payload


def _stream_pieces() -> Iterator[bytes]:
    for order in ((0, 1, 2), (2, 1, 0), (1, 1, 0, 0, 2, 2)):
        yield b"".join(bytes([7, 0 if number < 2 else 3, number, 9]) for number in order)
    yield b"".join(bytes([stream, 0, 0, 9]) for stream in range(1, 8))
    yield bytes([1, 0, 0, 9, 1, 4, 0, 9, 1, 0, 1, 9])
    yield bytes([1, 3, 0, 3, 9, 2, 3, 0, 0, 1])
    yield b"".join(bytes([1, 0, number, 9]) for number in range(1, 12))
    yield bytes([1, 0, 3, 5, 255, 255, 9, 1, 3, 1, 9])


def _stream_receiver(data: bytes) -> None:
    choices, model = Choices(data), _Model()
    while choices:
        what = choices.below(64)
        if what == 0:
            model.wait(choices.below(2) * 70)
            continue
        headers, payload = _piece_headers(choices, what % 9)
        model.take(headers, payload)
        # The same piece a second time changes nothing but what is acknowledged.
        if choices.below(8) == 1:
            model.take(headers, payload)


# --- sending --------------------------------------------------------------------------------------------------------

_CONTENT = bytes(5 * CHUNK_SIZE + 3)
_WINDOW = 2 * CHUNK_SIZE


def _acknowledgements() -> Iterator[bytes]:
    yield bytes([5, 0, 0, 1, 1, 0, 0, 3, 1, 0, 0, 5, 1])
    yield bytes([3, 0, 1, 200, 0, 0, 2, 0, 9, 1, 1])
    yield bytes([5, 3, 61, 5, 2, 0])
    yield bytes([2, 4, 5, 1, 0, 0, 1, 1])


def _stream_sender(data: bytes) -> None:
    """Whatever is acknowledged: the pieces are the content in order, and the window is kept."""
    choices = Choices(data)
    size = min(len(_CONTENT), choices.below(7) * CHUNK_SIZE - choices.below(2)) if data else 0
    size = max(size, 0)
    sender, now = StreamSender(1, _WINDOW), 0.0
    sent = _sent(sender.send("c", "t", _CONTENT[:size], now, request_id="r"), 0, 0)
    acknowledged, failed = 0, False
    while choices and sender.waiting:
        kind = choices.below(5)
        if kind == 3:
            now += choices.byte()
            failed = bool(sender.stalled(now))
            continue
        offset: Any = choices.below(8) * CHUNK_SIZE + choices.below(2)
        headers: dict[str, Any] = {"sm__id": 1, "sm__dt": int(PieceType.ACK), "sm__os": offset, "sm__sq": 0}
        if kind == 1:
            headers[("sm__id", "sm__dt", "sm__os")[choices.below(3)]] = _ODD[choices.below(len(_ODD))]
        elif kind == 2:
            headers["sm__dt"] = int(PieceType.ERROR)
        answer = sender.receive_ack(headers, now)
        if isinstance(answer, StreamFailed):
            require(answer.request_id == "r", "who fails names the request", answer)
            failed = True
            continue
        offset = headers["sm__os"]
        if isinstance(offset, int) and acknowledged < offset <= sent:
            acknowledged = offset
        sent = _sent(answer, sent, len(answer))
        require(sent - acknowledged < _WINDOW + CHUNK_SIZE, "the window is kept", sent, acknowledged)
    require(sent <= size and (sender.waiting or failed or sent == size), "all is sent at the end", sent, size)


def _sent(pieces: list[Piece], start: int, count: int) -> int:
    for piece in pieces:
        require(piece.headers[StreamHeader.OFFSET] == start, "pieces follow each other", start, count)
        require(len(piece.payload) <= CHUNK_SIZE, "a piece is no longer than a piece", len(piece.payload))
        start += len(piece.payload)
    return start


# --- files ----------------------------------------------------------------------------------------------------------


def _upload_stories() -> Iterator[bytes]:
    yield bytes([0, 100, 1, 0, 0, 0, 0])
    yield bytes([3, 10, 0, 1, 0, 0, 2, 0, 0, 0])
    yield bytes([1, 250, 0, 0, 1, 0, 0, 0, 2, 9, 0, 5])
    yield b"\xff" + fobs.encode(upload.UploadSender("u", "{}", 3, upload.UploadPrefix.R27).piece(b"abc"))


def _upload(data: bytes) -> None:
    """A model beside the reader: an upload is whole when its bytes are as many as announced, in their order."""
    if data[:1] == b"\xff":
        _any_upload(data[1:])
        return
    choices, reader = Choices(data), upload.UploadReader(LIMITS)
    senders: list[upload.UploadSender] = []
    received: dict[str, tuple[int, bytes]] = {}
    while choices:
        if not senders or choices.below(4) == 1:
            prefix = (upload.UploadPrefix.R27, upload.UploadPrefix.FROM_28)[choices.below(2)]
            senders.append(upload.UploadSender("u", "{}", choices.below(256) * 10, prefix))
        sender = senders[choices.below(len(senders))]
        piece = sender.piece(bytes([len(senders) % 256]) * min(choices.byte() * 10, max(0, sender.size - sender._sent)))
        if choices.below(6) == 1:
            piece = _bent(piece, choices)
        try:
            found = reader.read(piece)
        except RemoteProtocolError:
            continue
        _check_upload(found, received)
    require(len(reader._open) <= LIMITS.streams, "the number of uploads under way is bounded", len(reader._open))


def _check_upload(found: upload.UploadPiece, received: dict[str, tuple[int, bytes]]) -> None:
    if found.is_first:
        received[found.tx_id] = (found.size, b"")
        require(0 <= found.size <= LIMITS.body, "an upload is within the limit", found.size)
    require(found.tx_id in received, "an upload begins with its first piece", found)
    size, before = received.pop(found.tx_id)
    content = before + found.data
    require(len(content) <= size, "no more comes than was announced", found, size)
    require(not found.is_last or len(content) == size, "what is whole has the size that was announced", found, size)
    if not found.is_last:
        received[found.tx_id] = (size, content)


def _bent(piece: Shareable, choices: Choices) -> Shareable:
    items, headers = dict(piece.items), dict(piece.headers)
    target = (items, headers, headers.get("ObjectStreamer.CTX", headers))[choices.below(3)]
    name = sorted(target)[choices.below(len(target))]
    target[name] = _ODD[choices.below(len(_ODD))]
    return Shareable(items, headers)


def _any_upload(data: bytes) -> None:
    try:
        content = fobs.decode(data, LIMITS)
        upload.UploadReader(LIMITS).read(content)
        upload.read_answer(content)
    except RemoteProtocolError:
        return


def _download_stories() -> Iterator[bytes]:
    yield bytes([1, 50, 0, 50, 0, 50, 0, 0, 0])
    yield bytes([0, 200, 0, 0, 1, 2, 3])
    yield bytes([1, 50, 3, 2, 4, 50, 9, 3, 4, 10])


def _download(data: bytes) -> None:
    """Both ends of a download, with answers that are bent on the way; what is taken is the file from its start."""
    choices = Choices(data)
    client = download.FileDownload("ref", confirms=bool(choices.below(2)))
    content = bytes(range(256)) * 2
    taken = b""
    while choices and not client.complete:
        wanted = download.read_request(client.request())
        if not isinstance(wanted, download.PieceWanted) or wanted.offset != len(taken):
            require(False, "a client asks for what it lacks", wanted)
            return
        block = content[wanted.offset : wanted.offset + 1 + choices.byte()]
        answer = download.piece(block, wanted.offset, cancel_capable=True) if block else download.end("nonce")
        if choices.below(3) == 1:
            name = ("status", "data", "state", "confirm_nonce", "other")[choices.below(5)]
            answer[name] = (*_ODD, "eof", "ok", {"received_bytes": 7}, {"received_bytes": None})[choices.below(16)]
        if choices.below(8) == 1:
            answer = _ODD[choices.below(len(_ODD))]
        try:
            taken += client.take(answer)
        except RemoteProtocolError:
            continue
        require(client.received == len(taken), "what is counted was taken", client.received, len(taken))
        _read_bent(client.request(), choices)
    confirmed = client.confirmation(success=True)
    require(client.complete or confirmed is None, "only what is complete is confirmed")
    require(confirmed is None or isinstance(download.read_request(confirmed), download.Confirmed), "confirmed")


def _read_bent(asked: dict[str, Any], choices: Choices) -> None:
    name = ("ref_id", "state", "confirm", "confirm_nonce", "cancel")[choices.below(5)]
    asked[name] = (*_ODD, "success", {"received_bytes": -1}, {"received_bytes": True}, {})[choices.below(16)]
    try:
        wanted = download.read_request(asked)
    except RemoteProtocolError:
        return
    require(isinstance(wanted.ref_id, str) and wanted.ref_id, "a file has a reference", wanted)
    if isinstance(wanted, download.PieceWanted):
        require(type(wanted.offset) is int and wanted.offset >= 0, "an offset is a number of bytes", wanted)


TARGETS = [
    Target(
        "stream_receiver",
        "only RemoteProtocolError; a payload is its pieces in order, once; streams and bytes are bounded",
        _stream_receiver,
        _stream_pieces,
    ),
    Target(
        "stream_sender", "no exception; pieces follow each other; the window is kept", _stream_sender, _acknowledgements
    ),
    Target("upload", "only RemoteProtocolError; what was announced comes, in order, bounded", _upload, _upload_stories),
    Target(
        "download", "only RemoteProtocolError; a file is taken from its start, in order", _download, _download_stories
    ),
]
