"""Frames: the bytes of official peers, any cut, and hostile ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet.blocks import Blocks
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.cellnet.sfm import (
    BadFrame,
    Frame,
    FrameEncoder,
    FrameReader,
    FrameType,
    Greeting,
    decode_frame,
    read_greeting,
)
from flare_client.protocol.errors import LimitExceeded, LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS

ADMIN = "_admin_fdae6cb8-3e99-41c2-a639-ecb396f8899c"
OFFICIAL_HELLO = bytes.fromhex(
    "00000091000004000000000000010001"
    "83ad656e64706f696e745f6e616d65d92b5f61646d696e5f66646165366362382d336539392d343163322d613633392d6563623339366638"
    "38393963a974696d657374616d70cb41dac11027745777a46671636ed92b5f61646d696e5f66646165366362382d336539392d343163322d"
    "613633392d656362333936663838393963"
)
"""What the official client 2.9.0 sent first, to the byte."""
OFFICIAL_READY_PREFIX = bytes.fromhex("00000045000005000000000000010001")

HEADERS = st.dictionaries(
    st.text(max_size=20),
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary(),
    max_size=8,
)


def test_the_greeting_is_that_of_the_official_client_to_the_byte() -> None:
    timestamp = unpack(OFFICIAL_HELLO[16:])["timestamp"]
    assert FrameEncoder().greeting(FrameType.HELLO, ADMIN, timestamp) == OFFICIAL_HELLO
    assert read_greeting(read(OFFICIAL_HELLO)) == Greeting(ADMIN)


def test_the_answer_to_the_greeting_has_the_official_prefix() -> None:
    ready = FrameEncoder().greeting(FrameType.READY, "server", 1795440797.8194118)
    assert ready[:16] == OFFICIAL_READY_PREFIX
    assert len(ready) == 69


def test_numbers_run_as_official_ones_do() -> None:
    encoder = FrameEncoder()
    encoder.greeting(FrameType.HELLO, ADMIN, 0.0)
    first, second = encoder.data({"a": 1}), encoder.data({"a": 1})
    assert first[12:16] == bytes.fromhex("00110002")
    assert second[12:16] == bytes.fromhex("00120003")
    for _ in range(0x10000):
        last = encoder.ping()
    assert last[14:16] == second[14:16]


@pytest.mark.parametrize(("make", "kind"), [(FrameEncoder.ping, 6), (FrameEncoder.pong, 7)])
def test_signs_of_life_carry_nil(make: Any, kind: int) -> None:
    frame = read(make(FrameEncoder()))
    assert (frame.type, frame.payload) == (kind, b"\xc0")


def read(data: bytes) -> Frame:
    frame = decode_frame(data)
    assert isinstance(frame, Frame)
    return frame


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=300)), min_size=1, max_size=6), st.data())
def test_any_cut_gives_the_same_frames(contents: list[tuple[dict[str, Any], bytes]], data: st.DataObject) -> None:
    encoder = FrameEncoder()
    frames = [encoder.data(headers, payload) for headers, payload in contents]
    wire = b"".join(frames)
    expected = [Frame(FrameType.DATA, headers, payload) for headers, payload in contents]
    assert FrameReader().feed(wire) == expected
    assert [decode_frame(frame) for frame in frames] == expected
    reader, found = FrameReader(), []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        found += reader.feed(wire[:size])
        wire = wire[size:]
    assert found == expected


def test_one_byte_at_a_time() -> None:
    reader = FrameReader()
    found = [frame for byte in OFFICIAL_HELLO * 2 for frame in reader.feed(bytes([byte]))]
    assert found == [read(OFFICIAL_HELLO)] * 2


def patched(frame: bytes, offset: int, value: bytes) -> bytes:
    return frame[:offset] + value + frame[offset + len(value) :]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (patched(OFFICIAL_HELLO, 6, b"\x08"), "frame type"),
        (patched(OFFICIAL_HELLO, 6, b"\x00"), "frame type"),
        (patched(FrameEncoder().data({"a": 1}), 10, b"\x00\x02"), "app id"),
        (patched(FrameEncoder().data({"a": 1}), 4, b"\xff\xff"), "headers within a frame"),
        (patched(FrameEncoder().data({"a": 1}), 16, b"\xc1"), "msgpack"),
        (patched(FrameEncoder().data({"a": 1}), 16, b"\xa3abc"), "map of headers"),
    ],
)
def test_a_frame_that_makes_no_sense_is_dropped_and_the_next_is_read(frame: bytes, reason: str) -> None:
    bad, good = FrameReader().feed(frame + OFFICIAL_HELLO)
    assert isinstance(bad, BadFrame)
    assert reason in bad.reason
    assert good == read(OFFICIAL_HELLO)


def test_headers_without_names_are_bad() -> None:
    packed = pack({1: 2})
    frame = FrameEncoder().data({"a": 1})[:16] + packed
    frame = patched(frame, 0, len(frame).to_bytes(4, "big") + len(packed).to_bytes(2, "big"))
    assert isinstance(decode_frame(frame), BadFrame)


@pytest.mark.parametrize("length", [0, 15])
def test_an_impossible_length_ends_the_connection(length: int) -> None:
    with pytest.raises(RemoteProtocolError, match="at least 16 bytes"):
        FrameReader().feed(length.to_bytes(4, "big") + bytes(12))


def test_a_frame_over_the_limit_is_found_out_by_its_prefix() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, frame=1000)
    with pytest.raises(LimitExceeded, match="frame is 1,000 bytes"):
        FrameReader(limits).feed((1001).to_bytes(4, "big") + bytes(12))
    with pytest.raises(LimitExceeded):
        decode_frame(FrameEncoder().data({}, bytes(1000)), limits)


@pytest.mark.parametrize("data", [b"", bytes(15), OFFICIAL_HELLO[:-1], OFFICIAL_HELLO + b"x"])
def test_a_message_must_be_one_whole_frame(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_frame(data)


def test_headers_that_do_not_fit_their_size_field_are_refused_before_they_are_sent() -> None:
    with pytest.raises(LocalProtocolError, match="65535 bytes of headers"):
        FrameEncoder().data({"a": bytes(70_000)})


@pytest.mark.parametrize(
    "payload", [b"", b"\xc0", b"\xc1", b"\x80", pack({"endpoint_name": 3}), pack({"endpoint_name": ""})]
)
def test_a_greeting_without_a_name_is_a_fault(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_greeting(Frame(FrameType.HELLO, {}, payload))


# --- msgpack ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xdd\xff\xff\xff\xff",  # a list of 2^32 - 1
        b"\xdf\xff\xff\xff\xff",  # a map of 2^32 - 1
        b"\xc6\xff\xff\xff\xff",  # 2^32 - 1 bytes
        b"\xa2\xff\xfe",  # no UTF-8
        b"\xc0\xc0",  # two objects
        b"\xd4\x05x",  # an extension type
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\x81\x91\x01\x02",  # a list as a key
        b"\x91" * 100_000,  # nothing but depth
    ],
)
def test_hostile_msgpack_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        unpack(data)


def test_depth_is_bounded() -> None:
    assert unpack(b"\x91" * 5 + b"\x01", 5) == [[[[[1]]]]]
    with pytest.raises(RemoteProtocolError, match="at most 4 levels"):
        unpack(b"\x91" * 5 + b"\x01", 4)


@given(st.binary(max_size=200))
def test_noise_is_frames_or_a_protocol_error(data: bytes) -> None:
    try:
        found = FrameReader().feed(data)
    except RemoteProtocolError:
        assert len(data) >= 4  # no reader judges a length that is not there yet
    else:
        assert all(isinstance(one, (Frame, BadFrame)) for one in found)


def test_what_is_no_plain_type_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="plain types"):
        pack({"a": object()})


def test_a_large_payload_stays_in_its_blocks_and_a_small_one_does_not() -> None:
    blocks = Blocks([bytes(50_000), b"x" * 50_000])
    frame = FrameEncoder().data_apart({"a": 1}, blocks)
    assert isinstance(frame, Blocks)
    assert [part.obj for part in frame.parts[1:]] == [part.obj for part in blocks.parts]
    assert frame == FrameEncoder().data({"a": 1}, bytes(blocks))
    assert decode_frame(frame) == decode_frame(bytes(frame))
    # Whoever carries it counts on that: a WebSocket writes the length of a small message in another way.
    small = FrameEncoder().data_apart({"a": 1}, blocks.part(10, 20))
    assert isinstance(small, bytes)


def test_a_reader_that_failed_fails_again_also_while_the_first_fault_is_held() -> None:
    reader, faults = FrameReader(), []
    for block in (bytes(16), b"more", b""):
        with pytest.raises(RemoteProtocolError, match="its length is 0") as caught:
            reader.feed(block)
        faults.append(caught.value)
    assert len(faults) == 3
