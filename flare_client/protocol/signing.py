"""Signatures of a job folder: the content of the two files that a folder carries, made and checked.

Knows no files. A signature covers SHA-256 digests, so whoever reads a large file feeds it in pieces. The same format
serves ``signature.json`` of a startup kit, which the root CA signs.

Source: official 2.3.12-2.6.3. Each folder of a job has two files; ``.__nvfl_sig.json`` maps the name of each file and
sub-folder to base64 of a signature, made as ``rsa_pss`` says, of the file's content or the sub-folder's name. Servers
check what is there when they deploy the job: a missing entry or file is no fault.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flare_client.protocol.rsa_pss import load_signing_key, signing_padding

if TYPE_CHECKING:  # cryptography is loaded by who signs or verifies, as in ``rsa_pss``
    from cryptography.hazmat.primitives.asymmetric import utils

SIGNATURE_FILE = ".__nvfl_sig.json"
CERTIFICATE_FILE = ".__nvfl_submitter.crt"


class UnreadableSignatures(ValueError):
    """One of the two files of a folder is no JSON, or no certificate. Official servers then skip the folder."""


class BadSignature(ValueError):
    """A signature, or the certificate that should vouch for it, does not hold."""


def digest_of(chunks: Iterable[bytes]) -> bytes:
    """Return the SHA-256 digest of content that comes in pieces."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def name_digest(name: str) -> bytes:
    """Return the digest that stands for a sub-folder: that of its name."""
    return hashlib.sha256(name.encode("utf-8")).digest()


def _prehashed() -> utils.Prehashed:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import utils  # noqa: PLC0415

    return utils.Prehashed(hashes.SHA256())


class FolderSigner:
    """Signs folders with one private key.

    Args:
        private_key_pem: an RSA key without passphrase.

    Raises:
        ValueError: it is no such key.
    """

    def __init__(self, private_key_pem: bytes) -> None:
        self._key = load_signing_key(private_key_pem)

    def sign(self, digests: Mapping[str, bytes]) -> bytes:
        """Return the content of the signature file of one folder.

        Args:
            digests: name of each file and sub-folder to its digest (``digest_of``, ``name_digest``).
        """
        padding, algorithm = signing_padding(), _prehashed()
        signatures = {
            name: base64.b64encode(self._key.sign(digest, padding, algorithm)).decode("ascii")
            for name, digest in digests.items()
        }
        return json.dumps(signatures).encode("ascii")


class FolderVerifier:
    """Checks the signatures of one folder.

    Args:
        signature_file: the content of ``SIGNATURE_FILE``.
        certificate_file: the content of ``CERTIFICATE_FILE``.

    Raises:
        UnreadableSignatures: one of them cannot be read.
    """

    def __init__(self, signature_file: bytes, certificate_file: bytes) -> None:
        from cryptography import x509  # noqa: PLC0415
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

        try:
            self._signatures: object = json.loads(signature_file)
        except (ValueError, RecursionError) as problem:
            raise UnreadableSignatures(f"expected a JSON object in {SIGNATURE_FILE}, but {problem}") from problem
        try:
            self._certificate = x509.load_pem_x509_certificate(certificate_file)
            self._key = self._certificate.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
            raise UnreadableSignatures(f"expected a PEM certificate in {CERTIFICATE_FILE}, but {problem}") from problem

    def covers(self, name: str) -> bool:
        """Whether there is a signature of a file or sub-folder."""
        return isinstance(self._signatures, dict) and bool(self._signatures.get(name))

    def check_issuer(self, ca_pem: bytes) -> None:
        """Check that a CA signed the submitter's certificate. Its dates do not count, as with official servers.

        Raises:
            BadSignature: it did not.
            ValueError: ``ca_pem`` is no certificate with an RSA key.
        """
        from cryptography import x509  # noqa: PLC0415
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

        ca_key = x509.load_pem_x509_certificate(ca_pem).public_key()
        if not isinstance(ca_key, rsa.RSAPublicKey):
            kind = type(ca_key).__name__
            raise ValueError(f"expected a CA with an RSA key, but got {kind}")
        try:
            algorithm = self._certificate.signature_hash_algorithm
            if algorithm is None:
                raise BadSignature("expected a certificate signed with a hash, as RSA does, but its algorithm has none")
            ca_key.verify(
                self._certificate.signature, self._certificate.tbs_certificate_bytes, padding.PKCS1v15(), algorithm
            )
        except InvalidSignature:
            raise BadSignature(
                "expected a submitter's certificate of this project's CA, but another signed it"
            ) from None
        except UnsupportedAlgorithm as problem:
            raise BadSignature(f"expected a certificate signed as RSA does, but {problem}") from problem

    def check(self, name: str, digest: bytes) -> None:
        """Check one file or sub-folder; one that has no signature passes.

        Args:
            name: its name in the folder.
            digest: its digest (``digest_of``, ``name_digest``).

        Raises:
            BadSignature: the signature is another's, malformed, or the certificate has no RSA key.
        """
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        if not isinstance(self._signatures, dict):
            raise BadSignature(f"expected a JSON object in {SIGNATURE_FILE}, but got {type(self._signatures).__name__}")
        signature = self._signatures.get(name)
        if not signature:
            return
        if not isinstance(self._key, rsa.RSAPublicKey):
            raise BadSignature(f"expected a submitter with an RSA key, but got {type(self._key).__name__}")
        try:
            self._key.verify(base64.b64decode(signature), digest, signing_padding(), _prehashed())
        except InvalidSignature:
            raise BadSignature(f"the signature of {name!r} does not fit") from None
        except (ValueError, TypeError) as problem:
            raise BadSignature(f"expected a base64 signature of {name!r}, but {problem}") from problem
