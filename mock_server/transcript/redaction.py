"""What of a message may be shown: plain data of bounded size, in which a mark stands for each secret.

A mark names the kind of the secret, a digest and its form, as ``<token 1f3a9c20: UUID>``. The digest has a key of its
own in every transcript: the same secret has the same mark throughout, so that one can tell which messages belong
together, and nobody can find the secret by trying.

Secrets are found by where they stand, a header's name or an item's type. What was found once, or was told by ``learn``,
is found in any other text as well.
"""

from __future__ import annotations

import collections
import hashlib
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from flare_client.protocol.cellnet.fobs import FLContext, Shareable
from mock_server.transcript.facts import KEPT

_NAMES = {
    "__token__": "token",
    "token": "token",
    "session id": "session",
    "session_id": "session",
    "__token_signature__": "signature",
    "signature": "signature",
    "nonce": "nonce",
    "confirm_nonce": "nonce",
    "password": "password",
    "private_key": "private key",
}
"""Names of fields, headers and columns, in small letters, and what their values are."""
_CERTIFICATES = frozenset({"cert", "certificate"})
_OPEN = frozenset({"", "server"})
"""What stands in the place of a secret and is none: the server's own token."""

_WORD = re.compile(r"[A-Za-z0-9+/=_.:~-]{16,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TOKEN_ITEM = re.compile(r'("type":\s*"token",\s*"data":\s*)"[^"]*"?')
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|\Z)", re.DOTALL)
_PASSWORD_LINE = re.compile(r"^((?:\w+\.)?_login +\S+ +).+$", re.DOTALL)

_MOST_LEARNT = 1 << 16
_MOST_TEXT = 2048
"""Characters of one text that are shown."""
_MOST_NAME = 128
_MOST_ITEMS = 64
"""Items of one list or map that are shown."""
_MOST_SIZE = 64 * 1024
"""Characters of one detail that are shown, roughly."""
_VALUE_SIZE = 8
"""What any value counts for, beside its text."""
_MOST_DEPTH = 12
_MOST_MARKS = 64
"""Colons and equals signs in a word around which secrets are looked for."""
_MOST_BLANKS = 64
"""White space before JSON that is looked through."""
_SHOWN = 16
"""Bytes of binary data that are shown."""


class Redactor:
    """Turns what came into what may be shown.

    Args:
        key: makes the marks; a random one by default.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(16)
        self._learnt: collections.OrderedDict[str, str] = collections.OrderedDict()

    def learn(self, secret: str | bytes, kind: str) -> None:
        """Take note of a secret, so that it is found in any text.

        Args:
            secret: the value; short ones are no use, as any text may hold them by chance.
            kind: what it is.
        """
        if isinstance(secret, str) and len(secret) >= 16 and secret not in self._learnt:
            self._learnt[secret] = kind
            if len(self._learnt) > _MOST_LEARNT:
                self._learnt.popitem(last=False)

    def mark(self, secret: Any, kind: str) -> Any:
        """What stands for a secret; values that are none stay what they are.

        Args:
            secret: the value.
            kind: what it is.
        """
        if isinstance(secret, str) and secret not in _OPEN:
            self.learn(secret, kind)
            return f"<{kind} {self._digest(secret.encode('utf-8', 'surrogatepass'))}: {_form(secret)}>"
        if isinstance(secret, (bytes, bytearray)):
            return f"<{kind} {self._digest(bytes(secret))}: {len(secret)} bytes>"
        return secret if secret is None or isinstance(secret, (str, bool)) else f"<{kind}: {type(secret).__name__}>"

    def text(self, text: str) -> str:
        """A text without secrets, whatever its length."""
        if "-----BEGIN" in text:
            text = _PRIVATE_KEY.sub("<private key>", text)
            text = _CERTIFICATE.sub(lambda found: f"<certificate {describe_certificate(found[0])}>", text)
        if '"token"' in text:
            text = _TOKEN_ITEM.sub(r'\1"<token>"', text)
        if "_login " in text:
            text = _PASSWORD_LINE.sub(r"\1<password>", text)
        if self._learnt and len(text) >= 16:
            text = _UUID.sub(self._known, _WORD.sub(self._known, text))
        return text

    def plain(self, value: Any, name: str = "") -> Any:
        """Plain data of bounded size for a value.

        Args:
            value: anything that FOBS or JSON can hold.
            name: of the field that it stands in.
        """
        return _Walk(self).value(value, name, 0)

    def _known(self, found: re.Match[str]) -> str:
        word = found[0]
        # A secret may have such a mark in it, as the tokens of pedantic servers do.
        marks = [place for place, character in enumerate(word) if character in ":="][:_MOST_MARKS]
        around = [part for place in marks for part in (word[:place], word[place + 1 :])]
        for candidate in (word, word.strip(".:"), *re.split(r"[:=]", word), *around):
            kind = self._learnt.get(candidate)
            if kind is not None:
                return word.replace(candidate, str(self.mark(candidate, kind)))
        return word

    def _digest(self, data: bytes) -> str:
        return hashlib.blake2s(data, key=self._key, digest_size=4).hexdigest()


class _Walk:
    """One value on its way to plain data; counts what it has shown."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._left = _MOST_SIZE

    def value(self, value: Any, name: str, depth: int) -> Any:
        self._left -= _VALUE_SIZE
        if self._left < 0 or depth > _MOST_DEPTH:
            return f"<{type(value).__name__}, not shown>"
        kind = _NAMES.get(name.lower())
        if kind is not None and not isinstance(value, (dict, list)):
            return self._redactor.mark(value, kind)
        if name.lower() in _CERTIFICATES and isinstance(value, (str, bytes)):
            return f"<certificate {describe_certificate(value)}>"
        if isinstance(value, str):
            return self._text(value, depth)
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, (bytes, bytearray, memoryview)):
            return describe_bytes(value)
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Shareable):
            return {"Shareable": self._map({**value.items, "__headers__": value.headers}, depth)}
        if isinstance(value, FLContext):
            return {"FLContext": self._map(value.props, depth)}
        if isinstance(value, Mapping):
            return self._item(value, depth) if _is_secret_item(value) else self._map(value, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._list(list(value), depth)
        return self._text(str(value), depth)

    def _map(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shown = {}
        for number, (name, item) in enumerate(value.items()):
            if number >= _MOST_ITEMS or self._left <= 0:
                shown["…"] = f"{len(value) - number} more"
                break
            shown_name = self._redactor.text(str(name)[:_MOST_NAME])
            self._left -= len(shown_name)
            shown[shown_name] = self.value(item, str(name), depth + 1)
        return shown

    def _item(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        return self._map({**value, "data": self._redactor.mark(value.get("data"), "token")}, depth)

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        secret = _secret_columns(value)
        shown: list[Any] = []
        for number, item in enumerate(value):
            if number >= _MOST_ITEMS or self._left <= 0:
                shown.append(f"… {len(value) - number} more")
                break
            shown.append(self.value(self._row(item, secret) if secret and number else item, "", depth + 1))
        return shown

    def _row(self, row: Any, secret: Mapping[int, str]) -> Any:
        if not isinstance(row, (list, tuple)):
            return row
        return [self._redactor.mark(cell, secret[place]) if place in secret else cell for place, cell in enumerate(row)]

    def _text(self, value: str, depth: int) -> Any:
        # An envelope travels as text inside other things: shown as what it is, and its token found by its place.
        if len(value) <= KEPT and value[:_MOST_BLANKS].lstrip().startswith("{"):
            try:
                content = json.loads(value)
            except (ValueError, RecursionError):
                content = None
            if isinstance(content, dict):
                return {"json": self._map(content, depth + 1)}
        text = self._redactor.text(value)
        self._left -= min(len(text), _MOST_TEXT)
        if len(text) <= _MOST_TEXT:
            return text
        return {
            "size": len(value),
            "sha256": _hash(value.encode("utf-8", "surrogatepass")),
            "begins": text[:_MOST_TEXT],
        }


def _is_secret_item(value: Mapping[Any, Any]) -> bool:
    return value.get("type") == "token" and "data" in value


def _secret_columns(rows: list[Any]) -> dict[int, str]:
    """The columns of a table whose title says that they hold secrets."""
    header = rows[0] if len(rows) > 1 and isinstance(rows[0], (list, tuple)) else ()
    named = ((number, _NAMES.get(str(title).lower())) for number, title in enumerate(header))
    return {number: kind for number, kind in named if kind is not None}


def _form(secret: str) -> str:
    try:
        found = uuid.UUID(secret)
    except ValueError:
        return f"{len(secret)} characters"
    return f"UUID {found.version}" if str(found) == secret and found.version else "UUID"


def _hash(data: bytes | memoryview) -> str:
    return hashlib.sha256(data[:KEPT]).hexdigest()[:16]


def describe_bytes(data: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Binary data as its size, the beginning of a hash of its first ``KEPT`` bytes, and its first bytes."""
    view = memoryview(data)
    return {"size": len(view), "sha256": _hash(view), "begins": bytes(view[:_SHOWN]).hex()}


def describe_certificate(data: str | bytes) -> str:
    """The subject of a certificate and the beginning of its fingerprint.

    Args:
        data: PEM or DER.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    try:
        certificate = x509.load_pem_x509_certificate(raw) if b"-----" in raw else x509.load_der_x509_certificate(raw)
    except ValueError:
        return f"that cannot be read: {len(raw)} bytes"
    return f"{certificate.subject.rfc4514_string()} sha256:{certificate.fingerprint(hashes.SHA256()).hex()[:16]}"
