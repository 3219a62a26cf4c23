"""The page: whole, in one file, with what a reader of a failure needs; and nobody's text is markup on it."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from conformance.reports import write_html
from conformance.reports.html import page
from conformance.reports.html.markup import Markup, join, tag
from conformance.reports.html.wire import transcript
from conformance.results import Result, RunRecord, Verdict
from tests.conformance.reports.records import FAILED, HOSTILE, HOSTILE_RECORD, KEY, RECORD, TOKEN, entry, records

VOID = {"meta", "input"}


class Reader(HTMLParser):
    """Reads a page, and demands that its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.words.append(data)

    def close(self) -> None:
        super().close()
        assert self._open == []

    @property
    def text(self) -> str:
        return "".join(self.words)

    def find(self, name: str, /, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for tag, attributes in self.elements
            if tag == name and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
        ]


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


def test_a_failure_has_all_that_its_reader_needs() -> None:
    shown = read(page(RECORD))
    (card,) = shown.find("details", id="MON-TIMEOUT-01")
    assert card["class"] == "contract failed"
    assert "open" in card
    for part in (
        "not before the time is over",  # the statement
        "API document: “",
        "TIMEOUT not before 0.3 s",
        "it after 0.1 s",
        "session.monitor_job(job, timeout=0.3)",
        "What was said on the wire: 2 entries",
        "list_jobs 1",
        "flare-conformance run --client=my_client:open --seed=7 --select=MON-TIMEOUT-01",
    ):
        assert part in shown.text, part


def test_the_summary_counts_by_verdict_group_and_level() -> None:
    shown = read(page(RECORD))
    assert "2 of 6 broken" in shown.text
    bar = shown.find("svg", class_="bar large")[0]["aria-label"]
    assert bar == "1 passed, 2 failed, 1 skipped, 1 inconclusive, 1 expected-failure, 1 unexpected-pass"
    chosen = [
        (button["data-choose"], button["data-value"]) for button in shown.find("button") if "data-choose" in button
    ]
    assert chosen == [
        *(("group", name) for name in ("ABORT", "CONN", "LIST", "MON", "OLD", "SUB")),
        ("level", "must"),
        ("level", "unknown"),
    ]


def test_only_what_is_broken_is_open_and_it_comes_first() -> None:
    cards = [card for card in read(page(RECORD)).find("details") if "data-verdict" in card]
    assert [(card["id"], "open" in card) for card in cards[:3]] == [
        ("MON-TIMEOUT-01", True),
        ("SUB-OK-01", True),
        ("ABORT-RUN-01", False),
    ]
    assert len(cards) == len(RECORD.results)
    assert not any("open" in card for card in cards[2:])


def test_transcripts_of_passing_contracts_are_there_and_closed() -> None:
    markup = page(dataclasses.replace(RECORD, results=RECORD.results[:1]))
    (closed,) = read(markup).find("details", class_="transcript")
    assert "open" not in closed
    assert "passing" in read(markup).text


def test_the_page_needs_nothing_from_anywhere() -> None:
    markup = page(RECORD, RECORD)
    shown = read(markup)
    for name, attributes in shown.elements:
        assert name not in {"link", "img", "iframe", "object", "embed", "base", "video"}
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [key for key in attributes if key.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in markup
    assert "@import" not in markup
    (policy,) = [meta for meta in shown.find("meta") if "http-equiv" in meta]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'; base-uri 'none'",
        str(policy["content"]),
    )
    assert len(shown.find("script")) == len(shown.find("style")) == 1


def _shape(markup: str) -> list[tuple[str, list[str]]]:
    """The elements and the names of their attributes, which no text may change."""
    return [(name, sorted(attributes)) for name, attributes in read(markup).elements]


def test_hostile_text_is_text_everywhere() -> None:
    harmless = "harmless"

    def tamed(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(HOSTILE, harmless)
        if isinstance(value, dict):
            return {tamed(key): tamed(element) for key, element in value.items()}
        return tuple(map(tamed, value)) if isinstance(value, tuple) else value

    def fields(thing: Any) -> dict[str, Any]:
        return {field.name: tamed(getattr(thing, field.name)) for field in dataclasses.fields(thing)}

    results = tuple(Result(**fields(result)) for result in HOSTILE_RECORD.results)
    record = RunRecord(**(fields(HOSTILE_RECORD) | {"results": results}))
    assert _shape(page(HOSTILE_RECORD, HOSTILE_RECORD)) == _shape(page(record, record))
    assert "<script>alert" not in page(HOSTILE_RECORD)
    assert "\x1b" not in page(HOSTILE_RECORD)


def test_the_page_holds_no_secrets(tmp_path: Path) -> None:
    detail = {"data": [{"type": "token", "data": TOKEN}], "note": KEY}
    entries = (entry(1, detail=detail), entry(2, summary=f"token={TOKEN}", detail=f'{{"token": "{TOKEN}"}}'))
    failed = dataclasses.replace(FAILED, observed=KEY, script=(KEY,), message=KEY, transcript=entries)
    passed = Result("SUB-OK-01", Verdict.PASSED, 0.5, transcript=(entry(1, password=TOKEN),))
    record = dataclasses.replace(RECORD, results=(failed, passed))
    path = tmp_path / "page.html"
    write_html(path, record, record)
    written = path.read_text(encoding="utf-8")
    assert TOKEN not in written
    assert "MIIE" not in written
    assert written.count("[redacted]") > 4


@given(record=records)
def test_any_record_makes_a_page_that_is_well_formed(record: RunRecord) -> None:
    cards = [card for card in read(page(record, record)).find("details") if "data-verdict" in card]
    assert len(cards) == len(record.results)


# --- beside another run -------------------------------------------------------------------------------------------


def test_two_runs_are_side_by_side() -> None:
    passed = dataclasses.replace(FAILED, verdict=Verdict.PASSED, transcript=(entry(1, summary="the other one"),))
    extra = Result("META-SAME-01", Verdict.PASSED, 0.5)
    shown = read(page(RECORD, dataclasses.replace(RECORD, client="old_client", results=(passed, extra))))
    (card,) = shown.find("details", id="MON-TIMEOUT-01")
    assert "data-differs" in card
    assert "beside: passed" in shown.text
    assert "the other one" in shown.text
    assert "list_jobs 1" in shown.text
    assert "beside: absent" in shown.text  # the contracts that the other run does not have
    assert re.search(r"Only in the run beside it.*META-SAME-01", shown.text)
    assert "old_client on mock_server 2.9" in shown.text
    assert shown.find("input", name="differs")


def test_where_two_runs_agree_nothing_is_said_to_differ() -> None:
    shown = read(page(RECORD, RECORD))
    assert not [card for card in shown.find("details") if "data-differs" in card]
    assert "Only in the run" not in shown.text


# --- the wire -----------------------------------------------------------------------------------------------------


def test_an_entry_is_a_line_with_its_detail() -> None:
    whole = entry(
        12,
        time="2026-01-02T03:04:05.678901+00:00",
        direction="out",
        kind="message",
        connection=3,
        session="<session 1f3a9c20: UUID 4>",
        later_field="kept",
    )
    shown = read(transcript([whole]))
    assert shown.text.startswith("1203:04:05.678←to the clientmessagelist_jobs 12admin@nvidia.com #3")
    assert '"session": "<session 1f3a9c20: UUID 4>"' in shown.text
    assert '"later_field": "kept"' in shown.text
    assert shown.find("li", class_="dir-out")


@pytest.mark.parametrize("strange", [{}, {"number": None, "direction": "up", "summary": {"a": 1}, "detail": 5}])
def test_an_entry_of_another_shape_is_shown_as_far_as_it_goes(strange: dict[str, Any]) -> None:
    shown = read(transcript([strange]))
    assert len(shown.find("li")) == 1
    assert all(str(value) in shown.text.replace('"', "'") for value in strange.values() if value is not None)


def test_a_long_transcript_says_what_it_leaves_out() -> None:
    shown = read(transcript([entry(number) for number in range(1, 1001)]))
    assert len(shown.find("li")) == 201
    assert "800 entries more" in shown.text
    assert "list_jobs 1000" in shown.text
    assert "list_jobs 500 " not in shown.text


def test_a_long_detail_says_how_much_is_missing() -> None:
    shown = read(transcript([entry(1, detail="x" * 5000)]))
    assert re.search(r"x… 1\d\d\d more characters", shown.text)


def test_no_transcript_is_said_so() -> None:
    assert "No transcript was recorded." in read(transcript([])).text


# --- markup -------------------------------------------------------------------------------------------------------


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("i", 1), None, ["&", Markup("<u></u>")], class_="a\"'") == (
        '<p class="a&quot;&#x27;">&lt;b&gt;<i>1</i>&amp;<u></u></p>'
    )
    assert tag("input", hidden=True, checked=False, value=None) == "<input hidden>"
    assert join("a", None, ("b", ["<"])) == "ab&lt;"
