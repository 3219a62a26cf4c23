"""What must not stand in a report: keys, passwords, tokens of sessions.

Whoever records a transcript leaves these out already. This is the second line: a report is handed around, and may
come from an older version or from another recorder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)

# A submit token is no secret: a program chooses it to recognise its own submission.
_SECRET_NAME = re.compile(
    r"(?:(?<!submit)[_-]|^)(?:token|password|passwd|pwd|secret|passphrase|private[_-]?key|authorization|cookie"
    r"|signature)_*$",
    re.IGNORECASE,
)

_NAME = r"[\w-]*(?:token|password|passwd|pwd|secret|passphrase|private[_-]?key|authorization|cookie|signature)_*"
_NAMED = re.compile(
    rf"""(?P<name>(?<![\w-]){_NAME})(?P<between>\\?["']?\s*[:=]\s*)(?P<value>\\?"[^"]*"|\\?'[^']*'|[^\s,;&}}\])"']+)""",
    re.IGNORECASE,
)

# The socket dialect has its token as an item of the envelope; the reply to a login, too, names it by this type.
_TOKEN_ITEM = re.compile(
    r"""(\\?["']type\\?["']\s*:\s*\\?["']token\\?["']\s*,\s*\\?["']data\\?["']\s*:\s*)\\?["'][^"']*["']""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}")


def without_keys(text: str) -> str:
    """A text without private keys. Fit for scripts and messages, in which a word such as token may be an example."""
    return _PRIVATE_KEY.sub(REDACTED, text)


def without_secrets(value: Any) -> Any:
    """A piece of a transcript without secrets: those that have a telling name, in mappings and in text.

    Args:
        value: plain data; it stays as it is.

    Returns:
        A copy. Doing it twice changes nothing more.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        is_token = str(value.get("type", "")).lower() == "token"
        return {
            key: REDACTED
            if element not in (None, "") and (_SECRET_NAME.search(key) or (is_token and key == "data"))
            else without_secrets(element)
            for key, element in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(element) for element in value]
    return value


def _text(text: str) -> str:
    text = _TOKEN_ITEM.sub(rf'\1"{REDACTED}"', without_keys(text))
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _NAMED.sub(_named, text)


def _named(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if not _SECRET_NAME.search(name) or REDACTED.startswith(value.strip("\\\"'")):
        return match.group()
    quote = next((mark for mark in ('"', "'") if value.rstrip().endswith(mark)), "")
    return f"{name}{match['between']}{quote}{REDACTED}{quote}"
