"""How much of anything one side takes from the other before it calls a protocol error."""

from __future__ import annotations

import dataclasses

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds on what a peer may send, in bytes unless said otherwise.

    The official software has no bound but memory. These defaults are far above what it sends in earnest; the
    text bound is wide because releases 2.3 and 2.4 carry a whole job definition, and 2.3 a whole result, in one line.
    """

    text: int = 512 * MIB
    """A text message, terminator included."""
    request_text: int = 256 * MIB
    """A text request, which a server holds in memory until its end."""
    exchange_meta: int = 1 * MIB
    """The envelope inside a binary exchange."""
    body: int = 16 * GIB
    """The body of a binary exchange, or of one file in chunked frames."""
    depth: int = 64
    """Nesting of a JSON document, in levels."""
    files: int = 10_000
    """Files in one download, in number."""


DEFAULT_LIMITS = Limits()
