"""The certificate authority: what its certificates say, who accepts them, and what survives a restart."""

from __future__ import annotations

import datetime
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mock_server import certificates
from mock_server.certificates import identity_of
from mock_server.pki import MOCK_ORG, SERVER, Credentials, Identity, Pki, PkiError, peer_identity

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def pki() -> Iterator[Pki]:
    pki = Pki("example_project", host="mock.example")
    yield pki
    pki.close()


def client_context(folder: Path, ca_pem: bytes, certificate_pem: bytes, key_pem: bytes) -> ssl.SSLContext:
    """What a careful client uses: the strictest checks that OpenSSL has."""
    context = ssl.create_default_context(cadata=ca_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    path = folder / "client.pem"
    path.write_bytes(certificate_pem + key_pem)
    context.load_cert_chain(path)
    return context


def user_context(folder: Path, pki: Pki, user: Credentials) -> ssl.SSLContext:
    return client_context(folder, pki.ca_pem, user.certificate_pem, user.key_pem)


def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost", session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Shake hands in memory and exchange a byte, and return the server's side and the client's."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_out, server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = server.wrap_bio(to_server, server_out, server_side=True)
    client_side = client.wrap_bio(to_client, client_out, server_hostname=host, session=session)
    unfinished = [client_side, server_side]
    for _ in range(10):
        for side in list(unfinished):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            else:
                unfinished.remove(side)
            to_server.write(client_out.read())
            to_client.write(server_out.read())
    assert not unfinished
    server_side.write(b"!")
    to_client.write(server_out.read())
    assert client_side.read(1) == b"!"  # TLS 1.3 brings the session tickets with it
    return server_side, client_side


@pytest.mark.parametrize("host", ["mock.example", "localhost", "127.0.0.1"])
def test_a_strict_client_accepts_the_server_under_each_of_its_names(pki: Pki, tmp_path: Path, host: str) -> None:
    user = pki.issue_user("admin@nvidia.com", "nvidia", "project_admin")
    server_side, client_side = handshake(pki.server_context(), user_context(tmp_path, pki, user), host)
    certificate = server_side.getpeercert(binary_form=True)
    assert certificate is not None
    assert peer_identity(certificate) == Identity("admin@nvidia.com", "nvidia", "project_admin")
    assert client_side.version() in ("TLSv1.2", "TLSv1.3")


def test_a_strict_server_accepts_the_user(tmp_path: Path) -> None:
    pki = Pki()
    strict = pki.server_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(strict, user_context(tmp_path, pki, pki.issue_user("admin@nvidia.com")))
    pki.close()


def test_the_server_is_not_strict_with_official_certificates(pki: Pki) -> None:
    assert not pki.server_context().verify_flags & ssl.VERIFY_X509_STRICT


def test_a_second_connection_resumes_the_session(pki: Pki, tmp_path: Path) -> None:
    user = pki.issue_user("admin@nvidia.com")
    client = user_context(tmp_path, pki, user)
    _, first = handshake(pki.server_context(), client)
    server_side, second = handshake(pki.server_context(), client, session=first.session)
    assert second.session_reused
    certificate = server_side.getpeercert(binary_form=True)
    assert certificate is not None
    assert peer_identity(certificate).name == "admin@nvidia.com"


def test_sessions_are_remembered_in_bounds(pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever never resumes leaves a session behind with each connection; one that was forgotten shakes hands anew."""
    monkeypatch.setattr("mock_server.pki.MOST_SESSIONS", 3)
    client = user_context(tmp_path, pki, pki.issue_user("admin@nvidia.com"))
    _, first = handshake(pki.server_context(), client)
    remembered = []
    for _ in range(8):
        handshake(pki.server_context(), client)
        remembered.append(pki.server_context().session_stats()["number"])
    assert max(remembered) <= 4
    assert 0 in remembered
    _, second = handshake(pki.server_context(), client, session=first.session)
    assert not second.session_reused


def test_subjects_and_keys_are_those_of_official_provisioning(pki: Pki) -> None:
    user = pki.issue_user("lead@other.com", "other", "lead")
    certificate = x509.load_pem_x509_certificate(user.certificate_pem)
    assert [attribute.oid for attribute in certificate.subject] == [
        NameOID.COMMON_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.UNSTRUCTURED_NAME,
    ]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["lead@other.com"]
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert user.key_pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
    assert user.identity == Identity("lead@other.com", "other", "lead")
    ca = certificates.identity_of(x509.load_pem_x509_certificate(pki.ca_pem))
    assert ca == Identity("example_project", MOCK_ORG, None)


def test_a_site_certificate_has_no_role(pki: Pki) -> None:
    assert pki.issue_user("site-1", "nvidia", None).identity == Identity("site-1", "nvidia", None)


def test_an_empty_organisation_is_left_out(pki: Pki) -> None:
    assert pki.issue_user("a@b.c", "", "lead").identity == Identity("a@b.c", "", "lead")


def test_the_same_user_has_the_same_certificate(pki: Pki) -> None:
    assert pki.issue_user("same@nvidia.com") == pki.issue_user("same@nvidia.com")
    assert pki.issue_user("same@nvidia.com") != pki.issue_user("same@nvidia.com", role="lead")


def test_users_may_be_issued_from_several_threads(pki: Pki) -> None:
    issued: list[Credentials] = []
    threads = [threading.Thread(target=lambda: issued.append(pki.issue_user("t@nvidia.com"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(issued) == 4
    assert len({user.certificate_pem for user in issued}) == 1


def test_the_key_is_not_in_the_text_of_credentials(pki: Pki) -> None:
    assert "PRIVATE" not in repr(pki.issue_user("same@nvidia.com"))


@pytest.mark.parametrize(
    ("not_before", "not_after"), [(None, NOW - DAY), (NOW - 3 * DAY, NOW - DAY), (NOW + DAY, None)]
)
def test_an_expired_or_early_certificate_is_refused_by_the_server(
    pki: Pki, tmp_path: Path, not_before: datetime.datetime | None, not_after: datetime.datetime | None
) -> None:
    user = pki.issue_user("admin@nvidia.com", not_before=not_before, not_after=not_after)
    with pytest.raises(ssl.SSLError, match=r"expired|not yet valid|CERTIFICATE"):
        handshake(pki.server_context(), user_context(tmp_path, pki, user))


def test_a_certificate_for_another_name_says_so(pki: Pki) -> None:
    user = pki.issue_user("admin@nvidia.com", common_name="other@nvidia.com")
    assert user.identity.name == "other@nvidia.com"
    assert pki.issue_user("admin@nvidia.com").identity.name == "admin@nvidia.com"


def test_a_user_of_a_foreign_authority_of_the_same_name_is_refused(pki: Pki, tmp_path: Path) -> None:
    foreign = Pki.foreign(pki.project)
    user = foreign.issue_user("admin@nvidia.com")
    foreign.close()
    with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_VERIFY_FAILED|certificate"):
        handshake(pki.server_context(), user_context(tmp_path, pki, user))


def test_a_user_of_an_unrelated_authority_is_refused(pki: Pki, tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("admin@nvidia.com")
    client = client_context(tmp_path, pki.ca_pem, leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())
    with pytest.raises(ssl.SSLError):
        handshake(pki.server_context(), client)


def test_a_client_without_certificate_is_refused(pki: Pki) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(pki.server_context(), ssl.create_default_context(cadata=pki.ca_pem.decode()))


def test_a_server_of_a_foreign_authority_is_refused_by_the_client(pki: Pki, tmp_path: Path) -> None:
    foreign = Pki.foreign(pki.project)
    client = user_context(tmp_path, pki, pki.issue_user("admin@nvidia.com"))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(foreign.server_context(), client)
    foreign.close()


def test_the_tls_settings_are_made_once(pki: Pki) -> None:
    assert pki.server_context() is pki.server_context()
    assert pki.server_context().minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a\\b", "é@nvidia.com", "a\nb", "x" * 65])
def test_a_name_that_fits_no_certificate_or_folder_is_refused(pki: Pki, name: str) -> None:
    with pytest.raises(PkiError, match="expected a user name"):
        pki.issue_user(name)


def test_dates_in_the_wrong_order_are_refused(pki: Pki) -> None:
    with pytest.raises(PkiError, match="expected a user that fits"):
        pki.issue_user("a@b.c", not_before=NOW, not_after=NOW - DAY)


@pytest.mark.parametrize("project", ["", "p" * 65, "prøject"])
def test_a_project_name_that_fits_no_certificate_is_refused(project: str) -> None:
    with pytest.raises(PkiError, match="expected a project name"):
        Pki(project)


@pytest.mark.parametrize("host", ["", "höst"])
def test_a_host_that_fits_no_certificate_is_refused(host: str) -> None:
    with pytest.raises(PkiError, match="expected a host name"):
        Pki(host=host)


def test_what_is_no_certificate_has_no_identity() -> None:
    with pytest.raises(ValueError, match=r"."):
        peer_identity(b"no certificate")


def test_no_thread_outlives_the_keys() -> None:
    pki = Pki()
    pki.close()
    pki.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("flare-mock-key")]
    assert pki.issue_user("late@nvidia.com").identity.name == "late@nvidia.com"


# --- kept on disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, Pki, Credentials]:
    directory = tmp_path / "kept"
    pki = Pki("example_project", directory, host="mock.example")
    user = pki.issue_user("admin@nvidia.com")
    pki.close()
    return directory, pki, user


Stored = tuple[Path, Pki, Credentials]


def test_the_same_folder_gives_the_same_certificates(stored: Stored) -> None:
    directory, first, user = stored
    server = (directory / "server.pem").read_bytes()
    again = Pki("example_project", directory, host="mock.example")
    assert again.ca_pem == first.ca_pem
    assert again.issue_user("admin@nvidia.com") == user
    assert (directory / "server.pem").read_bytes() == server


def test_keys_are_the_owners_alone(stored: Stored) -> None:
    directory, _, _ = stored
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["admin@nvidia.com.pem", "ca.pem", "server.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / "users")} == {0o700}


def test_certificates_that_are_wrong_on_purpose_are_not_kept(stored: Stored) -> None:
    directory, pki, user = stored
    pki.issue_user("admin@nvidia.com", not_after=NOW - DAY)
    pki.issue_user("admin@nvidia.com", common_name="other@nvidia.com")
    assert Pki("example_project", directory).issue_user("admin@nvidia.com") == user


def test_a_user_whose_role_changed_gets_a_new_certificate(stored: Stored) -> None:
    directory, _, user = stored
    again = Pki("example_project", directory).issue_user("admin@nvidia.com", role="lead")
    assert again.identity.role == "lead"
    assert again.certificate_pem != user.certificate_pem


def test_a_server_on_another_host_gets_a_new_certificate_of_the_same_ca(stored: Stored, tmp_path: Path) -> None:
    directory, first, user = stored
    again = Pki("example_project", directory, host="other.example")
    assert again.ca_pem == first.ca_pem
    handshake(again.server_context(), user_context(tmp_path, first, user), "other.example")


def test_the_server_bears_a_name_of_its_own_whatever_its_host_is(stored: Stored) -> None:
    _, pki, _ = stored
    certificate = x509.load_pem_x509_certificate(pki.server_certificate_pem)
    assert identity_of(certificate) == SERVER == Identity("server", "nvidia", None)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mock.example", "localhost"]


def test_a_stored_server_of_another_name_gets_a_new_certificate(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, first, _ = stored
    with monkeypatch.context() as patch:
        patch.setattr("mock_server.pki.SERVER", Identity("mock.example", "", None))
        Pki("example_project", directory, host="mock.example").close()
    again = Pki("example_project", directory, host="mock.example")
    assert identity_of(x509.load_pem_x509_certificate(again.server_certificate_pem)) == SERVER
    assert again.ca_pem == first.ca_pem


def test_without_its_ca_the_rest_of_the_folder_is_made_anew(stored: Stored, tmp_path: Path) -> None:
    directory, _, _ = stored
    (directory / "ca.pem").unlink()
    again = Pki("example_project", directory, host="mock.example")
    handshake(again.server_context(), user_context(tmp_path, again, again.issue_user("admin@nvidia.com")))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("ca.pem", "delete the folder"),
        ("server.pem", "delete this file"),
        ("users/admin@nvidia.com.pem", "delete this file"),
    ],
)
@pytest.mark.parametrize("keep", [0, 100, 1400])
def test_a_damaged_file_is_named_with_its_remedy(stored: Stored, name: str, remedy: str, keep: int) -> None:
    directory, _, _ = stored
    path = directory / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PkiError, match=remedy) as caught:
        Pki("example_project", directory, host="mock.example").issue_user("admin@nvidia.com")
    assert str(path) in str(caught.value)


def test_a_key_of_another_certificate_is_damage(stored: Stored) -> None:
    directory, _, user = stored
    path = directory / "server.pem"
    path.write_bytes(path.read_bytes().partition(b"-----BEGIN RSA")[0] + user.key_pem)
    with pytest.raises(PkiError, match="do not fit each other"):
        Pki("example_project", directory, host="mock.example")


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "users/admin@nvidia.com.pem"])
def test_an_expired_file_is_named_with_its_date(stored: Stored, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, _, _ = stored
    path = directory / name
    expiry = certificates.expiry_of(certificates.load_certified_key(path.read_bytes()).certificate)
    # The file in question is the only one that is over at that moment: the others are made a little younger.
    monkeypatch.setattr("mock_server.pki.expiry_of", lambda certificate: _aged(certificate, path, expiry))
    with pytest.raises(PkiError, match=r"expired on .*delete") as caught:
        Pki("example_project", directory, host="mock.example").issue_user("admin@nvidia.com")
    assert str(path) in str(caught.value)


def _aged(certificate: x509.Certificate, path: Path, expiry: datetime.datetime) -> datetime.datetime:
    aged = certificates.load_certified_key(path.read_bytes()).certificate
    return NOW - DAY if certificate == aged else expiry


def test_the_folder_of_another_project_is_refused(stored: Stored) -> None:
    directory, _, _ = stored
    with pytest.raises(PkiError, match=r"expected the CA of project 'other'.*delete the folder"):
        Pki("other", directory)
