"""A command line as the server of a release splits it."""

from __future__ import annotations

import re
import shlex

from flare_client.protocol.command_line import split_line
from flare_client.protocol.releases import ReleaseProfile

_BLANKS = re.compile(r" +")


def split_words(line: str, profile: ReleaseProfile) -> list[str]:
    """Split a command line.

    From 2.8 on single quotes count as well, and a line whose quotes do not match is split at its blanks.

    Raises:
        ValueError: a quote is not closed (to 2.7); the text is that of the official server.
    """
    if not profile.forgives_quotes:
        return split_line(line)
    plain = _BLANKS.sub(" ", line).split(" ")
    if '"' not in line and "'" not in line:
        return plain
    try:
        return shlex.split(line) or plain
    except ValueError:
        return plain
