"""The message that carries a frame over gRPC: ``Frame { int32 seq = 1; bytes data = 2; }`` of proto3, by hand.

Source: official 2.7.3 and 2.9.0.
"""

from __future__ import annotations

from flare_client.protocol.cellnet.blocks import Blocks, Content, blocks_of, part_of
from flare_client.protocol.errors import RemoteProtocolError

_SEQ, _DATA = 0x08, 0x12
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def encode_grpc_frame(sequence: int, data: Content) -> Content:
    """Encode the message.

    Args:
        sequence: a running number from 1 on; nobody checks it.
        data: one frame; of several blocks none is copied.
    """
    head = b"".join((bytes((_SEQ,)), _varint(sequence), bytes((_DATA,)), _varint(len(data))))
    return head + data if isinstance(data, bytes) else Blocks((head, *blocks_of(data)))


def decode_grpc_frame(message: Content) -> Content:
    """Return the frame in a message; fields that are unknown are passed over, as proto3 wants it.

    Raises:
        RemoteProtocolError: it is no such message.
    """
    data: Content = b""
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            _, position = _read_varint(message, position)
            continue
        if kind == _BYTES:
            size, position = _read_varint(message, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise RemoteProtocolError(f"expected a field of a known wire type, but got {kind}")
        if position + size > len(message):
            raise RemoteProtocolError(f"expected a field of {size} bytes, but {len(message) - position} are left")
        if key == _DATA:
            data = part_of(message, position, position + size)
        position += size
    return data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read_varint(message: Content, position: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(bytes(part_of(message, position, position + _LONGEST_VARINT))):
        value |= (byte & 0x7F) << (7 * count)
        if not byte & 0x80:
            return value, position + count + 1
    raise RemoteProtocolError("expected a number of at most 10 bytes, but it does not end")
