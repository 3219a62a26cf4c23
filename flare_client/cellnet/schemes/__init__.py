"""How frames travel: each scheme turns frames into bytes and back, without a socket.

All three have the same shape, so that one ``Link`` serves them: frames to send go in, bytes to send come out; bytes
that came go in, frames come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.kit import Scheme
from flare_client.protocol.cellnet.sfm import BadFrame, Frame
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import Limits


class FrameCodec(Protocol):
    """One side of one connection of a scheme."""

    protocols: Sequence[str]
    """What TLS is to negotiate (ALPN); none where the scheme needs none."""
    ended: RemoteProtocolError | None
    """Why nothing more will come, once the server has said so; what came before it was returned all the same."""

    def send(self, frame: Content) -> None:
        """Take a frame that is to go out; it waits where the scheme is not open yet."""

    def receive(self, data: bytes | memoryview) -> list[Frame | BadFrame]:
        """Take bytes that came, and return the frames that they complete; nothing of ``data`` is kept.

        Raises:
            RemoteProtocolError: the server breaks a rule of the scheme.
        """

    def close(self) -> None:
        """Say goodbye in the way of the scheme; nothing is sent after it."""

    def data_to_send(self) -> list[bytes | memoryview]:
        """Take the bytes that are to go out, in order."""


def make_codec(scheme: Scheme, host: str, port: int, *, is_secure: bool, limits: Limits) -> FrameCodec:
    """Make the codec of a scheme.

    Args:
        scheme: as the kit says.
        host: where the server is.
        port: where it listens.
        is_secure: whether TLS is spoken below.
        limits: how much the server may send.

    Raises:
        ImportError: the scheme needs a package that is not installed.
    """
    # Only one of them is needed, and two of them load a package.
    if scheme is Scheme.TCP:
        from flare_client.cellnet.schemes.tcp import TcpCodec  # noqa: PLC0415

        return TcpCodec(limits)
    if scheme is Scheme.HTTP:
        from flare_client.cellnet.schemes.websocket import WebSocketCodec  # noqa: PLC0415

        return WebSocketCodec(host, port, limits, is_secure=is_secure)
    from flare_client.cellnet.schemes.grpc import GrpcCodec  # noqa: PLC0415

    return GrpcCodec(host, port, limits, is_secure=is_secure)
