"""The JUnit report: red exactly when the run is, and each verdict with its reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given

from conformance.reports import write_junit
from conformance.reports.junit import junit
from conformance.results import RunRecord
from tests.conformance.reports.records import FAILED, HOSTILE_RECORD, KEY, RECORD, records


def _cases(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {str(case.get("name")): case for case in root.iter("testcase")}


def _properties(element: ElementTree.Element) -> list[tuple[str | None, str | None]]:
    return [(one.get("name"), one.get("value")) for one in element.findall("properties/property")]


def test_the_numbers_are_those_of_the_run() -> None:
    (suite,) = junit(RECORD)
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors", "time", "timestamp")} == {
        "tests": "7",
        "failures": "2",
        "skipped": "4",
        "errors": "0",
        "time": "12.250",
        "timestamp": RECORD.started,
    }
    assert {("client", "my_client:open"), ("seed", "7"), ("python", "3.11.7")} <= set(_properties(suite))


def test_a_failure_says_what_was_expected_and_how_to_see_it_again() -> None:
    case = _cases(junit(RECORD))["MON-TIMEOUT-01"]
    assert (case.get("classname"), case.get("time")) == ("flare-conformance.2.9.MON", "1.500")
    (failure,) = case.findall("failure")
    assert (failure.get("type"), failure.get("message")) == ("failed", FAILED.message)
    lines = (failure.text or "").splitlines()
    assert "expected: TIMEOUT not before 0.3 s" in lines
    assert "observed: it after 0.1 s" in lines
    assert "  session.monitor_job(job, timeout=0.3)" in lines
    assert "again: flare-conformance run --client=my_client:open --seed=7 --select=MON-TIMEOUT-01" in lines


def test_a_case_has_its_contract_as_properties() -> None:
    properties = _properties(_cases(junit(RECORD))["MON-TIMEOUT-01"])
    assert ("level", "must") in properties
    names = [name for name, _ in properties]
    assert {"title", "statement", "level", "source", "verdict", "counts"} == set(names)


def test_what_does_not_make_the_run_fail_is_skipped_with_its_verdict_and_reason() -> None:
    cases = _cases(junit(RECORD))
    assert list(cases["ABORT-RUN-01"]) == [cases["ABORT-RUN-01"].find("properties")]
    reasons = {name: skip.get("message") for name, case in cases.items() if (skip := case.find("skipped")) is not None}
    assert reasons == {
        "CONN-EXPIRE-01": "skipped: needs control of the server, which kit does not give",
        "LIST-LIMIT-01": "expected-failure: expected 1 job, but observed 2",
        "MON-FINISH-02": "inconclusive: the machine was busy",
        "OLD-GONE-01": "failed, does not count: it is not in the catalogue",
    }
    (stale,) = cases["SUB-OK-01"].findall("failure")
    assert stale.get("type") == "unexpected-pass"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, HOSTILE_RECORD)
    root = ElementTree.parse(path).getroot()  # noqa: S314 - our own file
    message = root.findall(".//failure")[0].get("message")
    assert message is not None
    assert message.startswith("</script><script>alert(1)</script>")
    assert "\\x1b[31m[red]\\x00\\ud800" in message


def test_private_keys_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(path, dataclasses.replace(RECORD, results=(dataclasses.replace(FAILED, observed=KEY, message=KEY),)))
    assert "MIIE" not in path.read_text()
    assert "[redacted]" in path.read_text()


@given(record=records)
def test_any_record_is_well_formed(record: RunRecord) -> None:
    root = ElementTree.fromstring(ElementTree.tostring(junit(record)))  # noqa: S314 - our own text
    assert len(list(root.iter("testcase"))) == len(record.results)
    assert len(list(root.iter("failure"))) == sum(result.is_bad for result in record.results)
