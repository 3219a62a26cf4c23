"""The errors of the wire: ours (the caller asked for something illegal) and theirs (the peer sent it)."""

from __future__ import annotations


class ProtocolError(Exception):
    """A rule of the wire was broken.

    Attributes:
        reason: what was expected and what came, for the log and for the peer where the dialect has an answer.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LocalProtocolError(ProtocolError):
    """This side tried to send what the wire cannot carry."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the wire does not allow."""


class LimitExceeded(RemoteProtocolError):
    """The peer sent more than this side is willing to take.

    Attributes:
        limit: the name of the broken limit, a field of ``Limits``.
        allowed: its value.
        got: the size that broke it (at least; a stream is not read on to learn its full size).
    """

    def __init__(self, limit: str, allowed: int, got: int) -> None:
        super().__init__(f"{limit} is {allowed:,} bytes, but the peer sent {got:,} or more")
        self.limit = limit
        self.allowed = allowed
        self.got = got
