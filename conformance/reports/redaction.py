"""What must not stand in a report: keys, passwords, tokens of sessions.

Whoever records a transcript leaves these out already, and puts marks in their place, as ``<token 1f3a9c20: UUID>``,
which stay. This is the second line: a report is handed around, and may come from an older version or from another
recorder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

_WORDS = (
    r"(?:token|token_signature|password|passwd|secret|passphrase|private[_-]?key|authorization|cookie|signature|nonce"
    r"|session[ _-]?id)"
)
# A submit token is no secret: a program chooses it to know its own submission again.
_NAME = rf"(?!submit_token)(?:[\w-]*[_-])?{_WORDS}_*"
_IS_SECRET = re.compile(_NAME, re.IGNORECASE)
_NAMED = re.compile(
    rf"""(?P<name>(?<![\w-]){_NAME})(?P<between>\\?["']?\s*[:=]\s*)"""
    r"""(?P<value>(?P<quote>\\?["'])[^"']*(?P=quote)|[^\s,;&}\])"'<\[][^\s,;&}\])"']*)""",
    re.IGNORECASE,
)
_MARK = re.compile(r"<[a-z]+(?: [a-z]+)?(?: [0-9a-f]{8})?(?:: [^<>]{1,40})?>|\[redacted\]")

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
# The socket dialect has its token as an item of the envelope, in requests and in the reply to a login.
_TOKEN_ITEM = re.compile(
    r"""(?P<item>\\?["']type\\?["']\s*:\s*\\?["']token\\?["']\s*,\s*\\?["']data\\?["']\s*:\s*)"""
    r"""(?P<quote>\\?["'])(?P<value>[^"'\\]*)""",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_PASSWORD_LOGIN = re.compile(r"((?<!\w)_login +\S+ +)[^\s<\[\"'][^\s\"']*")


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
            key: _secret(element)
            if _IS_SECRET.fullmatch(key) or (is_token and key == "data")
            else without_secrets(element)
            for key, element in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(element) for element in value]
    return value


def _secret(value: Any) -> Any:
    """What stands for the value of a secret; what is none, or a mark already, stays."""
    if value in (None, "") or isinstance(value, bool) or (isinstance(value, str) and _MARK.fullmatch(value)):
        return value
    return REDACTED


def _text(text: str) -> str:
    text = _TOKEN_ITEM.sub(lambda m: f"{m['item']}{m['quote']}{_secret(m['value'])}", without_keys(text))
    text = _SCHEME.sub(rf"\1 {REDACTED}", text)
    text = _PASSWORD_LOGIN.sub(rf"\1{REDACTED}", text)
    return _NAMED.sub(_named, text)


def _named(match: re.Match[str]) -> str:
    quote = match["quote"] or ""
    value = match["value"][len(quote) : len(match["value"]) - len(quote)]
    return f"{match['name']}{match['between']}{quote}{_secret(value)}{quote}"
