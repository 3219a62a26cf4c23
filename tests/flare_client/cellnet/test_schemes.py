"""The codecs of the schemes against the other side of their libraries, however the bytes are cut."""

from __future__ import annotations

from collections.abc import Callable

import h2.config
import h2.connection
import h2.events
import pytest
from websockets.http11 import Request
from websockets.server import ServerProtocol

from flare_client.cellnet.schemes import FrameCodec, make_codec
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

    def answer(data: bytes) -> bytes:
        for event in wire.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                wire.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
                for number, frame in enumerate(frames):
                    message = encode_grpc_frame(number + 1, frame)
                    data = b"\0" + len(message).to_bytes(4, "big") + message
                    for start in range(0, len(data), 16_000):
                        wire.send_data(1, data[start : start + 16_000])
        return wire.data_to_send()

    return answer


SERVERS = {Scheme.TCP: tcp_server, Scheme.HTTP: websocket_server, Scheme.GRPC: grpc_server}


def codec_of(scheme: Scheme) -> FrameCodec:
    return make_codec(scheme, "127.0.0.1", 1, is_secure=False, limits=LIMITS)


def converse(scheme: Scheme, frames: list[bytes], cut: int) -> list[Frame | BadFrame]:
    codec, server = codec_of(scheme), SERVERS[scheme](frames)
    found: list[Frame | BadFrame] = []
    sent = b"".join(codec.data_to_send())
    answer = server(sent)
    while answer:
        for start in range(0, len(answer), cut):
            found += codec.receive(answer[start : start + cut])
        answer = server(b"".join(codec.data_to_send())) if scheme is not Scheme.TCP else b""
    return found


@pytest.mark.parametrize("cut", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_frames_arrive_however_the_bytes_are_cut(scheme: Scheme, cut: int) -> None:
    found = converse(scheme, FRAMES, cut)
    assert [frame.headers["n"] for frame in found if isinstance(frame, Frame)] == list(range(40))
    assert [frame.payload for frame in found if isinstance(frame, Frame)] == [bytes([n]) * (n * 700) for n in range(40)]


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
