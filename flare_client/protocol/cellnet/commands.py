"""Commands over CellNet: the envelope of the socket dialect, as text in a stream, and the login that goes before.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

from typing import Any

from flare_client.protocol.cellnet.cell import Channel
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.envelope import Envelope, read_envelope
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

CHANNEL = Channel.HCI.value
COMMAND_TOPIC = "command"
EXPIRED_TOPIC = "SESSION_EXPIRED"
"""What a server pushes to a cell whose session ends, with the reason as its payload."""

_USER, _CERT, _SIGNATURE, _STUDY = "user_name", "cert", "signature", "study"


def encode_command(envelope: Envelope) -> str:
    """A request or a reply as the content of a stream."""
    return envelope.encode().decode("ascii")


def read_command(content: Any, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read a request or a reply.

    Raises:
        RemoteProtocolError: the content is no text, or no envelope.
    """
    if not isinstance(content, str):
        raise RemoteProtocolError(f"expected an envelope as text, but got {type(content).__name__}")
    return read_envelope(content, limits)


def login_headers(user: str, signer: Signer, certificate_pem: bytes, study: str | None) -> dict[str, Any]:
    """The headers beside the command ``_cert_login``.

    Args:
        user: the user's name.
        signer: signs with the user's key.
        certificate_pem: the user's certificate.
        study: from release 2.8 on, the study to work in; ``None`` before.
    """
    name = Verifier(certificate_pem).common_name
    headers = {_USER: user, _CERT: certificate_pem, _SIGNATURE: signer.sign(name)}
    return {**headers, _STUDY: study} if study is not None else headers


def check_login(headers: Any, ca_pem: bytes) -> tuple[Verifier, object]:
    """Check what a login brings, on the server.

    Args:
        headers: of the stream.
        ca_pem: the project's CA.

    Returns:
        The user's certificate, whose common name is the user, and the study asked for.

    Raises:
        NotProven: certificate, name and signature do not agree.
    """
    certificate = headers.get(_CERT)
    if isinstance(certificate, str):
        certificate = certificate.encode("utf-8")
    if not isinstance(certificate, bytes):
        raise NotProven(f"expected a certificate with the login, but got {type(certificate).__name__}")
    verifier = Verifier(certificate)
    verifier.check_issuer(ca_pem)
    verifier.verify(verifier.common_name, headers.get(_SIGNATURE))
    if verifier.common_name != headers.get(_USER):
        user = headers.get(_USER)
        raise NotProven(f"expected the certificate of {user!r}, but it is of '{verifier.common_name}'")
    return verifier, headers.get(_STUDY, DEFAULT_STUDY)
