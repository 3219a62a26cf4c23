"""Foreign text, made fit to be shown and written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reports.text import encodable, plain, shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\r", "\\r"),
        ("\x9b", "\\x9b"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
        ("ä漢😀", "ä漢😀"),
    ],
)
def test_what_takes_a_terminal_over_is_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(), max_size=30))
def test_any_text_can_be_written(text: str) -> None:
    visible(text).encode("utf-8")
    assert encodable(encodable(text)) == encodable(text)
    assert json.loads(json.dumps(plain(text))) == encodable(text)


def test_objects_become_what_json_can_hold() -> None:
    assert plain({1: (b"x", float("inf"), None, True, 2.5)}) == {"1": ["b'x'", "inf", None, True, 2.5]}


def test_what_is_left_out_is_counted() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcdef", 2) == "ab… 4 more characters"
