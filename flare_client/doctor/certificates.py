"""What people want to know of a certificate: whose it is, who issued it, and when it holds."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

__all__ = ["common_name", "days", "end_of", "is_issued_by", "now", "organisation", "role", "start_of"]


def now() -> datetime.datetime:
    """The real time, in which certificates count."""
    return datetime.datetime.now(datetime.timezone.utc)


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""


def common_name(certificate: x509.Certificate) -> str:
    """Whose it is; empty where it does not say."""
    return _attribute(certificate.subject, NameOID.COMMON_NAME)


def organisation(certificate: x509.Certificate) -> str:
    """The organisation of its owner; empty where it does not say."""
    return _attribute(certificate.subject, NameOID.ORGANIZATION_NAME)


def role(certificate: x509.Certificate) -> str:
    """The role of its owner; empty in the certificate of a site or a server."""
    return _attribute(certificate.subject, NameOID.UNSTRUCTURED_NAME)


def _moment(certificate: x509.Certificate, name: str) -> datetime.datetime:
    # cryptography before 42 has the moments without a zone only, later ones warn of those.
    aware = getattr(certificate, f"{name}_utc", None)
    if isinstance(aware, datetime.datetime):
        return aware
    naive: datetime.datetime = getattr(certificate, name)
    return naive.replace(tzinfo=datetime.timezone.utc)


def start_of(certificate: x509.Certificate) -> datetime.datetime:
    """From when it holds."""
    return _moment(certificate, "not_valid_before")


def end_of(certificate: x509.Certificate) -> datetime.datetime:
    """Until when it holds."""
    return _moment(certificate, "not_valid_after")


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether an authority signed a certificate; dates do not count."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def days(span: datetime.timedelta) -> str:
    """A span of time in days, for people."""
    whole = abs(span).days
    return "less than a day" if whole == 0 else "a day" if whole == 1 else f"{whole} days"
