"""Each variation says the same in another way, and leaves alone what clients make results or errors of."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.envelope import read_envelope
from flare_client.protocol.hci.text import read_reply
from flare_client.protocol.statuses import api_status
from mock_server.variation.declared import Draw, OfReply, OfText, Written
from mock_server.variation.registry import VARIATIONS

OF_REPLIES = {name: one for name, one in VARIATIONS.items() if isinstance(one, OfReply)}
OF_TEXTS = {name: one for name, one in VARIATIONS.items() if isinstance(one, OfText)}


def reply(*items: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {"time": "2026-01-31 08:00:00.000001", "data": list(items), "meta": meta}


def item(kind: str, data: Any) -> dict[str, Any]:
    return {"type": kind, "rows" if kind == "table" else "data": data}


LIST = reply(
    item("table", [["JOB ID", "NAME"], ["1", "one"], ["2", "two"]]),
    item("success", ""),
    jobs=[{"job_id": "1", "job_name": "one"}, {"job_id": "2", "job_name": "two"}],
    status="ok",
    info="",
)
META = reply(item("dict", {"job_id": "1"}), status="ok", info="", job_meta={"job_id": "1"})
SITES = reply(
    item("string", "Engine status: stopped"),
    item("table", [["JOB_ID", "APP NAME"]]),
    item("table", [["CLIENT", "TOKEN"], ["a", "1"], ["b", "2"], ["c", "3"]]),
    status="ok",
    clients=[{"client_name": "a"}, {"client_name": "b"}, {"client_name": "c"}],
)
COMMANDS = reply(item("table", [["SCOPE", "COMMAND"], ["job", "abort_job"], ["job", "clone_job"], ["sys", "cells"]]))
REFUSED = reply(item("error", "no such job"), status="invalid_job_id", info="1")
FAILED = reply(item("error", "it broke"), status="error", info="it broke")
EMPTY = reply(item("string", "OK"))
OVER = reply(item("string", "bye"), item("shutdown", "Goodbye!"), status="ok", info="")
ALL = {
    "list_jobs": LIST,
    "get_job_meta": META,
    "check_status": SITES,
    "_commands": COMMANDS,
    "delete_job": REFUSED,
    "clone_job": FAILED,
    "_cert_login": EMPTY,
    "shutdown": OVER,
}


def varied(name: str, command: str, envelope: dict[str, Any], seed: int = 1) -> dict[str, Any] | None:
    """The envelope after a variation; ``None`` where that says that there is nothing to vary."""
    written = Written(command, copy.deepcopy(envelope), Draw("always"))
    return written.envelope if OF_REPLIES[name].vary(written, Draw(seed)) else None


@pytest.mark.parametrize("name", OF_REPLIES)
@pytest.mark.parametrize("command", ALL)
def test_what_is_varied_is_an_envelope_that_a_client_judges_alike(name: str, command: str) -> None:
    for seed in range(20):
        found = varied(name, command, ALL[command], seed)
        if found is None:
            continue
        before, after = read_envelope(json.dumps(ALL[command])), read_envelope(json.dumps(found))
        assert api_status(after.items) is api_status(before.items)
        assert after.meta.get("status", "ok" if after.meta else None) == before.meta.get("status")
        assert bool(after.meta) == bool(before.meta)
        assert [one.type for one in after.items if one.type.value != "string"] == [
            one.type for one in before.items if one.type.value != "string"
        ]


@pytest.mark.parametrize("name", OF_REPLIES)
def test_what_has_nothing_to_vary_is_left_as_it_is(name: str) -> None:
    for command, envelope in ALL.items():
        written = Written(command, copy.deepcopy(envelope), Draw("always"))
        if not OF_REPLIES[name].vary(written, Draw(3)):
            assert written.envelope == envelope


@pytest.mark.parametrize("name", OF_REPLIES)
def test_a_variation_changes_something(name: str) -> None:
    changed = [
        json.dumps(found) != json.dumps(envelope)
        for command, envelope in ALL.items()
        for seed in range(5)
        if (found := varied(name, command, envelope, seed)) is not None
    ]
    assert any(changed)


def test_members_are_the_same_in_another_order() -> None:
    found = varied("member-order", "list_jobs", LIST)
    assert found == LIST
    assert list(found) != list(LIST) or list(found["meta"]) != list(LIST["meta"])


def test_two_looks_at_a_job_have_the_same_unknown_member() -> None:
    first, second = varied("job-members", "list_jobs", LIST, 1), varied("job-members", "get_job_meta", META, 2)
    assert first is not None
    assert second is not None
    [more] = set(second["meta"]["job_meta"]) - {"job_id"}
    assert second["data"][0]["data"] == second["meta"]["job_meta"]
    assert {one[more] for one in map(freeze, first["meta"]["jobs"])} == {freeze(second["meta"]["job_meta"])[more]}


def freeze(members: dict[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in members.items()}


def test_items_behind_an_error_would_not_be_read() -> None:
    for seed in range(20):
        found = varied("further-items", "delete_job", REFUSED, seed)
        assert found is not None
        assert found["data"][-1]["type"] == "error"


def test_words_of_errors_stay_where_they_are_all_that_there_is() -> None:
    assert varied("words-of-errors", "clone_job", FAILED) is None
    found = varied("words-of-errors", "delete_job", REFUSED)
    assert found is not None
    assert found["data"][0]["data"].startswith("no such job")
    assert found["meta"] == REFUSED["meta"]


def test_rows_of_sites_and_what_the_meta_says_of_them_go_together() -> None:
    orders = set()
    for seed in range(10):
        found = varied("site-order", "check_status", SITES, seed)
        assert found is not None
        names = [one["client_name"] for one in found["meta"]["clients"]]
        assert [row[0] for row in found["data"][2]["rows"]] == ["CLIENT", *names]
        assert found["data"][1] == SITES["data"][1]
        orders.add(tuple(names))
    assert len(orders) > 1


def test_a_list_of_server_and_sites_at_once_is_left_alone() -> None:
    both = copy.deepcopy(SITES)
    both["data"].append(item("table", [["CLIENT", "STATUS"], ["a", "no jobs"]]))
    assert varied("site-order", "check_status", both) is None


def test_commands_are_all_there_with_a_column_more() -> None:
    found = varied("command-table", "_commands", COMMANDS)
    assert found is not None
    rows = found["data"][0]["rows"]
    assert sorted(row[:2] for row in rows[1:]) == sorted(COMMANDS["data"][0]["rows"][1:])
    assert {len(row) for row in rows} == {3}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("name", OF_TEXTS)
@given(words=st.text(), value=VALUES, seed=st.integers(0, 1000))
def test_a_text_written_otherwise_says_the_same(name: str, words: str, value: Any, seed: int) -> None:
    envelope = reply(item("string", words), item("dict", {"value": value, words: "/"}), status="ok", value=value)
    written = Written("list_jobs", envelope, Draw(0), json.dumps(envelope))

    text = OF_TEXTS[name].write(written, Draw(seed))

    assert text.isascii()
    found, expected = read_reply(text), read_envelope(json.dumps(envelope))
    assert found is not None
    assert (found.items, found.meta, found.time) == (expected.items, expected.meta, expected.time)


def test_a_line_comes_early_only_where_the_last_one_counts() -> None:
    text = json.dumps(EMPTY)
    for command in ("_cert_login", "download_job", "submit_job"):
        written = Written(command, EMPTY, Draw(0), text)
        assert OF_TEXTS["early-lines"].write(written, Draw(1)) == text
