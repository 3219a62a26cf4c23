"""Whether somebody sits at the other end of a stream."""

from __future__ import annotations

from typing import TextIO


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream of the process is a terminal; one that the caller closed is not there at all."""
    return stream is not None and stream.isatty()
