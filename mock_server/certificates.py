"""X.509 certificates as a mock of official provisioning makes them: built, read and checked, without files.

Subjects and names are those of official provisioning (2.3-2.6): the CA is ``CN=<project>``; a user is ``CN=<name>,
O=<org>, unstructuredName=<role>`` with the name as dNSName too. The organisation of the CA, which every certificate
names as its issuer, and the unit of the server say that they are a mock's. Keys are RSA 2048 in the traditional PEM
form. Unlike official certificates these also carry the key identifiers and usages that Python 3.13 asks for by default.

All is made with cryptography: trustme, which the tests use for a foreign CA, can neither write the role nor name the
CA.
Validity counts in real time, as TLS libraries do, whatever clock the simulation has.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mock_server.guards import MOCK_ORG

VALIDITY = datetime.timedelta(days=360)
"""How long a certificate holds, as official provisioning has it."""

MAX_COMMON_NAME = 64
"""Characters of a common name, a limit of X.509."""

_MOST_PEERS = 1024
"""Certificates that are known again: a client of the socket dialect shows its own with every command."""
_BACKDATING = datetime.timedelta(minutes=10)
"""A client in a container or a virtual machine may have a clock that is a little behind."""

_KEY_BITS = 2048
_KEY_MARK = b"-----BEGIN RSA PRIVATE KEY-----"

Validity = tuple[datetime.datetime | None, datetime.datetime | None]


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who a certificate stands for.

    Attributes:
        name: the common name.
        org: the organisation, ``""`` where there is none.
        role: the role; ``None`` in the certificate of a site or a server.
    """

    name: str
    org: str
    role: str | None


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str | None:
    values = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else None


def identity_of(certificate: x509.Certificate) -> Identity:
    """Read who the owner of a certificate is."""
    subject = certificate.subject
    return Identity(
        name=_attribute(subject, NameOID.COMMON_NAME) or "",
        org=_attribute(subject, NameOID.ORGANIZATION_NAME) or "",
        role=_attribute(subject, NameOID.UNSTRUCTURED_NAME),
    )


@functools.lru_cache(_MOST_PEERS)
def peer_identity(der: bytes) -> Identity:
    """Read who the owner of a client certificate is.

    Args:
        der: the certificate, as the TLS layer gives it once it has verified it.

    Raises:
        ValueError: it is no certificate.
    """
    return identity_of(x509.load_der_x509_certificate(der))


def expiry_of(certificate: x509.Certificate) -> datetime.datetime:
    """Return when a certificate ceases to hold."""
    # cryptography 41 has only the name without zone, later releases warn about it.
    aware = getattr(certificate, "not_valid_after_utc", None)
    if isinstance(aware, datetime.datetime):
        return aware
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def utc_now() -> datetime.datetime:
    """Return the real time, in which certificates count."""
    return datetime.datetime.now(datetime.timezone.utc)


def new_key() -> rsa.RSAPrivateKey:
    """Make a key; takes 10 to 150 ms of one core, and lets other threads run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)


@dataclasses.dataclass(frozen=True)
class CertifiedKey:
    """A certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = dataclasses.field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key in traditional PEM, without passphrase."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )

    @property
    def pem(self) -> bytes:
        """Both, one after the other."""
        return self.certificate_pem + self.key_pem

    def is_issued_by(self, ca: x509.Certificate) -> bool:
        """Whether a CA signed the certificate."""
        try:
            self.certificate.verify_directly_issued_by(ca)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def load_certified_key(pem: bytes) -> CertifiedKey:
    """Read what ``CertifiedKey.pem`` wrote.

    Raises:
        ValueError: it is damaged, or certificate and key do not fit each other.
    """
    certificate_pem, mark, rest = pem.partition(_KEY_MARK)
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        # A key of our own making: to check it takes longer than all else that a server does to start.
        key = serialization.load_pem_private_key(mark + rest, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as problem:
        raise ValueError(f"expected a certificate and its RSA key in PEM, but {problem}") from problem
    if not isinstance(key, rsa.RSAPrivateKey) or certificate.public_key() != key.public_key():
        raise ValueError("expected a certificate and its RSA key in PEM, but they do not fit each other")
    return CertifiedKey(certificate, key)


def _subject(identity: Identity, unit: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, identity.name)]
    if unit:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    if identity.org:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.org))
    if identity.role:
        attributes.append(x509.NameAttribute(NameOID.UNSTRUCTURED_NAME, identity.role))
    return x509.Name(attributes)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sign(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: CertifiedKey | None,
    names: Sequence[x509.GeneralName],
    usage: x509.ObjectIdentifier | None,
    validity: Validity = (None, None),
) -> CertifiedKey:
    """Make a certificate; without an issuer it is a CA that vouches for itself."""
    now = utc_now()
    public = key.public_key()
    signer = issuer.key if issuer else key
    not_after = validity[1] or now + VALIDITY
    not_before = validity[0] or min(now, not_after) - _BACKDATING
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_key_usage(ca=issuer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return CertifiedKey(builder.sign(signer, hashes.SHA256()), key)


def make_ca(identity: Identity, key: rsa.RSAPrivateKey) -> CertifiedKey:
    """Make a root CA.

    Raises:
        ValueError: the name cannot stand in a certificate: empty, too long, or not ASCII.
    """
    return _sign(_subject(identity), key, None, [x509.DNSName(identity.name)], None)


def make_server(
    identity: Identity,
    hosts: Sequence[str],
    key: rsa.RSAPrivateKey,
    ca: CertifiedKey,
    validity: Validity = (None, None),
) -> CertifiedKey:
    """Make the certificate of a server.

    Args:
        identity: the name and the organisation of the server; it has no role.
        hosts: the names and addresses it is for; its own name need not be one of them.
        key: the key of the server.
        ca: the issuer.
        validity: as in ``make_user``.
    """
    names = [_host_name(host) for host in dict.fromkeys(hosts)]
    return _sign(_subject(identity, MOCK_ORG), key, ca, names, ExtendedKeyUsageOID.SERVER_AUTH, validity)


def make_user(
    identity: Identity, key: rsa.RSAPrivateKey, ca: CertifiedKey, validity: Validity = (None, None)
) -> CertifiedKey:
    """Make the certificate of a user, or of a site when there is no role.

    Args:
        identity: who it is for.
        key: the key of the user.
        ca: the issuer.
        validity: from when and until when it holds; now and ``VALIDITY`` later where ``None``.

    Raises:
        ValueError: the name cannot stand in a certificate, or the validity ends before it begins.
    """
    names = [x509.DNSName(identity.name)]
    return _sign(_subject(identity), key, ca, names, ExtendedKeyUsageOID.CLIENT_AUTH, validity)


def covers_host(server: CertifiedKey, host: str) -> bool:
    """Whether a server certificate is for a host."""
    names = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _host_name(host) in names
