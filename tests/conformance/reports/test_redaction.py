"""Redaction: what has a telling name is gone, in mappings and in text; what only looks like it stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reports.redaction import REDACTED, without_keys, without_secrets
from tests.conformance.reports.records import KEY, TOKEN

SECRETS: list[Any] = [
    {"token": TOKEN},
    {"__token__": TOKEN},
    {"__token_signature__": TOKEN},
    {"headers": [{"Authorization": TOKEN}]},
    {"type": "token", "data": TOKEN},
    {"data": [{"type": "token", "data": TOKEN}]},
    json.dumps({"data": [{"type": "token", "data": TOKEN}]}),
    json.dumps(json.dumps({"type": "token", "data": TOKEN})),
    json.dumps({"password": TOKEN, "x": 1}),
    f"session_token={TOKEN}; next",
    f"Authorization: Bearer {TOKEN}",
    f"private_key: '{TOKEN}'",
    f"_login admin {TOKEN}",
    {"confirm_nonce": TOKEN},
    {"session id": TOKEN},
    KEY.replace("MIIEowIBAAKCAQEA", TOKEN),
    f"-----BEGIN PRIVATE KEY-----\n{TOKEN}",  # cut off
]


@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_a_secret_is_gone(secret: Any) -> None:
    shown = json.dumps(without_secrets(secret))
    assert TOKEN not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "harmless",
    [
        {"submit_token": "mine"},  # chosen by the program to know its submission again
        {"token": ""},
        {"token": None},
        {"type": "string", "data": "token"},
        "submit_token=mine",
        "the token expired",
        '{"type": "string", "data": "hello"}',
        "tokens: 5",
        {"token": "<token 1f3a9c20: UUID 4>", "private_key": "<private key>"},
        'a reply {"token": "<token 1f3a9c20: UUID 4>"}',
        "token=<token 1f3a9c20: 24 characters>",
        "_login admin <password>",
        {"detail": [1, 2.5, True, None]},
    ],
    ids=str,
)
def test_what_is_no_secret_stays(harmless: Any) -> None:
    assert without_secrets(harmless) == harmless


@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_a_second_time_changes_nothing(secret: Any) -> None:
    once = without_secrets(secret)
    assert without_secrets(once) == once


@given(st.text(alphabet=st.sampled_from("token=:\"'\\ {},[]redacted-_\n"), max_size=60))
def test_any_text_is_stable_after_one_time(text: str) -> None:
    once = without_secrets(text)
    assert without_secrets(once) == once


def test_scripts_keep_their_examples() -> None:
    assert without_keys("token = 'abc'") == "token = 'abc'"
    assert without_keys(f"x\n{KEY}\ny") == f"x\n{REDACTED}\ny"
