"""The JSON report: what is written is read again, by the published schema, and what is no report is refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reports import ReportError, read_json, schema_text, write_json
from conformance.reports.json_report import as_document
from conformance.reports.redaction import without_secrets
from conformance.results import RunRecord
from tests.conformance.reports.records import FAILED, HOSTILE_RECORD, KEY, RECORD, TOKEN, entry, records

PUBLISHED = Path(__file__).parents[3] / "conformance" / "reports" / "report.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))


def _without_secrets(record: RunRecord) -> RunRecord:
    results = [
        dataclasses.replace(result, transcript=tuple(without_secrets(result.transcript))) for result in record.results
    ]
    return dataclasses.replace(record, results=tuple(results))


@given(record=records)
def test_what_is_written_is_read_again(record: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    write_json(path, record)
    assert read_json(path) == _without_secrets(record)
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_document_says_what_the_record_says() -> None:
    document = as_document(RECORD)
    assert document["conforming"] is False
    assert [result["verdict"] for result in document["results"]] == [
        "passed", "skipped", "expected-failure", "failed", "inconclusive", "unexpected-pass", "failed",
    ]  # fmt: skip
    failed = document["results"][3]
    assert (failed["contract"], failed["group"], failed["level"], failed["counts"]) == (
        "MON-TIMEOUT-01", "MON", "must", True,
    )  # fmt: skip
    assert failed["script"] == list(RECORD.results[3].script)
    assert failed["transcript"] == list(RECORD.results[3].transcript)
    unknown = document["results"][6]
    assert (unknown["title"], unknown["level"], unknown["counts"]) == (None, None, False)


def test_the_published_schema_is_a_schema_and_the_one_of_the_code() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


def test_hostile_text_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    write_json(path, HOSTILE_RECORD)
    again = read_json(path)
    assert again.client == HOSTILE_RECORD.client.replace("\ud800", "\\ud800")
    write_json(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_text() == path.read_text()


def test_a_report_holds_no_secrets_of_the_wire(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    detail = {
        "data": [{"type": "token", "data": TOKEN}],
        "headers": {"__token__": TOKEN},
        "raw": f'{{"token": "{TOKEN}"}}',
    }
    failed = dataclasses.replace(FAILED, observed=KEY, transcript=(entry(1, detail=detail),))
    record = dataclasses.replace(RECORD, results=(failed,))
    write_json(path, record)
    written = path.read_text()
    assert TOKEN not in written
    assert "MIIE" not in written
    assert written.count("[redacted]") == 4


def _changed(change: Callable[[dict[str, Any]], None]) -> str:
    document = as_document(RECORD)
    change(document)
    return json.dumps(document)


_GOOD = json.dumps(as_document(RECORD))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(_GOOD[: len(_GOOD) // 2], "expected JSON, but EOF .* line 1 column", id="truncated"),
        pytest.param("", "expected JSON, but EOF", id="empty"),
        pytest.param("<html>", "expected JSON, but expected value at line 1 column 1", id="another format"),
        pytest.param(b"\xff\xfe", "expected JSON", id="no text"),
        pytest.param("[" * 100_000, "expected JSON, but recursion limit exceeded", id="too deep"),
        pytest.param(_GOOD.replace('"seed": 7', '"seed": ' + "9" * 5000), "number out of range", id="too large"),
        pytest.param(_GOOD.replace("12.25", "1e999"), "seconds: expected a finite number, but got inf", id="infinite"),
        pytest.param(_GOOD.replace("ABORT", "\\ud800"), "expected JSON, but", id="half a character"),
        pytest.param("[]", "expected an object, but got .*", id="no object"),
        pytest.param('{"a": 1}', "format: expected a report of flare-conformance, .* but got none", id="no report"),
        pytest.param(_changed(lambda d: d.update(format="x")), "format: expected .* but got 'x'", id="another's"),
        pytest.param(_changed(lambda d: d.update(version=2)), "version: expected version 1 .* got 2", id="version"),
        pytest.param(_changed(lambda d: d.pop("seed")), "seed: expected this field, but it is missing", id="missing"),
        pytest.param(_changed(lambda d: d.update(seed="7")), "seed: expected a valid integer, but got '7'", id="type"),
        pytest.param(_changed(lambda d: d.update(seconds=-1)), "seconds: expected greater than", id="negative"),
        pytest.param(
            _changed(lambda d: d["results"][2].pop("verdict")),
            r"results\[2\]\.verdict: expected this field",
            id="missing in a result",
        ),
        pytest.param(
            _changed(lambda d: d["results"][1].update(verdict="fine")),
            r"results\[1\]\.verdict: expected 'passed', 'failed'.*, but got 'fine'",
            id="verdict",
        ),
        pytest.param(
            _changed(lambda d: d["results"].append(d["results"][0])),
            "results: expected one result a contract, but got two of ABORT-RUN-01",
            id="twice",
        ),
        pytest.param(
            _changed(lambda d: d["results"][0].update(transcript="none")),
            r"results\[0\]\.transcript: expected a valid (tuple|array), but got 'none'",
            id="transcript",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(tmp_path: Path, content: str | bytes, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReportError, match=text) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "pydantic" not in str(caught.value)


def test_many_faults_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(_changed(lambda d: [result.pop("message") for result in d["results"]]))
    with pytest.raises(ReportError, match="and 2 more"):
        read_json(path)


@given(where=st.sampled_from([(), ("results", 0)]), name=st.text(min_size=1).map("new_{}".format))
def test_a_field_of_a_later_version_is_passed_over(
    where: tuple[Any, ...], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = as_document(RECORD)
    place = document
    for step in where:
        place = place[step]
    place[name] = {"more": 1}
    path = tmp_path_factory.getbasetemp() / "newer.json"
    path.write_text(json.dumps(document))
    assert read_json(path) == RECORD


def test_the_documentation_shows_a_report(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
    path = tmp_path / "example.json"
    path.write_text(text.split("```json\n")[1].split("```")[0], encoding="utf-8")
    record = read_json(path)
    assert as_document(record) == json.loads(path.read_text(encoding="utf-8"))
