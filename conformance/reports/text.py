"""Text of others, made fit to be shown and written: what a client says may be anything.

Messages, observations and transcripts come from the software under test. They may hold control characters that
take over a terminal, characters that XML forbids, or surrogates that no file can take.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters but tab and newline, those that turn the direction of writing, lone surrogates, non-characters."""


def visible(text: str) -> str:
    r"""Write what cannot or must not be shown as its escape, as ``\x1b``."""
    return _UNFIT.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)


def encodable(text: str) -> str:
    """Write what UTF-8 cannot encode, lone surrogates, as its escape; all else stays."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def plain(value: object) -> Any:
    """A value as JSON can hold it: containers by their elements, other objects by their text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {encodable(str(key)): plain(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    return encodable(str(value))


def shortened(text: str, most: int) -> str:
    """The first so many characters, and how many were left out."""
    return text if len(text) <= most else f"{text[:most]}… {len(text) - most} more characters"
