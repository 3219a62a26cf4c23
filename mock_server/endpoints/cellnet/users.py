"""Whether a certificate may log a user in, beyond being of the project's CA.

Source: official 2.9.0, which looks at all of this; before, only the signature counts.
"""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flare_client.protocol.cellnet.proof import NotProven

PLACEHOLDER = "nvflare-admin"
"""A common name that stands for nobody."""


def check_use(certificate: x509.Certificate, now: datetime.datetime) -> None:
    """Check dates and purpose of a certificate; what it does not restrict is free.

    Args:
        certificate: of the user.
        now: with a zone.

    Raises:
        NotProven: it does not hold now, or is not made for users.
    """
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not start <= now <= end:
        raise NotProven(f"expected a certificate that holds at {now}, but this one holds from {start} to {end}")
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
