"""Whole messages of a WebSocket: told from the rest as the library reads them, and written so that it reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.utils import apply_mask

from flare_client.protocol.cellnet.blocks import LARGE, Blocks, Content
from flare_client.protocol.cellnet.websocket_messages import WholeMessages, binary_message
from tests.flare_client.protocol.cellnet.websocket_reading import by_the_library, with_whole_messages

LIMIT = 4 * LARGE
SIZES = (0, 1, 125, 126, 127, 0xFFFE, 0xFFFF, LARGE, LARGE + 1, 3 * LARGE)


def content_of(size: int, blocks: int) -> Content:
    data = bytes(index % 251 for index in range(size))
    if blocks == 1:
        return data
    step = -(-size // blocks) or 1
    return Blocks(data[start : start + step] for start in range(0, size, step))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_the_library_reads(size: int, blocks: int, masked: bool) -> None:
    content = content_of(size, blocks)
    wire = b"".join(binary_message(content, apply_mask if masked else None))
    assert by_the_library(wire, masked=masked, limit=LIMIT) == ([("whole", bytes(content))], "OPEN, NoneType: None")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_read_again_in_one_piece_each(size: int, masked: bool) -> None:
    content = content_of(size, 1)
    wire = b"".join(binary_message(content, apply_mask if masked else None)) * 2
    messages = WholeMessages(LIMIT, apply_mask if masked else None)
    list(messages.feed(b"\r\n\r\n"))
    assert [bytes(one) for one in messages.feed(wire) if not isinstance(one, tuple)] == [content, content]


def test_two_masks_are_not_the_same() -> None:
    assert len({bytes(binary_message(b"x" * 40, apply_mask)[0]) for _ in range(8)}) > 1


frames = st.builds(
    Frame,
    opcode=st.sampled_from(list(Opcode)),
    data=st.one_of(
        st.binary(max_size=130),
        st.integers(0xFFF0, LARGE + 16).map(bytes),
        st.integers(0, 3).map(lambda n: bytes(n << 16)),
    ),
    fin=st.booleans(),
    rsv1=st.integers(0, 40).map(lambda number: number == 0),
)


@given(
    parts=st.lists(st.one_of(frames, frames, st.binary(max_size=12)), max_size=6),
    masked=st.booleans(),
    otherwise=st.integers(0, 20).map(lambda number: number == 0),
    cut=st.sampled_from([1, 2, 3, 700, 5000, 1 << 20]),
    limit=st.sampled_from([100, LARGE, LIMIT]),
)
def test_whatever_comes_is_read_as_by_the_library_alone(
    parts: list[Frame | bytes], masked: bool, otherwise: bool, cut: int, limit: int
) -> None:
    # Frames that a side should not send make a `serialize` that checks raise; they come as plain bytes elsewhere.
    wire = b"".join(
        part if isinstance(part, bytes) else _serialized(part, masked=masked is not otherwise) for part in parts
    )
    if cut < 100:
        wire = wire[:3000]
    alone = by_the_library(wire, masked=masked, limit=limit)
    assert with_whole_messages(wire, masked=masked, limit=limit, cut=cut) == alone


def _serialized(frame: Frame, *, masked: bool) -> bytes:
    try:
        return frame.serialize(mask=masked)
    except ProtocolError:  # of a frame that nobody may send
        return b""
