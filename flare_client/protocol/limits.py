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
    frame: int = 16 * MIB
    """A frame of the CellNet dialect, prefix included. Official software takes up to 2 GiB and sends little over
    1 MiB (2.7.3-2.9.0)."""
    stream: int = 64 * MIB
    """The payload of one stream of the CellNet dialect, which is held in memory. Files travel in pieces of at most
    5 MiB, each a stream of its own; the longest others are command replies."""
    held: int = 256 * MIB
    """The pieces of all streams that a peer has begun and not ended."""
    streams: int = 64
    """Streams that a peer may have begun and not ended, in number."""
    files: int = 10_000
    """Files in one download, in number."""


DEFAULT_LIMITS = Limits()
