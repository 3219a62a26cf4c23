"""What proves a message and a session once somebody is registered: credentials on each message, the admin token.

Credentials travel in the headers of every message of either side; both sides' are signed with the **server's** key, so
one certificate verifies all of them. The admin token travels in each command, and is the server's alone to read.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier

SERVER_NAME = "server"
"""Name and token by which the server authenticates its own messages."""


class AuthHeader:
    """The headers that prove a message."""

    CLIENT_NAME = "client_name"
    TOKEN = "__token__"  # noqa: S105 - the name of a header, no secret
    SIGNATURE = "__token_signature__"
    SSID = "ssid"


def _proof_of(headers: Mapping[str, Any]) -> tuple[object, object, object]:
    return headers.get(AuthHeader.CLIENT_NAME), headers.get(AuthHeader.TOKEN), headers.get(AuthHeader.SIGNATURE)


@dataclasses.dataclass(frozen=True)
class Credentials:
    """What one side puts on each of its messages.

    Attributes:
        name: of the user, or ``server``.
        token: given at registration, or ``server``.
        signature: the server's, over name and token, in base64.
        ssid: the id of the server's session; the server's own messages have none.
    """

    name: str
    token: str
    signature: str
    ssid: str | None = None

    def headers(self) -> dict[str, Any]:
        """The headers that prove a message."""
        found: dict[str, Any] = {
            AuthHeader.CLIENT_NAME: self.name,
            AuthHeader.TOKEN: self.token,
            AuthHeader.SIGNATURE: self.signature,
        }
        if self.ssid is not None:
            found[AuthHeader.SSID] = self.ssid
        return found


def server_credentials(signer: Signer) -> Credentials:
    """The server's own, the same during its whole life."""
    return Credentials(SERVER_NAME, SERVER_NAME, signer.sign_text(SERVER_NAME + SERVER_NAME))


def check_credentials(headers: Mapping[str, Any], verifier: Verifier) -> str:
    """Check the headers that prove a message.

    Args:
        headers: of the message.
        verifier: of the **server's** certificate, whichever side sent the message.

    Returns:
        The name of the sender.

    Raises:
        NotProven: a header is missing or the signature is another's.
    """
    name, token, signature = _proof_of(headers)
    if not isinstance(name, str) or not isinstance(token, str) or not signature:
        raise NotProven("expected client_name, token and signature in the headers, but one is missing")
    verifier.verify(name + token, signature)
    return name


class CredentialsCheck:
    """Checks the headers of one connection's messages; what was proven once is not computed again.

    Args:
        verifier: of the server's certificate.
    """

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._proven: tuple[object, object, object] | None = None

    def check(self, headers: Mapping[str, Any]) -> str:
        """See ``check_credentials``."""
        name, token, signature = _proof_of(headers)
        if (name, token, signature) == self._proven and isinstance(name, str):
            return name
        proven = check_credentials(headers, self._verifier)
        self._proven = (name, token, signature)
        return proven


class Claim:
    """The claims of an admin token."""

    NAME = "n"
    ROLE = "r"
    ORG = "o"
    SESSION = "s"
    STUDY = "study"
    """From 2.8 on."""
    CERTIFICATE_END = "ce"
    """From 2.9 on: seconds since the epoch."""


def admin_token(signer: Signer, claims: Mapping[str, Any]) -> str:
    """The token of a logged-in user: claims in JSON and the server's signature over them.

    Args:
        signer: the server's.
        claims: see ``Claim``.
    """
    text = json.dumps(claims)
    return base64.b64encode(text.encode("utf-8")).decode("ascii") + ":" + signer.sign_text(text)


def read_admin_token(token: str, verifier: Verifier) -> dict[str, Any]:
    """Read the claims of a token that this server signed.

    Raises:
        NotProven: it did not, or it is no token.
    """
    encoded, _, signature = token.partition(":")
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as problem:
        raise NotProven(f"expected a token of two parts in base64, but {problem}") from problem
    verifier.verify(text, signature)
    claims = json.loads(text)
    if not isinstance(claims, dict):
        raise NotProven("expected an object of claims in the token")
    return claims


def peek_claims(token: str) -> dict[str, Any] | None:
    """Read the claims of a token without any proof, as a client may that only wants to know what server it talks to.

    Returns:
        The claims, or ``None`` where it is no such token.
    """
    try:
        claims = json.loads(base64.b64decode(token.partition(":")[0], validate=True))
    except (ValueError, RecursionError):  # binascii.Error and UnicodeDecodeError are ValueErrors
        return None
    return claims if isinstance(claims, dict) else None
