"""What a server cannot do."""

from __future__ import annotations


class ServerError(RuntimeError):
    """The server cannot do what was asked of it; the text says why."""
