"""Streams: cut, sent in any order, doubled or lost; put together, or refused with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flare_client.protocol.cellnet.cell import Addresses, CellMessage, Topic, read_message
from flare_client.protocol.cellnet.stream_receiver import REMEMBER_SECONDS, StreamEvent, StreamReceiver
from flare_client.protocol.cellnet.stream_sender import PROGRESS_SECONDS, StreamSender
from flare_client.protocol.cellnet.streams import CHUNK_SIZE, WINDOW, Piece, PieceType, StreamFailed, StreamReceived
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS

HERE = Addresses("_admin_1", "server")


def message(piece: Piece) -> CellMessage:
    made = HERE.one_way(piece.topic, 1.0, piece.headers, piece.payload)
    return read_message(made.headers, made.payload)


def feed(receiver: StreamReceiver, pieces: Iterable[Piece], now: float = 0.0) -> list[StreamEvent]:
    return [event for piece in pieces for event in receiver.receive(message(piece), now)]


def whole(events: Iterable[StreamEvent]) -> list[StreamReceived]:
    return [event for event in events if isinstance(event, StreamReceived)]


def acks(events: Iterable[StreamEvent]) -> list[tuple[int, int]]:
    return [
        (event.headers["sm__os"], event.headers["sm__sq"])
        for event in events
        if isinstance(event, Piece) and event.headers["sm__dt"] == PieceType.ACK
    ]


def by_hand(sequence: int, payload: bytes, *, last: bool = False, **headers: Any) -> Piece:
    kind = PieceType.FINAL if last else PieceType.CHUNK
    own = {"sm__id": 7, "sm__dt": int(kind), "sm__sq": sequence, "sm__ch": "c", "sm__tp": "t", "sm__ri": "r"}
    return Piece(Topic.STREAM_DATA, {**own, **headers}, payload)


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE + 74])
def test_a_payload_arrives_as_it_was(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = StreamSender(5).send("ch", "tp", content, 0.0, request_id="r", headers={"user_name": "u"})
    assert len(pieces) == max(1, -(-size // CHUNK_SIZE))
    assert [piece.headers["sm__dt"] for piece in pieces] == [1] * (len(pieces) - 1) + [2]
    assert [piece.headers["sm__os"] for piece in pieces] == [n * CHUNK_SIZE for n in range(len(pieces))]
    events = feed(StreamReceiver(), pieces)
    (found,) = whole(events)
    assert (found.channel, found.topic, found.request_id, found.payload) == ("ch", "tp", "r", content)
    assert found.headers["user_name"] == "u"
    assert acks(events)[-1] == (size, len(pieces) - 1)


def test_a_piece_of_five_mebibytes_is_acknowledged_as_official_2_9_does() -> None:
    events = feed(StreamReceiver(), StreamSender(5).send("ch", "tp", bytes(5 * CHUNK_SIZE + 74), 0.0))
    assert acks(events) == [(4 * CHUNK_SIZE, 3), (5 * CHUNK_SIZE + 74, 5)]


@settings(max_examples=60)
@given(st.data())
def test_any_order_and_any_doubling_gives_the_same_payload(data: st.DataObject) -> None:
    blocks = data.draw(st.lists(st.binary(max_size=20), min_size=1, max_size=8))
    pieces = [by_hand(n, block, last=n == len(blocks) - 1) for n, block in enumerate(blocks)]
    doubled = data.draw(st.lists(st.sampled_from(pieces), max_size=8))
    order = data.draw(st.permutations(pieces + doubled))
    receiver = StreamReceiver()
    (found,) = whole(feed(receiver, order))
    assert found.payload == b"".join(blocks)
    assert receiver.open == 0


@given(st.integers(0, 5), st.data())
def test_a_lost_piece_leaves_the_stream_open(lost: int, data: st.DataObject) -> None:
    pieces = [by_hand(n, b"x", last=n == 5) for n in range(6) if n != lost]
    receiver = StreamReceiver()
    assert whole(feed(receiver, data.draw(st.permutations(pieces)))) == []
    assert receiver.open == 1


def test_streams_of_several_cells_and_ids_do_not_mix() -> None:
    receiver, sender = StreamReceiver(), StreamSender(1)
    first, second = sender.send("c", "t", b"a", 0.0), sender.send("c", "t", b"b", 0.0)
    stranger = Addresses("_admin_2", "server").one_way(Topic.STREAM_DATA, 0.0, first[0].headers, b"z")
    events = [*receiver.receive(stranger, 0.0), *feed(receiver, [*second, *first])]
    assert [(one.origin, one.payload) for one in whole(events)] == [
        ("_admin_2", b"z"),
        ("_admin_1", b"b"),
        ("_admin_1", b"a"),
    ]


def test_a_piece_that_comes_again_is_acknowledged_again_and_then_forgotten() -> None:
    receiver = StreamReceiver()
    piece = by_hand(0, b"abc", last=True)
    assert len(whole(feed(receiver, [piece], now=100.0))) == 1
    again = feed(receiver, [piece], now=100.0 + REMEMBER_SECONDS)
    assert (whole(again), acks(again)) == ([], [(3, 0)])
    assert len(whole(feed(receiver, [piece], now=101.0 + REMEMBER_SECONDS))) == 1


@pytest.mark.parametrize(
    "pieces",
    [
        [by_hand(0, b"a"), by_hand(1, b"b", last=True, sm__sz=3), by_hand(0, b"a", sm__sz=3)],
        [by_hand(0, b"ab", last=True, sm__sz=3)],
        [by_hand(3, b"a"), by_hand(1, b"b", last=True)],
        [by_hand(1, b"a", last=True), by_hand(2, b"b")],
        [by_hand(1, b"a", last=True), by_hand(2, b"b", last=True)],
    ],
)
def test_what_does_not_fit_together_is_reported_to_both_sides(pieces: list[Piece]) -> None:
    receiver = StreamReceiver()
    events = feed(receiver, pieces)
    if len(pieces) == 3:  # the size is that of the first piece alone
        assert [one.payload for one in whole(events)] == [b"ab"]
        return
    (failed,) = [event for event in events if isinstance(event, StreamFailed)]
    assert failed.request_id == "r"
    assert "expected" in failed.reason
    (report,) = [event for event in events if isinstance(event, Piece) and event.headers["sm__dt"] == PieceType.ERROR]
    assert report.headers["sm__em"] == failed.reason
    assert receiver.open == 0


def test_a_sender_that_gives_up_ends_the_stream() -> None:
    receiver = StreamReceiver()
    gave_up = Piece(Topic.STREAM_DATA, {"sm__id": 7, "sm__dt": 6, "sm__os": 1, "sm__em": "no more"})
    events = feed(receiver, [by_hand(0, b"a"), gave_up])
    assert events == [StreamFailed("r", "the sender gave up: no more")]
    assert feed(receiver, [gave_up, by_hand(1, b"b", last=True)]) == []


def test_an_error_after_the_end_means_nothing() -> None:
    """Servers of 2.9 send one to clients of 2.8 after each long reply."""
    receiver = StreamReceiver()
    late = Piece(Topic.STREAM_DATA, {"sm__id": 7, "sm__dt": 6, "sm__os": 1, "sm__em": "doesn't support"})
    assert len(whole(feed(receiver, [by_hand(0, b"a", last=True), late]))) == 1


def test_memory_of_all_streams_together_is_bounded() -> None:
    receiver = StreamReceiver(dataclasses.replace(DEFAULT_LIMITS, held=3000))
    for number in range(3):
        assert feed(receiver, [by_hand(1, b"x" * 1000, sm__id=number)]) == []
    report, failed = feed(receiver, [by_hand(1, b"x", sm__id=3)])
    assert isinstance(report, Piece)
    assert isinstance(failed, StreamFailed)
    assert "at most 3,000 bytes in all streams" in failed.reason
    assert receiver.open == 3
    assert whole(feed(receiver, [by_hand(0, b"", sm__id=0), by_hand(2, b"", last=True, sm__id=0)]))


def test_the_end_of_a_short_stream_need_not_be_acknowledged() -> None:
    receiver = StreamReceiver(always_acknowledges=False)
    (alone,) = feed(receiver, StreamSender(5).send("ch", "tp", b"x", 0.0))
    assert isinstance(alone, StreamReceived)
    repeated = by_hand(0, b"x", last=True, sm__rs=True)
    assert acks(feed(receiver, [repeated])) == [(1, 0)]
    assert acks(feed(receiver, StreamSender(9).send("ch", "tp", bytes(5 * CHUNK_SIZE), 0.0)))[-1] == (5 * CHUNK_SIZE, 4)


def test_memory_is_bounded_in_bytes_in_pieces_and_in_streams() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, stream=10, streams=2)
    receiver = StreamReceiver(limits)
    (_, failed) = feed(receiver, [by_hand(1, b"12345"), by_hand(2, b"123456")])
    assert isinstance(failed, StreamFailed)
    events = feed(StreamReceiver(), [by_hand(n + 1, b"") for n in range(2000)])
    assert [type(event) for event in events] == [Piece, StreamFailed]
    receiver = StreamReceiver(limits)
    events = feed(receiver, [by_hand(0, b"", sm__id=n) for n in range(3)])
    assert [event.reason for event in events if isinstance(event, StreamFailed)] == ["2 streams are open already"]
    assert receiver.open == 2


@pytest.mark.parametrize(
    "headers", [{"sm__id": None}, {"sm__id": "7"}, {"sm__dt": 9}, {"sm__dt": True}, {"sm__sq": -1}, {"sm__sq": 1.5}]
)
def test_a_piece_without_its_numbers_is_a_fault(headers: dict[str, Any]) -> None:
    receiver = StreamReceiver()
    with pytest.raises(RemoteProtocolError):
        feed(receiver, [by_hand(0, b"a", **headers)])
    assert receiver.open == 0


# --- sending ------------------------------------------------------------------------------------------------------


def ack(offset: Any, **headers: Any) -> dict[str, Any]:
    return {"sm__id": 1, "sm__dt": 3, "sm__os": offset, "sm__sq": 0, **headers}


def test_a_sender_stays_within_the_window_and_goes_on_with_acknowledgements() -> None:
    sender = StreamSender(1)
    first = sender.send("c", "t", bytes(WINDOW + 3 * CHUNK_SIZE), 0.0)
    assert sum(len(piece.payload) for piece in first) == WINDOW
    assert sender.waiting == 1
    assert sender.receive_ack(ack(0), 1.0) == []
    more = sender.receive_ack(ack(2 * CHUNK_SIZE), 1.0)
    assert isinstance(more, list)
    assert len(more) == 2
    rest = sender.receive_ack(ack(4 * CHUNK_SIZE), 2.0)
    assert isinstance(rest, list)
    assert [piece.headers["sm__dt"] for piece in rest] == [2]
    assert sender.waiting == 0
    assert sender.receive_ack(ack(5 * CHUNK_SIZE), 2.0) == []


@pytest.mark.parametrize("headers", [ack(10**12), ack("x"), ack(-1), ack(0, sm__id=99), ack(0, sm__id="1"), {}])
def test_odd_acknowledgements_mean_nothing(headers: dict[str, Any]) -> None:
    sender = StreamSender(1)
    sender.send("c", "t", bytes(WINDOW + 1), 0.0)
    assert sender.receive_ack(headers, 1.0) == []
    assert sender.waiting == 1


def test_a_receiver_that_gives_up_ends_the_stream() -> None:
    sender = StreamSender(1)
    sender.send("c", "t", bytes(WINDOW + 1), 0.0, request_id="r")
    assert sender.receive_ack(ack(0, sm__dt=6, sm__em="full"), 1.0) == StreamFailed("r", "the receiver gave up: full")
    assert sender.waiting == 0


def test_acknowledgements_that_never_come_end_the_stream() -> None:
    sender = StreamSender(1)
    sender.send("c", "t", bytes(WINDOW + 1), 100.0, request_id="r")
    assert sender.stalled(100.0 + PROGRESS_SECONDS) == []
    (failed,) = sender.stalled(101.0 + PROGRESS_SECONDS)
    assert failed.request_id == "r"
    assert sender.waiting == 0


def test_ids_are_never_used_again() -> None:
    sender = StreamSender(1000)
    ids = [sender.send("c", "t", b"", 0.0)[0].headers["sm__id"] for _ in range(3)]
    assert ids == [1000, 1001, 1002]
