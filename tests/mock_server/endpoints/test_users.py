"""Which certificates may log in a user from 2.9 on (source: official 2.9.0)."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flare_client.protocol.cellnet.proof import NotProven
from mock_server.certificates import new_key
from mock_server.endpoints.cellnet.users import check_use


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return new_key()


def certificate(key: rsa.RSAPrivateKey, *extensions: x509.ExtensionType, name: str = "admin@nvidia.com") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


NOT_A_CA = x509.BasicConstraints(ca=False, path_length=None)
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@pytest.mark.parametrize(
    "extensions",
    [(), (NOT_A_CA,), (usage(signs=True),), (CLIENT,), (BOTH,), (NOT_A_CA, usage(signs=True), CLIENT)],
    ids=["unrestricted", "no CA", "signs", "clients", "clients and servers", "all"],
)
def test_what_a_certificate_does_not_restrict_is_free(
    key: rsa.RSAPrivateKey, extensions: tuple[x509.ExtensionType, ...]
) -> None:
    der = certificate(key, *extensions)
    check_use(der)
    with pytest.raises(NotProven, match="'nvflare-admin' is none"):
        check_use(certificate(key, *extensions, name="nvflare-admin"))


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (x509.BasicConstraints(ca=True, path_length=None), "it is a CA's"),
        (usage(signs=False), "whose key may sign"),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), "for other purposes"),
    ],
    ids=["a CA", "no signatures", "servers"],
)
def test_a_certificate_for_something_else_is_refused(
    key: rsa.RSAPrivateKey, extension: x509.ExtensionType, words: str
) -> None:
    with pytest.raises(NotProven, match=words):
        check_use(certificate(key, extension))
