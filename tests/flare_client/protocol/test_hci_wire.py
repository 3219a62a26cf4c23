"""The socket dialect, fed one byte at a time, in random pieces and all at once."""

from __future__ import annotations

import itertools
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flare_client.protocol.envelope import Envelope, ItemType, request, string
from flare_client.protocol.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from flare_client.protocol.hci.chunks import CHUNK_SIZE, encode_chunk, encode_end
from flare_client.protocol.hci.client import Answer, ClientConnection, FileEnd, ReplyReceived
from flare_client.protocol.hci.exchange import BodyData, encode_footer, encode_header
from flare_client.protocol.hci.server import (
    TRANSITIONS,
    Refusal,
    RequestEnd,
    RequestReceived,
    RequestRefused,
    ServerConnection,
    ServerEvent,
    State,
)
from flare_client.protocol.hci.text import ALL_END, TextReader, encode_text
from flare_client.protocol.limits import Limits
from flare_client.protocol.releases import PROFILES, profile_for

LIST_JOBS = request("list_jobs", "token")


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Cut data at the given places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    yield from (data[a:b] for a, b in itertools.pairwise(places))


def exchange(meta: bytes, body: bytes, checksum: int | None = None) -> bytes:
    crc = zlib.crc32(body) if checksum is None else checksum
    return encode_header(meta, len(body)) + body + encode_footer(crc)


def feed(server: ServerConnection, blocks: Iterator[bytes]) -> list[ServerEvent]:
    return [event for block in blocks for event in server.receive_data(block)]


cuts = st.lists(st.integers(min_value=0, max_value=10_000), max_size=20)


@given(cuts)
@example(list(range(2_000)))
def test_a_text_request_is_read_however_it_is_cut(places: list[int]) -> None:
    server = ServerConnection(profile_for("2.6"))
    (event,) = feed(server, pieces(encode_text(LIST_JOBS), places))
    assert isinstance(event, RequestReceived)
    assert event.envelope.first(ItemType.COMMAND) == "list_jobs"
    assert server.state is State.ANSWER


@given(st.binary(min_size=1, max_size=3_000), cuts)
@example(b"body", list(range(2_000)))
def test_an_exchange_is_read_however_it_is_cut(body: bytes, places: list[int]) -> None:
    server = ServerConnection(profile_for("2.6"))
    events = feed(server, pieces(exchange(LIST_JOBS.encode(), body), places))
    assert isinstance(events[0], RequestReceived)
    assert events[0].body_size == len(body)
    assert b"".join(e.data for e in events if isinstance(e, BodyData)) == body
    assert events[-1] == RequestEnd()


@given(st.binary(max_size=300), cuts)
def test_no_bytes_whatever_make_a_server_connection_raise(data: bytes, places: list[int]) -> None:
    for profile in PROFILES.values():
        server = ServerConnection(profile)
        events = feed(server, pieces(data, places)) + server.receive_eof()
        assert sum(isinstance(event, RequestRefused) for event in events) <= 1


def refusal(release: str, data: bytes, *, eof: bool = False, limits: Limits | None = None) -> RequestRefused:
    server = ServerConnection(profile_for(release), limits or Limits())
    events = server.receive_data(data)
    if eof:
        events += server.receive_eof()
    event = events[-1]
    assert isinstance(event, RequestRefused)
    return event


@pytest.mark.parametrize("release", list(PROFILES))
@pytest.mark.parametrize(
    "data", [b"hello\x03\x04", b'{"data":[]}\x03\x04', b'{"data":[{"type":"string","data":"x"}]}\x04', b"\x04"]
)
def test_a_text_that_is_no_request_is_a_violation(release: str, data: bytes) -> None:
    assert refusal(release, data).answer is Refusal.VIOLATION


def test_an_exchange_without_a_body_is_refused_with_its_reason() -> None:
    assert refusal("2.6", encode_header(LIST_JOBS.encode(), 0)).answer is Refusal.NO_DATA


def test_a_wrong_checksum_is_answered_with_the_end_marker_alone() -> None:
    event = refusal("2.6", exchange(LIST_JOBS.encode(), b"body", checksum=1))
    assert event.answer is Refusal.EMPTY
    assert "checksum" in event.reason


def test_a_wrong_end_marker_is_answered_with_the_end_marker_alone() -> None:
    data = encode_header(LIST_JOBS.encode(), 1) + b"x" + b"abcd" + bytes(4)
    assert refusal("2.6", data).answer is Refusal.EMPTY


@pytest.mark.parametrize(
    ("meta", "body", "answer"),
    [
        (LIST_JOBS.encode(), b"", Refusal.NO_DATA),
        (b"no envelope", b"abc", Refusal.VIOLATION),
        (LIST_JOBS.encode(), b"abc", Refusal.EMPTY),
    ],
)
def test_the_first_fault_of_an_exchange_counts_however_it_is_cut(meta: bytes, body: bytes, answer: Refusal) -> None:
    data = exchange(meta, body, checksum=1)
    by_byte = feed(ServerConnection(profile_for("2.6")), pieces(data, list(range(len(data)))))
    at_once = feed(ServerConnection(profile_for("2.6")), pieces(data, []))
    assert isinstance(by_byte[-1], RequestRefused)
    assert by_byte[-1].answer is answer
    assert at_once[-1] == by_byte[-1]
    assert type(at_once[0]) is type(by_byte[0])


def test_an_exchange_whose_envelope_is_none_is_a_violation() -> None:
    assert refusal("2.6", exchange(b"no json", b"body")).answer is Refusal.VIOLATION
    assert refusal("2.6", exchange(b"\xff\xfe", b"body")).answer is Refusal.VIOLATION


def test_releases_before_2_5_take_the_marker_of_an_exchange_for_text() -> None:
    assert refusal("2.4", exchange(LIST_JOBS.encode(), b"body") + b"\x04").answer is not Refusal.NO_DATA


@pytest.mark.parametrize(("release", "answer"), [("2.3", Refusal.SILENCE), ("2.6", Refusal.EMPTY)])
def test_text_that_is_no_utf_8_is_refused_as_the_release_does(release: str, answer: Refusal) -> None:
    assert refusal(release, b'{"data":\xff\x04').answer is answer


def test_the_end_of_the_bytes_is_the_end_of_a_request_where_the_release_takes_it_so() -> None:
    data = encode_text(LIST_JOBS).rstrip(b"\x04")
    server = ServerConnection(profile_for("2.6"))
    assert server.receive_data(data) == []
    assert isinstance(server.receive_eof()[0], RequestReceived)
    assert refusal("2.3", data, eof=True).answer is Refusal.SILENCE


@pytest.mark.parametrize(
    ("limits", "data", "name"),
    [
        (Limits(request_text=10), b"x" * 11, "request_text"),
        (Limits(exchange_meta=10), encode_header(b"x" * 11, 1), "exchange_meta"),
        (Limits(body=10), encode_header(LIST_JOBS.encode(), 11), "body"),
    ],
)
def test_a_broken_limit_is_a_refusal_that_names_it(limits: Limits, data: bytes, name: str) -> None:
    event = refusal("2.6", data, limits=limits)
    assert name in event.reason
    assert "10 bytes" in event.reason


def test_a_text_that_ends_over_the_limit_is_not_complete() -> None:
    reader = TextReader(10)
    with pytest.raises(LimitExceeded):
        reader.feed(b"x" * 11 + ALL_END)
    assert not reader.complete


def test_a_text_in_tiny_pieces_takes_no_more_memory_than_its_bytes() -> None:
    reader = TextReader(1_000_000)
    tracemalloc.start()
    try:
        for number in range(100_000):
            reader.feed(b"%c%c" % (5 + number % 100, 65))
        assert tracemalloc.get_traced_memory()[1] < 600_000
    finally:
        tracemalloc.stop()


def test_the_transitions_are_the_only_ones() -> None:
    for state, reachable in TRANSITIONS.items():
        assert state not in reachable
    server = ServerConnection(profile_for("2.6"))
    with pytest.raises(LocalProtocolError, match="complete request"):
        server.send_reply(LIST_JOBS)
    server.receive_data(encode_text(LIST_JOBS))
    server.send_reply(LIST_JOBS)
    with pytest.raises(LocalProtocolError):
        server.send_nothing()


def test_bytes_after_a_request_are_dropped() -> None:
    server = ServerConnection(profile_for("2.6"))
    assert len(server.receive_data(encode_text(LIST_JOBS) + encode_text(LIST_JOBS))) == 1
    assert server.receive_data(b"more") == []


# --- the client's side ----------------------------------------------------------------------------------------


@given(cuts)
@example(list(range(2_000)))
def test_a_reply_is_read_however_it_is_cut(places: list[int]) -> None:
    reply = Envelope((string("Submitted job: é"),), {"status": "ok"}, "now")
    client = ClientConnection()
    events = [e for block in pieces(encode_text(reply), places) for e in client.receive_data(block)]
    (event,) = events
    assert isinstance(event, ReplyReceived)
    assert event.envelope is not None
    assert event.envelope.items == reply.items
    assert client.complete


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), cuts)
@example([b"one", b"two"], list(range(200)))
def test_a_chunked_file_is_read_however_it_is_cut(blocks: list[bytes], places: list[int]) -> None:
    data = b"".join(encode_chunk(n, block) for n, block in enumerate(blocks, 1))
    data += encode_end(zlib.crc32(b"".join(blocks)))
    client = ClientConnection(Answer.CHUNKED_FILE)
    events = [e for piece in pieces(data, places) for e in client.receive_data(piece)]
    assert b"".join(e.data for e in events if isinstance(e, BodyData)) == b"".join(blocks)
    assert events[-1] == FileEnd()


@given(st.binary(max_size=500), cuts)
def test_a_binary_file_is_read_however_it_is_cut(body: bytes, places: list[int]) -> None:
    client = ClientConnection(Answer.BINARY_FILE)
    events = [e for piece in pieces(exchange(b"", body), places) for e in client.receive_data(piece)]
    assert b"".join(e.data for e in events if isinstance(e, BodyData)) == body
    assert events[-1] == FileEnd()


@pytest.mark.parametrize("answer", [Answer.CHUNKED_FILE, Answer.BINARY_FILE])
def test_text_in_the_place_of_a_file_is_read_as_a_reply(answer: Answer) -> None:
    (event,) = ClientConnection(answer).receive_data(encode_text(Envelope((string("no"),))))
    assert isinstance(event, ReplyReceived)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encode_chunk(2, b"x"), "frame number 1"),
        (encode_chunk(1, b"x") + encode_chunk(1, b"x"), "frame number 2"),
        (encode_chunk(1, b"x") + encode_end(5), "checksum"),
        (encode_chunk(1, b"") + b"\x50" + bytes(8), "frame marker"),
        (b"\x65" + (1).to_bytes(4, "big") + (CHUNK_SIZE + 1).to_bytes(4, "big"), "at most"),
        (b"\x66" + (7).to_bytes(4, "big") + bytes(4), "expected 0"),
    ],
)
def test_a_broken_chunked_file_is_the_servers_error(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        ClientConnection(Answer.CHUNKED_FILE).receive_data(data)


def test_a_file_over_the_limit_is_refused_while_it_comes() -> None:
    client = ClientConnection(Answer.CHUNKED_FILE, Limits(body=3))
    with pytest.raises(LimitExceeded) as caught:
        client.receive_data(encode_chunk(1, b"four"))
    assert (caught.value.limit, caught.value.allowed, caught.value.got) == ("body", 3, 4)


def test_an_answer_cut_short_is_told_from_no_answer() -> None:
    with pytest.raises(RemoteProtocolError, match="after nothing"):
        ClientConnection().receive_eof()
    client = ClientConnection()
    client.receive_data(b"{")
    with pytest.raises(RemoteProtocolError, match="only a part"):
        client.receive_eof()


def test_the_last_line_of_a_reply_counts_and_an_earlier_meta_is_kept() -> None:
    first = b'{"data":[{"type":"string","data":"a"}],"meta":{"status":"ok"}}\x03'
    data = first + b'{"data":[{"type":"string","data":"b"}]}\x03\x04'
    (event,) = ClientConnection().receive_data(data)
    assert isinstance(event, ReplyReceived)
    assert event.envelope is not None
    assert event.envelope.first(ItemType.STRING) == "b"
    assert event.envelope.meta == {"status": "ok"}


def test_the_end_marker_alone_is_a_reply_without_an_envelope() -> None:
    assert ClientConnection().receive_data(b"\x04") == [ReplyReceived(None)]
