"""Bytes in several blocks: how they are cut, gathered, packed and unpacked, and how much memory they may take."""

from __future__ import annotations

import itertools
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet import apart, fobs
from flare_client.protocol.cellnet.blocks import LARGE, Blocks, blocks_of, part_of
from flare_client.protocol.cellnet.gathering import Buffers, Gathering, MessageReader
from flare_client.protocol.cellnet.packing import pack
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS

BIG = bytes(range(256)) * 1024
CONTENT = {"status": "ok", "state": {"received_bytes": 7}, "data": BIG, "more": [1, None, 2.5, "x" * 300]}


def cut(data: bytes, size: int) -> Blocks:
    return Blocks(data[start : start + size] for start in range(0, len(data), size))


@given(st.lists(st.binary(max_size=6)), st.integers(-2, 30), st.integers(-2, 30))
def test_blocks_are_read_as_one_row(parts: list[bytes], start: int, end: int) -> None:
    whole, blocks = b"".join(parts), Blocks(parts)
    assert (len(blocks), bytes(blocks), blocks == whole, blocks == Blocks([whole])) == (len(whole), whole, True, True)
    assert bytes(blocks.part(start, end)) == whole[max(start, 0) : max(end, 0)]
    assert hash(blocks) == hash(Blocks([whole]))
    assert blocks != whole + b"x"
    assert blocks != 7


def test_nothing_is_copied_where_a_part_is_taken() -> None:
    part = Blocks([b"ab", BIG]).part(1, 100)
    assert [block.obj for block in part.parts] == [b"ab", BIG]
    assert blocks_of(part)[1].obj is BIG  # type: ignore[union-attr]
    assert blocks_of(b"x") == (b"x",)
    assert part_of(b"abc", 1, 2) == b"b"
    assert repr(part) == "<99 bytes in 2 blocks>"


# --- messages in parts ------------------------------------------------------------------------------------------------


def length_of(prefix: bytes) -> int:
    if prefix[0] == 0xFF:
        raise RemoteProtocolError("impossible")
    return 3 + int.from_bytes(prefix, "big")


def message(size: int) -> bytes:
    return size.to_bytes(3, "big") + BIG[:size]


MESSAGES = [message(size) for size in (0, 1, 5000, LARGE - 4, LARGE - 3, LARGE, 200_000, 2)]


@pytest.mark.parametrize("size", [1, 2, 3, 4096, 65_536, 70_000, 1 << 20])
def test_messages_arrive_however_the_bytes_are_cut_and_whatever_becomes_of_them(size: int) -> None:
    reader, wire, found = MessageReader(3, length_of), b"".join(MESSAGES), []
    for start in range(0, len(wire), size):
        block = bytearray(wire[start : start + size])
        messages = reader.feed(memoryview(block))
        small = [bytes(one) if len(one) < LARGE else one for one in messages]
        block[:] = bytes(len(block))  # what is read next is read into the same place
        found += small
    assert found == MESSAGES


def test_a_reader_that_failed_fails_again() -> None:
    for wire in ([b"\xff\xff\xff", b"x", b""], [b"\xff", b"\xff\xff", b"more"]):
        reader = MessageReader(3, length_of)
        if len(wire[0]) == 1:
            assert reader.feed(wire.pop(0)) == []
        for block in wire:
            with pytest.raises(RemoteProtocolError, match="impossible"):
                reader.feed(block)


def test_no_more_memory_is_taken_than_bytes_have_come() -> None:
    buffers = Buffers()
    reader = MessageReader(3, length_of, buffers)
    reader.feed(message(0xFEFFFF)[:4000])
    assert not buffers._known  # a length alone is worth nothing
    for _ in range(100):
        reader.feed(bytes(10_000))
    assert sum(map(len, buffers._known)) <= 1_004_000 + 2 * LARGE


def test_bytes_that_come_one_by_one_take_no_more_than_others() -> None:
    gathering = Gathering(Buffers())
    for byte in BIG[:100_000]:
        gathering.add(memoryview(bytes((byte,))))
    assert len(gathering) == 100_000
    found = gathering.take()
    assert found == BIG[:100_000]
    assert len(found.parts) < 2 * 100_000 // 4096 + 2
    assert len(gathering) == 0


def test_a_buffer_is_used_again_once_nobody_looks_at_it_and_no_sooner() -> None:
    buffers = Buffers()
    first = buffers.take()
    place = first.obj
    first[:3] = b"abc"
    seen = first[1:3]
    del first
    second = buffers.take()
    second[:3] = b"xyz"
    assert bytes(seen) == b"bc"
    del seen
    assert buffers.take().obj is place


def test_buffers_that_are_not_given_back_are_not_kept_for_ever() -> None:
    buffers = Buffers()
    held = [buffers.take() for _ in range(300)]
    assert len({id(one.obj) for one in held}) == 300
    assert len(buffers._known) == 256


# --- large values apart -----------------------------------------------------------------------------------------------


def test_large_values_are_packed_uncopied() -> None:
    packed = apart.pack_apart(CONTENT)
    assert bytes(packed) == pack(CONTENT)
    assert any(block.obj is BIG for block in packed.parts)
    encoded = fobs.encode_apart({"a": BIG, "b": [BIG]})
    assert bytes(encoded) == fobs.encode({"a": BIG, "b": [BIG]})
    assert isinstance(fobs.encode_apart({"a": b"small"}), bytes)


@pytest.mark.parametrize("wrong", [object(), {"a": {1, 2}}, [1 << 80]])
def test_what_is_no_plain_type_is_not_packed_apart_either(wrong: Any) -> None:
    with pytest.raises(LocalProtocolError, match="expected plain types"):
        apart.pack_apart([BIG, wrong])


@pytest.mark.parametrize("size", [1 << 20, 100_000, 7777])
def test_large_values_are_unpacked_uncopied(size: int) -> None:
    found = apart.unpack_apart(cut(pack(CONTENT), size))
    assert found == CONTENT
    assert isinstance(found["data"], Blocks)
    assert isinstance(fobs.decode(cut(fobs.encode(CONTENT), size))["data"], Blocks)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_where_the_cuts_are_makes_no_difference(size: int) -> None:
    wire = fobs.encode(CONTENT)
    start = wire.index(BIG)
    blocks = Blocks([*cut(wire[: start + 8], size).parts, wire[start + 8 :]])
    assert fobs.decode(blocks) == CONTENT


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=40), inner, max_size=5),
    max_leaves=20,
)


@given(PLAIN, st.integers(1, 50))
def test_anything_else_is_unpacked_as_ever(content: Any, size: int) -> None:
    wire = pack({"data": BIG, "x": content})
    start = len(wire) - len(pack(content))
    found = apart.unpack_apart(Blocks([wire[:start], *cut(wire[start:], size).parts]))
    assert repr(found["x"]) == repr(msgpack.unpackb(pack(content), strict_map_key=False))
    assert found["data"] == BIG


@pytest.mark.parametrize(
    "wire",
    [
        pack(CONTENT)[:-1],
        pack(CONTENT) + b"x",
        pack(BIG)[:-1],
        b"\x92" + pack(BIG) + msgpack.packb(msgpack.ExtType(0, bytes(4))),
        b"\x92" + msgpack.packb(msgpack.ExtType(0, bytes(4))) + pack(BIG),
        b"\x92" + pack(BIG) + b"\xc1",
        b"\x91" * 70 + pack(BIG),
        b"\xdd\xff\xff\xff\xff" + pack(BIG),
        b"\xc6\xff\xff\xff\xff" + BIG,
    ],
    ids=["short", "long", "short value", "extension", "extension first", "no token", "deep", "many", "announced"],
)
def test_a_fault_is_a_fault_in_blocks_too(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        apart.unpack_apart(cut(wire, 50_000))


def test_an_object_of_many_parts_is_decoded_in_the_usual_way() -> None:
    many = [*range(1000), BIG]
    found = apart.unpack_apart(cut(pack(many), 10_000))
    assert found == many
    assert isinstance(found[-1], bytes)


def test_datums_may_lie_in_blocks() -> None:
    datum = BIG * (fobs.DATUM_SIZE // len(BIG))
    wire = fobs.encode({"a": datum})
    assert fobs.decode(cut(wire, 1 << 20)) == {"a": datum}
    assert fobs.decode(fobs.encode_apart({"a": datum})) == {"a": datum}


@pytest.mark.parametrize("size", [0, 1, 9, 10, 200_000])
def test_a_payload_that_is_cut_short_is_refused_in_blocks_too(size: int) -> None:
    wire = fobs.encode(CONTENT)[:size]
    with pytest.raises(RemoteProtocolError):
        fobs.decode(cut(wire, 3000), DEFAULT_LIMITS)


def test_no_two_messages_share_a_buffer() -> None:
    reader = MessageReader(3, length_of)
    first, second = reader.feed(message(100_000) + message(100_000))
    places = [{id(block.obj) for block in one.parts} for one in (first, second)]
    assert not any(one & other for one, other in itertools.combinations(places, 2))
