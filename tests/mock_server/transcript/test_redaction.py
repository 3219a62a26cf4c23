"""No secret is ever shown, whatever it stands in; what is shown is plain, of bounded size, and tells secrets apart."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet.fobs import FLContext, Shareable
from mock_server.pki import Pki
from mock_server.transcript.redaction import Redactor, describe_bytes

SECRET = "9f8c1a52-6b1e-4d0c-9f4e-3a1b2c3d4e5f"
NAMES = ("__token__", "token", "__token_signature__", "signature", "nonce", "SESSION ID", "password", "private_key")

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
WRAPPED = st.recursive(
    st.one_of(
        st.sampled_from(NAMES).map(lambda name: {name: SECRET}),
        st.sampled_from(NAMES).map(lambda name: Shareable({"a": 1}, {name: SECRET})),
        st.just({"type": "token", "data": SECRET}),
        st.just(json.dumps({"time": "", "data": [{"type": "token", "data": SECRET}], "meta": {}})),
        st.just([["USER", "SESSION ID"], ["somebody", SECRET]]),
        st.just({"signature": SECRET.encode()}),
    ),
    lambda inner: st.lists(inner | PLAIN, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
    max_leaves=4,
)


@given(WRAPPED)
def test_a_secret_in_its_place_is_never_shown(value: Any) -> None:
    shown = json.dumps(Redactor().plain(value))
    assert SECRET not in shown
    assert SECRET.encode().hex() not in shown


@pytest.mark.parametrize("blanks", ["", " ", "\n", "\t \r\n"])
def test_the_token_of_an_envelope_is_found_however_that_is_written(blanks: str) -> None:
    envelope = json.dumps({"data": [{"data": SECRET, "type": "token"}]}, indent=3).replace("token", "\\u0074oken")
    shown = Redactor().plain(blanks + envelope.replace(SECRET[:2], "\\u0039f", 1))
    assert SECRET not in json.dumps(shown)
    assert SECRET[4:] not in json.dumps(shown)
    assert shown["json"]["data"][0]["data"].startswith("<token ")


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from([" ", ":", "=", '"', "/", ""]))
def test_a_secret_that_is_known_is_found_in_any_text(before: str, after: str, between: str) -> None:
    redactor = Redactor()
    redactor.learn(SECRET, "session")
    assert SECRET not in json.dumps(redactor.plain(before + between + SECRET + between + after))


@pytest.mark.parametrize("secret", ["QUJD" * 20 + "==", "eyJuIjogImFkbWluIn0=:" + "c2lnbmF0dXJl" * 9])
def test_long_secrets_are_found_in_texts(secret: str) -> None:
    redactor = Redactor()
    redactor.learn(secret, "token")
    for text in (secret, f"list_jobs {secret}", f"<{secret}>", f'{{"{secret}"'):
        assert secret not in json.dumps(redactor.plain(text))


@given(PLAIN)
def test_what_is_shown_is_plain_and_small(value: Any) -> None:
    assert len(json.dumps(Redactor().plain(value))) < 100_000


def test_what_is_shown_is_bounded_in_every_direction() -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = [deep]
    wide = {str(number): ["x" * 10_000] * 1000 for number in range(1000)}
    for value in (deep, wide, "x" * 10_000_000, b"x" * 10_000_000, [[{}] * 500] * 500):
        assert len(json.dumps(Redactor().plain(value))) < 200_000


def test_a_mark_tells_secrets_apart_and_says_their_form() -> None:
    redactor, other = Redactor(), Redactor()
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    assert redactor.mark(one, "token") == redactor.mark(one, "token")
    assert redactor.mark(one, "token") != redactor.mark(two, "token")
    assert redactor.mark(one, "token") != other.mark(one, "token")
    assert str(redactor.mark(one, "nonce")).endswith(": UUID 4>")
    assert str(redactor.mark("x" * 344, "signature")).endswith(": 344 characters>")
    assert str(redactor.mark(b"x" * 256, "signature")).endswith(": 256 bytes>")


def test_the_server_s_own_token_is_no_secret() -> None:
    assert Redactor().plain({"__token__": "server", "token": None}) == {"__token__": "server", "token": None}


def test_passwords_and_keys_are_hidden_in_texts() -> None:
    redactor = Redactor()
    assert redactor.text("_login admin my pass") == "_login admin <password>"
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert redactor.text(f"before {key} after") == "before <private key> after"
    assert redactor.text(key[:40]) == "<private key>"


def test_a_certificate_is_its_subject_and_fingerprint() -> None:
    pki = Pki("project", None, host="127.0.0.1")
    try:
        pem = pki.issue_user("lead@nvidia.com", "nvidia", "lead").certificate_pem
    finally:
        pki.close()
    shown = Redactor().plain({"cert": pem, "text": f"my {pem.decode()}"})
    assert "CN=lead@nvidia.com" in shown["cert"]
    assert "sha256:" in shown["cert"]
    assert "BEGIN" not in json.dumps(shown)
    assert "cannot be read" in Redactor().plain({"cert": b"-----nonsense"})["cert"]


def test_objects_of_fobs_are_plain_data() -> None:
    value = Shareable({"size": 3}, {"__peer_ctx__": FLContext({"__identity_name__": "lead"})})
    expected = {"Shareable": {"size": 3, "__headers__": {"__peer_ctx__": {"FLContext": {"__identity_name__": "lead"}}}}}
    assert Redactor().plain(value) == expected


def test_binary_data_is_its_size_a_hash_and_how_it_begins() -> None:
    described = describe_bytes(b"PK" + bytes(100_000))
    assert described["size"] == 100_002
    assert described["begins"] == "504b" + "00" * 14
    assert described["sha256"] != describe_bytes(b"PK" + b"x" * 100_000)["sha256"]


@pytest.mark.parametrize("form", ["{}", "token={}", "token:{}", "{}=x", "a=b:{}", "({})"])
def test_a_known_secret_with_marks_in_it_is_found_in_any_text(form: str) -> None:
    redactor = Redactor()
    secret = "abc+/~=0123456789=XYZ.0123456789"
    redactor.learn(secret, "session")
    shown = redactor.text(form.format(secret))
    assert "0123456789" not in shown
    assert "<session " in shown
