"""The envelope: what is read, what is refused, and that reading undoes writing."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.envelope import Envelope, Item, ItemType, read_envelope, request
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import Limits

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=8,
)
text_items = st.builds(
    Item,
    st.sampled_from([t for t in ItemType if t is not ItemType.TABLE]),
    st.text() | st.dictionaries(st.text(), json_values, max_size=3),
)
table_items = st.builds(Item, st.just(ItemType.TABLE), st.lists(st.lists(json_values, max_size=3), max_size=3))
envelopes = st.builds(
    Envelope,
    st.lists(text_items | table_items, max_size=5).map(tuple),
    st.dictionaries(st.text(), json_values, min_size=1, max_size=4),
    st.text(),
)


@given(envelopes)
def test_what_was_written_is_read_back(envelope: Envelope) -> None:
    read = read_envelope(envelope.encode().decode("ascii"))
    assert read.items == envelope.items
    assert read.meta == envelope.meta


@given(envelopes)
def test_an_envelope_is_ascii_and_holds_no_terminator(envelope: Envelope) -> None:
    encoded = envelope.encode()
    assert max(encoded) < 0x80
    assert b"\x03" not in encoded
    assert b"\x04" not in encoded


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[1]",
        "{}",
        '{"data": {}}',
        '{"data": [1]}',
        '{"data": [{"data": "x"}]}',
        '{"data": [{"type": "foo", "data": "x"}]}',
        '{"data": [{"type": ["string"], "data": "x"}]}',
        '{"data": [{"type": "string", "data": 5}]}',
        '{"data": [{"type": "string"}]}',
        '{"data": [{"type": "table", "rows": "x"}]}',
        '{"data": [{"type": "table", "rows": ["x"]}]}',
    ],
)
def test_a_message_with_one_invalid_part_is_invalid_as_a_whole(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        read_envelope(text)


def test_time_and_meta_may_be_missing_and_unknown_keys_are_ignored() -> None:
    read = read_envelope('{"data": [{"type": "string", "data": "x", "colour": 1}], "extra": []}')
    assert read.items == (Item(ItemType.STRING, "x"),)
    assert not read.has_meta


def test_deep_nesting_is_refused_before_it_is_parsed() -> None:
    bomb = '{"data": [' + "[" * 100_000 + "]" * 100_000 + "]}"
    with pytest.raises(RemoteProtocolError, match="nested at most 64 deep"):
        read_envelope(bomb)


@pytest.mark.parametrize("end", ["\\\n", "\\", ""])
def test_quotes_that_never_end_cost_no_more_than_their_length(end: str) -> None:
    began = time.thread_time()
    with pytest.raises(RemoteProtocolError):
        read_envelope('{"data": "' + '\\"' * 100_000 + end + "[" * 65)
    assert time.thread_time() - began < 5


def test_brackets_inside_text_do_not_count_as_nesting() -> None:
    text = json.dumps({"data": [{"type": "string", "data": "[{" * 200 + '\\"'}]})
    assert read_envelope(text, Limits(depth=4)).first(ItemType.STRING) == "[{" * 200 + '\\"'


def test_what_json_cannot_hold_is_our_own_error() -> None:
    with pytest.raises(LocalProtocolError, match="JSON can hold"):
        Envelope((Item(ItemType.DICT, {"x": object()}),)).encode()


def test_what_contains_itself_is_our_own_error() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(LocalProtocolError, match="JSON can hold"):
        Envelope((), {"endless": endless}).encode()


def test_a_request_carries_the_token_once_there_is_one() -> None:
    assert request("list_jobs", None).all(ItemType.TOKEN) == []
    assert request("list_jobs", "t").first(ItemType.TOKEN) == "t"
