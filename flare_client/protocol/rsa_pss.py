"""How official software signs: RSA-PSS with SHA-256, MGF1 with SHA-256 and the longest salt.

Source: official 2.3.12-2.6.3 for the folders of jobs and startup kits, 2.7.3-2.9.0 for who is who on a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # cryptography takes longer to import than all of flare_client; signing pays for it, not the import
    from cryptography.hazmat.primitives.asymmetric import padding, rsa


def load_signing_key(private_key_pem: bytes) -> rsa.RSAPrivateKey:
    """Read a private key.

    Args:
        private_key_pem: an RSA key without passphrase.

    Raises:
        ValueError: it is no such key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see the top of the module
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        # The key is the user's own. To prove that it is a sound one takes longer than all signatures of a job, or the
        # rest of opening a session; what a bad one signs is refused by whoever verifies.
        key = load_pem_private_key(private_key_pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError(f"expected an RSA private key in PEM without passphrase, but {problem}") from problem
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"expected an RSA private key, but got {type(key).__name__}")
    return key


def signing_padding() -> padding.PSS:
    """What signing and verifying need beside the key and the hash."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

    return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
