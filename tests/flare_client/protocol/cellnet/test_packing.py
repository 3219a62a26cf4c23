"""msgpack of a peer: plain types, and no more memory than the data is worth."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet.packing import Packer, pack, unpack
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError

_LEAVES = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False)
plain = st.recursive(
    _LEAVES | st.text() | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text() | st.integers(-9, 9), inner, max_size=20),
    max_leaves=60,
)


@given(plain)
def test_what_was_packed_is_unpacked(content: Any) -> None:
    assert unpack(pack(content)) == content


@given(plain, plain)
def test_a_packer_goes_on_after_what_it_cannot_encode(content: Any, more: Any) -> None:
    packer = Packer()
    assert unpack(packer.pack(content)) == content
    with pytest.raises(LocalProtocolError, match="expected plain types"):
        packer.pack([content, object()])
    assert packer.pack(more) == pack(more)


@given(st.binary(max_size=40), st.integers(0, 20))
def test_noise_is_refused_or_is_what_msgpack_reads(data: bytes, size: int) -> None:
    data = bytes([0x90 + size % 16]) + data
    try:
        found = unpack(data)
    except RemoteProtocolError:
        return
    assert repr(found) == repr(msgpack.unpackb(data, strict_map_key=False))


@pytest.mark.parametrize("size", [0, 31, 32, 255, 256, 65535, 65536])
def test_sizes_of_every_width_are_read(size: int) -> None:
    for content in ("x" * size, b"x" * size, [None] * size, dict.fromkeys(range(size))):
        assert unpack(pack(content)) == content
        with pytest.raises(RemoteProtocolError):
            unpack(pack(content)[:-1])


@pytest.mark.parametrize("kind", [b"\xdd", b"\xdf"])
def test_lists_that_announce_what_never_comes_cost_nothing(kind: bytes) -> None:
    data = (kind + (60_000).to_bytes(4, "big")) * 1000 + bytes(60_000)
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError, match="cut short"):
            unpack(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut short"),
        (b"\xc1", "FormatError"),
        (b"\xd4\x05x", "type ExtType"),
        (b"\xd6\xff\x00\x00\x00\x01", "type Timestamp"),
        (b"\x81\xd6\xff\x00\x00\x00\x01\x01", "type Timestamp"),
        (b"\x92\x01", "cut short after 2 bytes"),
        (b"\xa5abc", "expected msgpack"),
        (b"\xc0\xc0", "expected msgpack"),
        (b"\x81\x90\x01", "expected msgpack"),
        (b"\xa1\xff", "expected msgpack"),
        (b"\x91" * 66 + b"\xc0", "64 levels"),
    ],
)
def test_what_is_refused_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        unpack(data)


@pytest.mark.parametrize("around", [b"", b"\x91", b"\x81\xa1t", b"\x92\xff"])
@pytest.mark.parametrize("size", [4, 8, 12])
@pytest.mark.parametrize("form", ["fixed", "8 bits", "16 bits", "32 bits"])
def test_a_time_is_no_plain_type_in_whatever_form_it_comes(form: str, size: int, around: bytes) -> None:
    heads = {
        "fixed": {4: b"\xd6", 8: b"\xd7"}.get(size, b"\xc7\x0c"),
        "8 bits": bytes((0xC7, size)),
        "16 bits": bytes((0xC8, 0, size)),
        "32 bits": bytes((0xC9, 0, 0, 0, size)),
    }
    with pytest.raises(RemoteProtocolError, match="type Timestamp"):
        unpack(around + heads[form] + b"\xff" + bytes(size))


def test_the_deepest_that_is_allowed() -> None:
    assert unpack(b"\x91" * 64 + b"\xc0", 64)
    assert unpack(b"\x91" * 63 + b"\x90", 64)
    with pytest.raises(RemoteProtocolError, match="at most 64 levels"):
        unpack(b"\x91" * 64 + b"\x90", 64)
