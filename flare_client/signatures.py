"""The signature files that the client adds to each folder of a job; their format is the protocol's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flare_client.archives import Signer
from flare_client.kit import StartupKit
from flare_client.protocol.signing import CERTIFICATE_FILE, SIGNATURE_FILE, FolderSigner, digest_of

_BLOCK = 1024 * 1024


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as content:
        return digest_of(iter(lambda: content.read(_BLOCK), b""))


def folder_signer(kit: StartupKit) -> Signer:
    """Return the function that signs one folder with the key of a kit.

    Args:
        kit: a kit with certificate and key.

    Raises:
        OSError: the certificate or the key cannot be read.
        ValueError: the key is no RSA key, which the wire asks for.
    """
    if kit.client_key is None or kit.client_cert is None:
        raise ValueError("expected a kit with a certificate and a key to sign with, but it has none")
    certificate = kit.client_cert.read_bytes()
    signer = FolderSigner(kit.client_key.read_bytes())

    def sign(folder: Path) -> Mapping[str, bytes]:
        names = {}
        for child in sorted(folder.iterdir()):
            if child.name in (CERTIFICATE_FILE, SIGNATURE_FILE):
                continue
            # The signature of a sub-folder covers its name; its content has signatures of its own.
            names[child.name] = digest_of([child.name.encode("utf-8")]) if child.is_dir() else _file_digest(child)
        return {SIGNATURE_FILE: signer.sign(names), CERTIFICATE_FILE: certificate}

    return sign
