"""The message that carries a frame over gRPC."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet.grpc_frame import decode_grpc_frame, encode_grpc_frame
from flare_client.protocol.errors import RemoteProtocolError


@given(sequence=st.integers(1, 2**31 - 1), data=st.binary(max_size=500))
def test_a_frame_comes_out_as_it_went_in(sequence: int, data: bytes) -> None:
    assert decode_grpc_frame(encode_grpc_frame(sequence, data)) == data


def test_unknown_fields_are_passed_over() -> None:
    fields = b"\x18\x05" + b"\x21" + bytes(8) + b"\x2d" + bytes(4) + b"\x32\x02ab"
    assert decode_grpc_frame(fields + encode_grpc_frame(7, b"frame") + fields) == b"frame"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        assert len(decode_grpc_frame(data)) <= len(data)


@pytest.mark.parametrize("message", [b"\x12\x05abc", b"\x08" + b"\xff" * 11, b"\x0b", b"\x12"])
def test_a_message_that_ends_early_is_refused(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_grpc_frame(message)
