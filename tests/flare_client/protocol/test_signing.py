"""Signatures of a folder: what one side signs the other verifies, and nothing else passes."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import sys

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import given, settings
from hypothesis import strategies as st

from flare_client.protocol.signing import (
    BadSignature,
    FolderSigner,
    FolderVerifier,
    UnreadableSignatures,
    digest_of,
    name_digest,
)

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def submitter(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("admin@example.com", key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def signer(submitter: trustme.LeafCert) -> FolderSigner:
    return FolderSigner(submitter.private_key_pem.bytes())


@pytest.fixture(scope="module")
def certificate(submitter: trustme.LeafCert) -> bytes:
    return submitter.cert_chain_pems[0].bytes()


@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=2000), cut=st.integers(min_value=1, max_value=500), name=names)
def test_what_is_signed_in_pieces_verifies_as_a_whole(
    content: bytes, cut: int, name: str, signer: FolderSigner, certificate: bytes
) -> None:
    pieces = [content[at : at + cut] for at in range(0, len(content), cut)]
    verifier = FolderVerifier(signer.sign({name: digest_of(pieces)}), certificate)
    verifier.check(name, digest_of([content]))
    with pytest.raises(BadSignature):
        verifier.check(name, digest_of([content, b"!"]))


def test_the_form_on_the_wire(signer: FolderSigner, certificate: bytes) -> None:
    """Checked without our verifier: the parameters are those that official servers use."""
    signatures = json.loads(signer.sign({"meta.json": digest_of([b"{}"]), "app": name_digest("app")}))
    key = load_pem_x509_certificate(certificate).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    key.verify(base64.b64decode(signatures["meta.json"], validate=True), b"{}", pss, hashes.SHA256())
    key.verify(base64.b64decode(signatures["app"], validate=True), b"app", pss, hashes.SHA256())


def test_an_entry_without_signature_passes(signer: FolderSigner, certificate: bytes) -> None:
    FolderVerifier(signer.sign({}), certificate).check("unsigned.txt", digest_of([b"anything"]))


def test_the_issuer_must_be_the_projects_ca(ca: trustme.CA, signer: FolderSigner, certificate: bytes) -> None:
    verifier = FolderVerifier(signer.sign({}), certificate)
    verifier.check_issuer(ca.cert_pem.bytes())
    with pytest.raises(BadSignature, match="another signed it"):
        verifier.check_issuer(trustme.CA(key_type=trustme.KeyType.RSA).cert_pem.bytes())


def test_a_submitter_who_brings_another_key_is_refused(ca: trustme.CA, certificate: bytes) -> None:
    other = FolderSigner(ca.issue_cert("b@example.com", key_type=trustme.KeyType.RSA).private_key_pem.bytes())
    verifier = FolderVerifier(other.sign({"a": digest_of([b"a"])}), certificate)
    with pytest.raises(BadSignature, match="does not fit"):
        verifier.check("a", digest_of([b"a"]))


@pytest.mark.parametrize("content", [b'{"a": 5}', b'{"a": "x"}', b'{"a": "AAAA"}', b'{"a": ["x"]}', b"[]", b'"a"'])
def test_a_malformed_signature_is_refused(content: bytes, certificate: bytes) -> None:
    with pytest.raises(BadSignature):
        FolderVerifier(content, certificate).check("a", digest_of([b"a"]))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}\x00", b"[" * 100_000])
def test_an_unreadable_signature_file_is_told_from_a_bad_one(content: bytes, certificate: bytes) -> None:
    with pytest.raises(UnreadableSignatures):
        FolderVerifier(content, certificate)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_an_unreadable_certificate_is_told_from_a_bad_one(content: bytes) -> None:
    with pytest.raises(UnreadableSignatures):
        FolderVerifier(b"{}", content)


def test_a_submitter_with_another_kind_of_key_is_refused(ca: trustme.CA) -> None:
    elliptic = ca.issue_cert("e@example.com", key_type=trustme.KeyType.ECDSA).cert_chain_pems[0].bytes()
    with pytest.raises(BadSignature, match="RSA key"):
        FolderVerifier(b'{"a": "AAAA"}', elliptic).check("a", digest_of([b"a"]))


_RSA_KEY, _SHA256_WITH_RSA = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010b")


def _altered(certificate: bytes, old: bytes, new: bytes) -> bytes:
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    assert old in der
    return ssl.DER_cert_to_PEM_cert(der.replace(old, new)).encode()


@pytest.mark.parametrize(
    ("old", "new"), [(_RSA_KEY, _RSA_KEY[:-1] + b"\x7f"), (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09")]
)
def test_a_certificate_of_an_unknown_kind_is_unreadable(certificate: bytes, old: bytes, new: bytes) -> None:
    with pytest.raises(UnreadableSignatures):
        FolderVerifier(b"{}", _altered(certificate, old, new))


def test_a_certificate_signed_in_an_unknown_way_is_not_the_cas(ca: trustme.CA, certificate: bytes) -> None:
    odd = _altered(certificate, _SHA256_WITH_RSA, _SHA256_WITH_RSA[:-1] + b"\x7f")
    with pytest.raises(BadSignature, match="as RSA does"):
        FolderVerifier(b"{}", odd).check_issuer(ca.cert_pem.bytes())


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, passphrase: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def test_only_an_open_rsa_key_signs() -> None:
    for unusable in (b"", b"no key", _pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(ValueError, match="expected an RSA private key"):
            FolderSigner(unusable)
    with pytest.raises(ValueError, match="without passphrase"):
        FolderSigner(_pem(rsa.generate_private_key(65537, 2048), b"secret"))


def test_importing_the_module_does_not_import_cryptography() -> None:
    program = "import sys, flare_client.protocol.signing; print(any(m.startswith('cryptography') for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
