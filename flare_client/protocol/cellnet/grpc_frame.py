"""The message that carries a frame over gRPC: ``Frame { int32 seq = 1; bytes data = 2; }`` of proto3, by hand.

Source: official 2.7.3 and 2.9.0.
"""

from __future__ import annotations

from flare_client.protocol.errors import RemoteProtocolError

_SEQ, _DATA = 0x08, 0x12
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


def encode_grpc_frame(sequence: int, data: bytes) -> bytes:
    """Encode the message.

    Args:
        sequence: a running number from 1 on; nobody checks it.
        data: one frame.
    """
    return b"".join((bytes((_SEQ,)), _varint(sequence), bytes((_DATA,)), _varint(len(data)), data))


def decode_grpc_frame(message: bytes) -> bytes:
    """Return the frame in a message; fields that are unknown are passed over, as proto3 wants it.

    Raises:
        RemoteProtocolError: it is no such message.
    """
    data, position = b"", 0
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
            data = message[position : position + size]
        position += size
    return data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(message[position : position + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if not byte & 0x80:
            return value, position + count + 1
    raise RemoteProtocolError("expected a number of at most 10 bytes, but it does not end")
