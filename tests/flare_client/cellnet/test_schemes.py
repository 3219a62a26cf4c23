"""The codecs of the schemes against the other side of their libraries, however the bytes are cut."""

from __future__ import annotations

from collections.abc import Callable

import h2.config
import h2.connection
import h2.events
import pytest
from websockets.frames import Frame as WebSocketFrame
from websockets.http11 import Request
from websockets.server import ServerProtocol

from flare_client.cellnet.schemes import FrameCodec, make_codec
from flare_client.protocol.cellnet.blocks import Blocks
from flare_client.protocol.cellnet.gathering import MessageReader
from flare_client.protocol.cellnet.grpc_frame import decode_grpc_frame, encode_grpc_frame
from flare_client.protocol.cellnet.kit import Scheme
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameEncoder
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import Limits

LIMITS = Limits(frame=64 * 1024)
ENCODER = FrameEncoder()
FRAMES = [ENCODER.data({"n": number}, bytes([number]) * (number * 700)) for number in range(40)]
HELLO = ENCODER.data({"hello": True}, b"x" * 100)

Server = Callable[[bytes], bytes]
"""Takes what the client sent, and returns what the server sends."""


def tcp_server(frames: list[bytes]) -> Server:
    return lambda _: b"".join(frames)


def websocket_server(frames: list[bytes]) -> Server:
    wire = ServerProtocol(extensions=None)

    def answer(data: bytes) -> bytes:
        wire.receive_data(data)
        for event in wire.events_received():
            if isinstance(event, Request):
                wire.send_response(wire.accept(event))
                for frame in frames:
                    wire.send_binary(frame)
        return b"".join(wire.data_to_send())

    return answer


def grpc_server(frames: list[bytes]) -> Server:
    wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    wire.initiate_connection()
    waiting: list[bytes] = []

    def answer(data: bytes) -> bytes:
        for event in wire.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                wire.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
                for number, frame in enumerate(frames):
                    message = encode_grpc_frame(number + 1, frame)
                    waiting.append(b"\0" + len(message).to_bytes(4, "big") + message)
        while waiting and (room := min(wire.local_flow_control_window(1), wire.max_outbound_frame_size)):
            wire.send_data(1, waiting[0][:room])
            waiting[0] = waiting[0][room:]
            if not waiting[0]:
                waiting.pop(0)
        return wire.data_to_send()

    return answer


SERVERS = {Scheme.TCP: tcp_server, Scheme.HTTP: websocket_server, Scheme.GRPC: grpc_server}


LARGE = Limits(frame=4 << 20)
LARGE_FRAMES = [
    ENCODER.data({"n": number}, bytes([number]) * size)
    for number, size in enumerate((65_500, 3, 65_600, 200_000, 0, 1_500_000, 1_500_000, 10))
]


def codec_of(scheme: Scheme) -> FrameCodec:
    return make_codec(scheme, "127.0.0.1", 1, is_secure=False, limits=LIMITS)


def converse(scheme: Scheme, frames: list[bytes], cut: int, limits: Limits = LIMITS) -> list[Frame | BadFrame]:
    codec = make_codec(scheme, "127.0.0.1", 1, is_secure=False, limits=limits)
    server = SERVERS[scheme](frames)
    found: list[Frame | BadFrame] = []
    sent = b"".join(codec.data_to_send())
    answer = server(sent)
    while answer:
        for start in range(0, len(answer), cut):
            place = bytearray(answer[start : start + cut])
            found += codec.receive(memoryview(place))
            place[:] = bytes(len(place))  # where the next bytes will be put; nothing of these may be needed still
        answer = server(b"".join(codec.data_to_send())) if scheme is not Scheme.TCP else b""
    return found


@pytest.mark.parametrize("cut", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_frames_arrive_however_the_bytes_are_cut(scheme: Scheme, cut: int) -> None:
    found = converse(scheme, FRAMES, cut)
    assert [frame.headers["n"] for frame in found if isinstance(frame, Frame)] == list(range(40))
    assert [frame.payload for frame in found if isinstance(frame, Frame)] == [bytes([n]) * (n * 700) for n in range(40)]


@pytest.mark.parametrize("cut", [3, 16_384, 131_072, 1 << 24])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_large_frames_arrive_however_the_bytes_are_cut(scheme: Scheme, cut: int) -> None:
    found = converse(scheme, LARGE_FRAMES if cut > 3 else LARGE_FRAMES[:5], cut, LARGE)
    again = [ENCODER.data(frame.headers, bytes(frame.payload)) for frame in found if isinstance(frame, Frame)]
    expected = LARGE_FRAMES if cut > 3 else LARGE_FRAMES[:5]
    assert [frame[16:] for frame in again] == [frame[16:] for frame in expected]


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_frame_over_the_limit_ends_the_connection(scheme: Scheme) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        converse(scheme, [ENCODER.data({}, b"x" * 100_000)], 1 << 20)
    assert isinstance(caught.value, LimitExceeded)
    assert caught.value.limit == "frame"


def test_a_frame_waits_for_the_upgrade() -> None:
    codec, answer = codec_of(Scheme.HTTP), websocket_server([])
    codec.send(HELLO)
    (request,) = codec.data_to_send()
    assert b"GET /f3 HTTP/1.1" in request
    assert HELLO not in request
    codec.receive(answer(request))
    assert len(b"".join(codec.data_to_send())) > len(HELLO)


@pytest.mark.parametrize("status", [b"404 Not Found", b"200 OK", b"500 Internal Server Error"])
def test_a_server_that_does_not_upgrade_is_none(status: bytes) -> None:
    codec = codec_of(Scheme.HTTP)
    with pytest.raises(RemoteProtocolError, match="expected the upgrade to a WebSocket at /f3"):
        codec.receive(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")


def test_text_is_dropped_and_a_close_ends_it_after_what_came_before() -> None:
    wire = ServerProtocol(extensions=None)
    codec = codec_of(Scheme.HTTP)
    wire.receive_data(b"".join(codec.data_to_send()))
    (request,) = wire.events_received()
    assert isinstance(request, Request)
    wire.send_response(wire.accept(request))
    wire.send_text(b"hello")
    wire.send_binary(FRAMES[1])
    wire.send_close(1001)
    bad, frame = codec.receive(b"".join(wire.data_to_send()))
    assert isinstance(bad, BadFrame)
    assert isinstance(frame, Frame)
    assert "closed the WebSocket (1001)" in str(codec.ended)


def test_the_window_of_the_server_is_kept() -> None:
    codec = codec_of(Scheme.GRPC)
    wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    wire.initiate_connection()
    frame = ENCODER.data({}, bytes(300_000))
    codec.send(frame)
    received = bytearray()
    for _ in range(100):
        for event in wire.receive_data(b"".join(codec.data_to_send())):
            if isinstance(event, h2.events.DataReceived):
                received += event.data or b""
                wire.acknowledge_received_data(event.flow_controlled_length or 0, 1)
        codec.receive(wire.data_to_send())
    assert decode_grpc_frame(bytes(received[5:])) == frame


@pytest.mark.parametrize("trailers", [[("grpc-status", "14"), ("grpc-message", "gone")], []])
def test_the_end_of_the_stream_is_told_after_what_came_before(trailers: list[tuple[str, str]]) -> None:
    codec = codec_of(Scheme.GRPC)
    wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    wire.initiate_connection()
    wire.receive_data(b"".join(codec.data_to_send()))
    wire.send_headers(1, [(":status", "200")])
    message = encode_grpc_frame(1, FRAMES[1])
    wire.send_data(1, b"\0" + len(message).to_bytes(4, "big") + message)
    if trailers:
        wire.send_headers(1, trailers, end_stream=True)
    else:
        wire.end_stream(1)
    wire.close_connection(last_stream_id=1)
    (frame,) = codec.receive(wire.data_to_send())
    assert isinstance(frame, Frame)
    assert ("gone" if trailers else "ended the stream") in str(codec.ended)


@pytest.mark.parametrize("answer", [b"\0" * 50, b"HTTP/1.1 200 OK\r\n\r\n", b"\xff" * 9])
def test_garbage_is_no_http2(answer: bytes) -> None:
    codec = codec_of(Scheme.GRPC)
    with pytest.raises(RemoteProtocolError, match="expected HTTP/2"):
        codec.receive(answer)
    codec.close()
    codec.send(HELLO)  # nothing is raised after the end, and nothing goes out
    assert HELLO not in b"".join(codec.data_to_send())


def test_a_compressed_message_is_refused() -> None:
    codec, answer = codec_of(Scheme.GRPC), grpc_server([])
    codec.receive(answer(b"".join(codec.data_to_send())))
    wire_frame = b"\x00\x00\x05\x00\x00\x00\x00\x00\x01" + b"\x01\x00\x00\x00\x01"
    with pytest.raises(RemoteProtocolError, match="without compression"):
        codec.receive(wire_frame)


# --- large messages of a WebSocket ------------------------------------------------------------------------------------


def opened() -> tuple[FrameCodec, ServerProtocol]:
    """A codec after the upgrade, and the server's side."""
    codec = make_codec(Scheme.HTTP, "127.0.0.1", 1, is_secure=False, limits=LARGE)
    wire = ServerProtocol(extensions=None, max_size=None)
    wire.receive_data(b"".join(codec.data_to_send()))
    (request,) = wire.events_received()
    assert isinstance(request, Request)
    wire.send_response(wire.accept(request))
    codec.receive(b"".join(wire.data_to_send()))
    return codec, wire


BIG = LARGE_FRAMES[5]


@pytest.mark.parametrize("cut", [5, 100_000, 1 << 24])
def test_pings_and_messages_in_parts_may_stand_between_large_ones(cut: int) -> None:
    codec, wire = opened()
    big = BIG if cut > 5 else LARGE_FRAMES[2]
    wire.send_binary(big)
    wire.send_ping(b"there?")
    wire.send_binary(big[:70_000] if cut > 5 else big[:10], fin=False)
    wire.send_ping(b"still?")
    wire.send_continuation(big[70_000:] if cut > 5 else big[10:], fin=True)
    wire.send_binary(big)
    sent = b"".join(wire.data_to_send())
    found = [frame for start in range(0, len(sent), cut) for frame in codec.receive(sent[start : start + cut])]
    assert [len(frame.payload) for frame in found if isinstance(frame, Frame)] == 3 * [len(big) - len(big_head(big))]
    wire.receive_data(b"".join(codec.data_to_send()))
    assert [bytes(frame.data) for frame in wire.events_received()] == [b"there?", b"still?"]  # type: ignore[union-attr]


def big_head(frame: bytes) -> bytes:
    return frame[: 16 + int.from_bytes(frame[4:6], "big")]


def large_header(first: int, second: int, length: int) -> bytes:
    return bytes((first, second)) + length.to_bytes(8, "big")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (large_header(0xC2, 127, 70_000), "reserved bits"),
        (large_header(0x82, 255, 70_000) + bytes(4), "masking"),
        (large_header(0x83, 127, 70_000), "opcode"),
        (large_header(0x80, 127, 70_000), "continuation"),
        (large_header(0x82, 127, 1 << 63), "frame"),
        (large_header(0x82, 127, (4 << 20) + 1), "frame"),
    ],
)
@pytest.mark.parametrize("cut", [1, 1 << 24])
def test_faults_in_large_messages_are_found_by_the_library(header: bytes, reason: str, cut: int) -> None:
    codec, wire = opened()
    wire.send_binary(BIG)
    frames = codec.receive(b"".join(wire.data_to_send()))
    assert len(frames) == 1
    data = header + bytes(70_000)
    blocks = (data[start : start + cut] for start in range(0, len(data), cut))
    with pytest.raises(RemoteProtocolError, match=reason):
        list(map(codec.receive, blocks))


def test_a_large_message_in_the_middle_of_another_is_refused() -> None:
    codec, wire = opened()
    wire.send_binary(b"begun", fin=False)
    codec.receive(b"".join(wire.data_to_send()))
    with pytest.raises(RemoteProtocolError, match="continuation"):
        codec.receive(large_header(0x82, 127, len(BIG)) + BIG)


def test_a_large_message_must_be_one_whole_frame() -> None:
    codec, _ = opened()
    with pytest.raises(RemoteProtocolError, match="expected a frame of"):
        codec.receive(large_header(0x82, 127, len(BIG) + 1) + BIG + b"x")


def test_nothing_is_taken_after_a_close() -> None:
    codec, wire = opened()
    wire.send_binary(BIG)
    wire.send_close(1000)
    first = b"".join(wire.data_to_send())
    assert len(codec.receive(first)) == 1
    assert codec.receive(large_header(0x82, 127, len(BIG)) + BIG) == []


# --- plain DATA of HTTP/2 ---------------------------------------------------------------------------------------------


def http2_frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body


def accepted() -> tuple[FrameCodec, h2.connection.H2Connection]:
    codec = make_codec(Scheme.GRPC, "127.0.0.1", 1, is_secure=False, limits=LARGE)
    wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    wire.initiate_connection()
    wire.receive_data(b"".join(codec.data_to_send()))
    wire.send_headers(1, [(":status", "200")])
    codec.receive(wire.data_to_send())
    codec.data_to_send()
    return codec, wire


def grpc_message(frame: bytes) -> bytes:
    message = encode_grpc_frame(1, frame)
    return b"\0" + len(message).to_bytes(4, "big") + bytes(message)


def test_the_server_is_told_to_go_on_before_its_window_is_used_up() -> None:
    codec, wire = accepted()
    message, told, frames = grpc_message(BIG), 0, 0
    for _ in range(40):  # 60 MB, of windows of 16 MiB
        for start in range(0, len(message), 1 << 20):
            frames += len(codec.receive(http2_frame(0, 0, 1, message[start : start + (1 << 20)])))
        for event in wire.receive_data(b"".join(codec.data_to_send())):
            if isinstance(event, h2.events.WindowUpdated) and event.stream_id == 1:
                told += event.delta or 0
    assert frames == 40
    assert 0 <= 40 * len(message) - told < 8 << 20


def test_a_server_that_does_not_wait_for_its_window_is_not_held_in_memory() -> None:
    codec, _ = accepted()
    with pytest.raises(LimitExceeded):
        codec.receive(http2_frame(0, 0, 1, b"\0\x00\x50\x00\x00" + bytes(1000)))


@pytest.mark.parametrize("early", [True, False])
def test_data_before_the_answer_or_on_another_stream_is_refused(early: bool) -> None:
    codec = codec_of(Scheme.GRPC) if early else accepted()[0]
    with pytest.raises(RemoteProtocolError, match="expected HTTP/2"):
        codec.receive(http2_frame(4, 0, 0, b"") + http2_frame(0, 0, 1 if early else 3, grpc_message(FRAMES[1])))


def test_padded_data_and_plain_data_are_one_stream() -> None:
    codec, _ = accepted()
    message = grpc_message(LARGE_FRAMES[2])
    padded = bytes((7,)) + message[10_000:20_000] + bytes(7)
    found = codec.receive(http2_frame(0, 0, 1, message[:10_000]))
    found += codec.receive(http2_frame(0, 8, 1, padded) + http2_frame(0, 0, 1, message[20_000:]))
    (frame,) = found
    assert isinstance(frame, Frame)
    assert len(frame.payload) == 65_600


def test_plain_data_after_the_end_is_nothing() -> None:
    codec, wire = accepted()
    wire.end_stream(1)
    codec.receive(wire.data_to_send())
    assert codec.ended is not None
    assert codec.receive(http2_frame(0, 0, 1, grpc_message(FRAMES[1]))) == []


@pytest.mark.parametrize("scheme", [Scheme.HTTP, Scheme.GRPC])
@pytest.mark.parametrize("cut", [1, 3, 70_001, 1 << 20])
def test_a_large_frame_in_blocks_is_sent_between_small_ones(scheme: Scheme, cut: int) -> None:
    big = BIG if cut > 3 else LARGE_FRAMES[2]
    blocks = Blocks(big[start : start + cut] for start in range(0, len(big), cut))
    if scheme is Scheme.HTTP:
        codec, wire = opened()
        for frame in (HELLO, blocks, HELLO):
            codec.send(frame)
        wire.receive_data(b"".join(codec.data_to_send()))
        found = [bytes(event.data) for event in wire.events_received() if isinstance(event, WebSocketFrame)]
    else:
        codec, http2 = accepted()
        received = bytearray()
        for frame in (HELLO, blocks, HELLO):
            codec.send(frame)
        while sent := b"".join(codec.data_to_send()):
            for event in http2.receive_data(sent):
                if isinstance(event, h2.events.DataReceived):
                    received += event.data or b""
                    http2.acknowledge_received_data(event.flow_controlled_length or 0, 1)
            codec.receive(http2.data_to_send())
        reader = MessageReader(5, lambda prefix: 5 + int.from_bytes(prefix[1:], "big"))
        found = [bytes(decode_grpc_frame(one.part(5, len(one)))) for one in reader.feed(bytes(received))]
    assert found == [HELLO, big, HELLO]
