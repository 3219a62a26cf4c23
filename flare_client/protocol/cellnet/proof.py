"""The primitive of authentication on a CellNet connection: a key signs text, its certificate verifies.

The text is signed as UTF-8, as ``protocol.rsa_pss`` says.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import base64
import binascii
import datetime
from typing import TYPE_CHECKING

from flare_client.protocol.rsa_pss import load_signing_key, signing_padding

if TYPE_CHECKING:  # cryptography is loaded by who signs or verifies, as in ``protocol.rsa_pss``
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa


class NotProven(Exception):
    """A signature or a certificate does not prove what it should; the text says which and why."""


class Signer:
    """Signs text with a private key.

    Args:
        private_key_pem: an RSA key without passphrase.

    Raises:
        ValueError: it is no such key.
    """

    def __init__(self, private_key_pem: bytes) -> None:
        self._key = load_signing_key(private_key_pem)

    def sign(self, text: str) -> bytes:
        """Return the signature over a text, as bytes."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

        return self._key.sign(text.encode("utf-8"), signing_padding(), hashes.SHA256())

    def sign_text(self, text: str) -> str:
        """Return the signature over a text, in base64."""
        return base64.b64encode(self.sign(text)).decode("ascii")


class Verifier:
    """Verifies what the holder of a certificate signed.

    Args:
        certificate_pem: the certificate; of several the first.

    Raises:
        NotProven: it is no certificate with an RSA key and a common name.
    """

    def __init__(self, certificate_pem: bytes) -> None:
        from cryptography import x509  # noqa: PLC0415
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
        from cryptography.x509.oid import NameOID  # noqa: PLC0415

        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = certificate.public_key()
            names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
            raise NotProven(f"expected a certificate in PEM, but {problem}") from problem
        if not isinstance(key, rsa.RSAPublicKey) or not names:
            raise NotProven("expected a certificate with an RSA key and a common name")
        self._certificate = certificate
        self._key = key
        self.common_name = str(names[0].value)

    def check_issuer(self, ca_pem: bytes) -> None:
        """Check that a CA signed the certificate.

        Raises:
            NotProven: it did not.
        """
        from cryptography import x509  # noqa: PLC0415
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415

        try:
            self._certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem))
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as problem:
            reason = str(problem) or type(problem).__name__
            raise NotProven(
                f"expected a certificate of this project's CA, but another signed it: {reason}"
            ) from problem

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        return self._certificate.public_bytes(Encoding.DER)

    @property
    def valid_until(self) -> float:
        """When the certificate ends, in seconds since the epoch."""
        return _moment(self._certificate, "not_valid_after")

    def check_dates(self, now: float) -> None:
        """Check that the certificate holds now.

        Args:
            now: seconds since the epoch.

        Raises:
            NotProven: it has ended, or does not hold yet.
        """
        if not _moment(self._certificate, "not_valid_before") <= now <= self.valid_until:
            raise NotProven(f"the certificate of '{self.common_name}' has expired, or does not hold yet")

    def verify(self, text: str, signature: object) -> None:
        """Check a signature over a text.

        Args:
            text: what should have been signed.
            signature: bytes, or base64 in text.

        Raises:
            NotProven: it is another's or malformed.
        """
        _verify(self._key, text, signature)


def _moment(certificate: x509.Certificate, name: str) -> float:
    # cryptography before 42 has the moments without a zone only, later ones warn of those.
    aware = getattr(certificate, f"{name}_utc", None)
    moment = aware if aware is not None else getattr(certificate, name).replace(tzinfo=datetime.timezone.utc)
    return float(moment.timestamp())


def _verify(key: rsa.RSAPublicKey, text: str, signature: object) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415

    try:
        raw = base64.b64decode(signature, validate=True) if isinstance(signature, str) else signature
    except (binascii.Error, ValueError) as problem:
        raise NotProven(f"expected a signature in base64, but {problem}") from problem
    if not isinstance(raw, bytes):
        raise NotProven(f"expected a signature, but got {type(signature).__name__}")
    try:
        key.verify(raw, text.encode("utf-8"), signing_padding(), hashes.SHA256())
    except InvalidSignature:
        raise NotProven("the signature does not fit") from None
