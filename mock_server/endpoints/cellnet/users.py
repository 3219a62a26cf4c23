"""Whether a certificate may log a user in, beyond being of the project's CA and holding now.

Source: official 2.9.0; before, only the signature counts.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flare_client.protocol.cellnet.proof import NotProven

PLACEHOLDER = "nvflare-admin"
"""A common name that stands for nobody."""


def check_use(der: bytes) -> None:
    """Check the purpose of a certificate; what it does not restrict is free.

    Args:
        der: the certificate of the user.

    Raises:
        NotProven: it is not made for users.
    """
    certificate = x509.load_der_x509_certificate(der)
    if any(name.value == PLACEHOLDER for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)):
        raise NotProven(f"expected the certificate of a user, but {PLACEHOLDER!r} is none")
    extensions = {type(extension.value): extension.value for extension in certificate.extensions}
    constraints = extensions.get(x509.BasicConstraints)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise NotProven("expected the certificate of a user, but it is a CA's")
    usage = extensions.get(x509.KeyUsage)
    if isinstance(usage, x509.KeyUsage) and not usage.digital_signature:
        raise NotProven("expected a certificate whose key may sign, but it may not")
    purposes = extensions.get(x509.ExtendedKeyUsage)
    if isinstance(purposes, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise NotProven("expected a certificate for clients, but it is for other purposes")
