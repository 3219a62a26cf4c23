"""Challenge, registration and tokens: both sides against each other, and every forgery refused."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flare_client.protocol.cellnet import auth, tokens
from flare_client.protocol.cellnet.fobs import Shareable, decode, encode
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.errors import RemoteProtocolError
from mock_server.pki import Pki

USER = "admin@nvidia.com"


@dataclasses.dataclass(frozen=True)
class Party:
    """Whoever has a certificate and its key."""

    certificate: bytes
    signer: Signer
    name: str


def party(pki: Pki, name: str) -> Party:
    issued = pki.issue_user(name, "nvidia", "project_admin")
    return Party(issued.certificate_pem, Signer(issued.key_pem), name)


@pytest.fixture(scope="module")
def pki() -> Iterator[Pki]:
    made = Pki("example_project", None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def strangers() -> Iterator[Pki]:
    made = Pki.foreign()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(pki: Pki) -> Party:
    return party(pki, "server")


@pytest.fixture(scope="module")
def user(pki: Pki) -> Party:
    return party(pki, USER)


def over_the_wire(content: Any) -> Any:
    return decode(encode(content))


def test_the_whole_exchange(pki: Pki, server: Party, user: Party) -> None:
    reply = auth.challenge_reply(server.signer, server.certificate, "server", "n1", "n2")
    proven = auth.check_challenge_reply(over_the_wire(reply), "server", pki.ca_pem, "n1")
    request = auth.register_request(user.signer, user.certificate, USER, proven.nonce)
    assert auth.check_register_request(over_the_wire(request), USER, pki.ca_pem, "n2").common_name == USER
    versions = {"federation_protocol_version": 1, "nvflare_version": "2.9.0", "odd": 1}
    answer = auth.register_reply(server.signer, USER, "t", "NA", versions)
    assert "odd" not in answer
    credentials = auth.check_register_reply(over_the_wire(answer), USER, proven.verifier)
    assert tokens.check_credentials(credentials.headers(), Verifier(server.certificate)) == USER
    own = tokens.server_credentials(server.signer)
    assert tokens.check_credentials(own.headers(), proven.verifier) == "server"
    assert "ssid" not in own.headers()
    assert credentials.headers()["ssid"] == "NA"


def test_a_server_that_is_another_is_refused(pki: Pki, server: Party, strangers: Pki, user: Party) -> None:
    def check(reply: Shareable, identity: str = "server", nonce: str = "n1") -> None:
        with pytest.raises(NotProven):
            auth.check_challenge_reply(reply, identity, pki.ca_pem, nonce)

    good = auth.challenge_reply(server.signer, server.certificate, "server", "n1", "n2")
    check(good, identity="other")
    check(good, nonce="n3")  # a reply that was recorded
    check(auth.challenge_reply(user.signer, user.certificate, "server", "n1", "n2"))  # another's certificate
    check(auth.challenge_reply(user.signer, server.certificate, "server", "n1", "n2"))  # another's key
    foreign = party(strangers, "server")
    check(auth.challenge_reply(foreign.signer, foreign.certificate, "server", "n1", "n2"))
    check(Shareable({**good.items, "cert": b"no PEM"}))
    check(Shareable({**good.items, "signature": b"short"}))
    check(Shareable({**good.items, "signature": None}))
    check(Shareable({**good.items, "signature": "no base64!"}))


@pytest.mark.parametrize("missing", ["nonce", "cn", "cert"])
def test_a_challenge_reply_without_a_field_is_a_fault(pki: Pki, server: Party, missing: str) -> None:
    reply = auth.challenge_reply(server.signer, server.certificate, "server", "n1", "n2")
    short = Shareable({name: value for name, value in reply.items.items() if name != missing})
    with pytest.raises(RemoteProtocolError, match=missing):
        auth.check_challenge_reply(short, "server", pki.ca_pem, "n1")
    with pytest.raises(RemoteProtocolError, match="expected a map"):
        auth.check_challenge_reply([1], "server", pki.ca_pem, "n1")


def test_a_user_who_is_another_is_refused(pki: Pki, server: Party, user: Party, strangers: Pki) -> None:
    def check(request: Shareable, name: str = USER, nonce: str = "n2") -> None:
        with pytest.raises(NotProven):
            auth.check_register_request(request, name, pki.ca_pem, nonce)

    good = auth.register_request(user.signer, user.certificate, USER, "n2")
    check(good, name="lead@nvidia.com")
    check(good, nonce="n3")  # a registration that was recorded
    check(auth.register_request(server.signer, user.certificate, USER, "n2"))
    foreign = party(strangers, USER)
    check(auth.register_request(foreign.signer, foreign.certificate, USER, "n2"))


def test_a_refused_registration_and_a_forged_token_are_noticed(server: Party, user: Party) -> None:
    verifier = Verifier(server.certificate)
    with pytest.raises(NotProven, match="refuses the registration"):
        auth.check_register_reply({}, USER, verifier)
    with pytest.raises(NotProven, match="does not fit"):
        auth.check_register_reply(auth.register_reply(user.signer, USER, "t", "NA"), USER, verifier)
    with pytest.raises(RemoteProtocolError, match="__token__"):
        auth.check_register_reply({"a": 1}, USER, verifier)


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "lead@nvidia.com"},
        {"__token__": "other"},
        {"__token_signature__": ""},
        {"__token_signature__": "AAAA"},
        {"client_name": None},
        {"__token__": 5},
    ],
)
def test_forged_credentials_prove_nothing(server: Party, change: dict[str, Any]) -> None:
    good = tokens.Credentials(USER, "t", server.signer.sign_text(USER + "t"), "NA").headers()
    assert tokens.check_credentials(good, Verifier(server.certificate)) == USER
    with pytest.raises(NotProven):
        tokens.check_credentials({**good, **change}, Verifier(server.certificate))


def test_the_admin_token_is_read_by_who_signed_it(server: Party, user: Party) -> None:
    claims = {"n": USER, "r": "project_admin", "o": "nvidia", "s": "id", "study": "default"}
    token = tokens.admin_token(server.signer, claims)
    assert token.count(":") == 1
    assert tokens.read_admin_token(token, Verifier(server.certificate)) == claims
    for forged in (
        tokens.admin_token(user.signer, claims),
        "",
        ":",
        token[4:],
        token + "x",
        "AAAA:" + token.split(":")[1],
    ):
        with pytest.raises(NotProven):
            tokens.read_admin_token(forged, Verifier(server.certificate))


def test_keys_and_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Signer(b"no key")
    with pytest.raises(NotProven, match="certificate in PEM"):
        Verifier(b"no certificate")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01017f")),  # the kind of key
        (bytes.fromhex("a003020102"), bytes.fromhex("a003020109")),  # the version
        (bytes.fromhex("0603550403"), bytes.fromhex("0683550403")),  # the name
    ],
)
def test_a_certificate_of_an_unknown_kind_proves_nothing(user: Party, old: bytes, new: bytes) -> None:
    der = ssl.PEM_cert_to_DER_cert(user.certificate.decode())
    assert old in der
    with pytest.raises(NotProven, match="certificate in PEM"):
        Verifier(ssl.DER_cert_to_PEM_cert(der.replace(old, new)).encode())
