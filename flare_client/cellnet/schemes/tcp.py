"""The scheme ``tcp``: frames follow each other."""

from __future__ import annotations

from collections.abc import Sequence

from flare_client.protocol.cellnet.blocks import Content, blocks_of
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameReader
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import Limits


class TcpCodec:
    """See ``FrameCodec``.

    Args:
        limits: how much the server may send.
    """

    protocols: Sequence[str] = ()
    ended: RemoteProtocolError | None = None

    def __init__(self, limits: Limits) -> None:
        self._reader = FrameReader(limits)
        self._outgoing: list[bytes | memoryview] = []

    def send(self, frame: Content) -> None:
        """See ``FrameCodec``."""
        self._outgoing += blocks_of(frame)

    def receive(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        """See ``FrameCodec``."""
        return self._reader.feed(data)

    def close(self) -> None:
        """See ``FrameCodec``; the end of the connection says it."""

    def data_to_send(self) -> list[bytes | memoryview]:
        """See ``FrameCodec``."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing
