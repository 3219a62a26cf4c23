"""Who is who on a CellNet connection: challenge, registration, tokens, and the headers that prove them.

The order: the client sends a nonce (*challenge*) and the server proves its certificate by signing it; the client proves
its own by signing the server's nonce (*register*) and is given a token with the server's signature over it. From then
on every message in both directions carries name, token and signature; what does not is dropped without an answer. The
login of the user comes after that, as a command; see ``commands``.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.fobs import FLContext, Shareable
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.cellnet.tokens import AuthHeader, Credentials
from flare_client.protocol.errors import RemoteProtocolError

IDENTITY_PROP = "__identity_name__"
PEER_CONTEXT = "__peer_ctx__"
NO_SSID = "NA"
"""What releases 2.8 and 2.9 give for ``ssid``."""


class RegistrationHeader:
    """Headers and fields of challenge and registration."""

    CN = "cn"
    NONCE = "nonce"
    CLIENT_TYPE = "client_type"
    CLIENT_IP = "client_ip"
    PROJECT = "project_name"


ADMIN_TYPE = "admin"

_VERSION_HEADERS = ("federation_protocol_version", "nvflare_version")


# --- challenge


def challenge_headers(user: str, nonce: str) -> dict[str, Any]:
    """The headers of the challenge, which has no payload.

    Args:
        user: the name that the client will register.
        nonce: a new UUID, which the server is to sign.
    """
    return {RegistrationHeader.CN: user, RegistrationHeader.NONCE: nonce}


def challenge_reply(
    signer: Signer, certificate_pem: bytes, common_name: str, client_nonce: str, nonce: str
) -> Shareable:
    """The server's answer: its certificate, proven, and a nonce of its own."""
    return Shareable(
        {
            RegistrationHeader.NONCE: nonce,
            RegistrationHeader.CN: common_name,
            "cert": certificate_pem,
            "signature": signer.sign(common_name + client_nonce),
        }
    )


@dataclasses.dataclass(frozen=True)
class ProvenServer:
    """A server that answered the challenge.

    Attributes:
        nonce: what the client is to sign when it registers.
        verifier: checks the server's further signatures.
    """

    nonce: str
    verifier: Verifier


def check_challenge_reply(content: object, identity: str, ca_pem: bytes, client_nonce: str) -> ProvenServer:
    """Check the answer to a challenge.

    Args:
        content: the decoded payload.
        identity: the name that the kit expects of the server.
        ca_pem: the project's CA.
        client_nonce: what was sent.

    Raises:
        NotProven: the server is another, or cannot prove who it is.
        RemoteProtocolError: a field is missing.
    """
    items = _items(content, "the answer to the challenge")
    nonce, name = _text(items, RegistrationHeader.NONCE), _text(items, RegistrationHeader.CN)
    if name != identity:
        raise NotProven(f"expected server identity is '{identity}' but got '{name}'")
    verifier = Verifier(_bytes(items, "cert"))
    verifier.check_issuer(ca_pem)
    if verifier.common_name != name:
        raise NotProven(f"expected a certificate of '{name}', but it is of '{verifier.common_name}'")
    verifier.verify(name + client_nonce, items.get("signature"))
    return ProvenServer(nonce, verifier)


# --- registration


def register_headers(user: str, project: str, own_address: str) -> dict[str, Any]:
    """The headers of the registration.

    Args:
        user: the user's name.
        project: the name of the project, which must be the server's.
        own_address: where the client is; informational.
    """
    return {
        AuthHeader.CLIENT_NAME: user,
        RegistrationHeader.CLIENT_TYPE: ADMIN_TYPE,
        RegistrationHeader.CLIENT_IP: own_address,
        RegistrationHeader.PROJECT: project,
    }


def register_request(signer: Signer, certificate_pem: bytes, user: str, server_nonce: str) -> Shareable:
    """The payload of the registration: the user's certificate, proven."""
    name = Verifier(certificate_pem).common_name
    return Shareable(
        {"cert": certificate_pem, "signature": signer.sign(name + server_nonce), RegistrationHeader.CN: name},
        {PEER_CONTEXT: FLContext({IDENTITY_PROP: user})},
    )


def check_register_request(content: object, user: str, ca_pem: bytes, server_nonce: str) -> Verifier:
    """Check a registration, on the server.

    Args:
        content: the decoded payload.
        user: what the header says.
        ca_pem: the project's CA.
        server_nonce: what the challenge of this cell was answered with.

    Returns:
        The certificate of the user.

    Raises:
        NotProven: the certificate is another's or a stranger's, or the signature does not fit.
        RemoteProtocolError: a field is missing.
    """
    items = _items(content, "the registration")
    verifier = Verifier(_bytes(items, "cert"))
    verifier.check_issuer(ca_pem)
    if verifier.common_name != user:
        raise NotProven(f"expected a certificate of '{user}', but it is of '{verifier.common_name}'")
    verifier.verify(user + server_nonce, items.get("signature"))
    return verifier


def register_reply(
    signer: Signer, user: str, token: str, ssid: str, versions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The server's answer to a registration that it accepts.

    Args:
        signer: the server's.
        user: the user's name.
        token: a new UUID.
        ssid: the id of the server's session.
        versions: what 2.9 adds: the version of the protocol and of the server.
    """
    return {
        AuthHeader.TOKEN: token,
        AuthHeader.SIGNATURE: signer.sign_text(user + token),
        AuthHeader.SSID: ssid,
        **{name: value for name, value in (versions or {}).items() if name in _VERSION_HEADERS},
    }


def check_register_reply(content: object, user: str, verifier: Verifier) -> Credentials:
    """Take the credentials out of the answer to a registration.

    Raises:
        NotProven: the server refuses the registration by an empty answer, or the token is not signed by it.
        RemoteProtocolError: a field is missing.
    """
    if content == {}:
        raise NotProven("the server refuses the registration: certificate, name and signature must agree")
    items = _items(content, "the answer to the registration")
    token, signature = _text(items, AuthHeader.TOKEN), _text(items, AuthHeader.SIGNATURE)
    verifier.verify(user + token, signature)
    return Credentials(user, token, signature, _text(items, AuthHeader.SSID))


# --- fields


def _items(content: object, what: str) -> Mapping[str, Any]:
    items = content.items if isinstance(content, Shareable) else content
    if not isinstance(items, Mapping):
        raise RemoteProtocolError(f"expected a map in {what}, but got {type(content).__name__}")
    return items


def _text(items: Mapping[str, Any], name: str) -> str:
    value = items.get(name)
    if not isinstance(value, str):
        raise RemoteProtocolError(f"expected text in {name}, but got {type(value).__name__}")
    return value


def _bytes(items: Mapping[str, Any], name: str) -> bytes:
    value = items.get(name)
    if isinstance(value, str):
        return value.encode("utf-8")
    if not isinstance(value, bytes):
        raise RemoteProtocolError(f"expected bytes in {name}, but got {type(value).__name__}")
    return value
