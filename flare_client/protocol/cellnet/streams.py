"""Streams: payloads cut into pieces of 1 MiB, each a one-way message, acknowledged by the receiver.

Owns the terms that both ends share. ``stream_sender`` cuts, ``stream_receiver`` puts together. Every request to an
application and every answer is a stream; an answer goes to the channel ``return_only`` and names the request by
``sm__ri``.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.cell import Channel, Topic
from flare_client.protocol.limits import MIB

CHUNK_SIZE = MIB
"""Bytes in every piece but the last."""
WINDOW = 16 * MIB
"""How far a sender may be ahead of the acknowledgements: that of 2.7 and 2.8, the smallest of all releases."""
ACK_INTERVAL = 4 * MIB
"""After so many bytes the receiver acknowledges; it always does at the end. Receivers of 2.7 and 2.8 leave the last
one out, and 2.9 asks for the number of the piece in each: an acknowledgement that has both is fine with all."""


class StreamHeader:
    """Headers of a piece, an acknowledgement or an error of a stream."""

    ID = "sm__id"
    TYPE = "sm__dt"
    SEQUENCE = "sm__sq"
    OFFSET = "sm__os"
    SIZE = "sm__sz"
    CHANNEL = "sm__ch"
    TOPIC = "sm__tp"
    ENCODING = "sm__pe"
    REQUEST = "sm__ri"
    OPTIONAL = "sm__op"
    ERROR = "sm__em"
    ERROR_TYPE = "sm__et"
    RELIABLE = "sm__rs"
    CHUNK_SIZE = "sm__cs"
    WINDOW = "sm__ws"
    ACK_INTERVAL = "sm__ai"


class PieceType(enum.IntEnum):
    """What a message about a stream is."""

    CHUNK = 1
    FINAL = 2
    ACK = 3
    ERROR = 6


@dataclasses.dataclass(frozen=True)
class Piece:
    """A one-way message about a stream that is to be sent.

    Attributes:
        topic: data or acknowledgement.
        headers: of the stream; those of the cell message come on top.
        payload: of a piece of data.
    """

    topic: Topic
    headers: Mapping[str, Any]
    payload: Content = b""


@dataclasses.dataclass(frozen=True)
class StreamReceived:
    """A stream is whole.

    Attributes:
        origin: the cell that sent it.
        channel: the application's channel.
        topic: the application's topic.
        request_id: what an answer must name; empty where none is expected. Of an answer: the request that it is for.
        encoding: how to read the payload.
        headers: those of the first piece, the application's among them.
        payload: all of it; that of several pieces in as many blocks.
    """

    origin: str
    channel: str
    topic: str
    request_id: str
    encoding: str
    headers: Mapping[str, Any]
    payload: Content

    @property
    def is_reply(self) -> bool:
        """Whether it answers a request of this side."""
        return self.channel == Channel.RETURN_ONLY.value


@dataclasses.dataclass(frozen=True)
class StreamFailed:
    """A stream will never be whole.

    Attributes:
        request_id: as in ``StreamReceived``; empty where no piece told it.
        reason: what was expected and what came.
    """

    request_id: str
    reason: str
