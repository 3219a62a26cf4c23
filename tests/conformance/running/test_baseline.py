"""Known failures: what they make of verdicts, and that a wrong list is an error with its line and field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance import baseline, catalogue
from conformance.baseline import Baseline, BaselineError, Entry
from conformance.results import Result, Verdict, conforms

FAILED = Result("MON-CB-01", Verdict.FAILED, 0.1, "expected a, but observed b")
PASSED = Result("MON-CB-01", Verdict.PASSED, 0.1)


def read(tmp_path: Path, text: str, name: str = "known.yaml") -> Baseline:
    path = tmp_path / name
    path.write_text(text)
    return baseline.read(path, catalogue.catalogue())


def test_a_listed_failure_is_expected_and_the_run_conforms() -> None:
    known = Baseline((Entry(id="MON-CB-*", reason="drops arguments"),))
    result = known.judge(FAILED, "2.9", "me")
    assert result.verdict is Verdict.EXPECTED_FAILURE
    assert result.message == "known: drops arguments; expected a, but observed b"
    assert conforms([result])


def test_a_listed_contract_that_passes_fails_the_run_even_if_it_does_not_count() -> None:
    known = Baseline((Entry(id="MON-CB-01", reason="drops arguments"),))
    result = known.judge(Result("MON-CB-01", Verdict.PASSED, 0.1, counts=False), "2.9", "me")
    assert result.verdict is Verdict.UNEXPECTED_PASS
    assert "remove or narrow the entry" in result.message
    assert not conforms([result, Result("MON-CB-02", Verdict.PASSED, 0.1)])


@pytest.mark.parametrize("verdict", [Verdict.SKIPPED, Verdict.INCONCLUSIVE])
def test_what_was_not_decided_stays(verdict: Verdict) -> None:
    result = Result("MON-CB-01", verdict, 0.1, "why")
    assert Baseline((Entry(id="*", reason="r"),)).judge(result, "2.9", "me") == result


@pytest.mark.parametrize(
    ("entry", "applies"),
    [
        ({"release": "2.9"}, True),
        ({"release": "2.6"}, False),
        ({"client": "official:2.9.*"}, True),
        ({"client": "flare_client"}, False),
        ({"release": "2.9", "client": "official:*"}, True),
    ],
)
def test_an_entry_may_be_about_a_release_and_a_client_alone(entry: dict[str, str], applies: bool) -> None:
    known = Baseline((Entry(id="MON-CB-01", reason="r", **entry),))
    verdict = known.judge(FAILED, "2.9", "official:2.9.0").verdict
    assert verdict is (Verdict.EXPECTED_FAILURE if applies else Verdict.FAILED)


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    entries = {"known_failures": [{"id": "MON-CB-01", "reason": "r", "release": "2.6"}]}
    in_json = read(tmp_path, json.dumps(entries), "known.json")
    in_yaml = read(tmp_path, "known_failures:\n  - {id: MON-CB-01, reason: r, release: '2.6'}\n")
    assert in_json == in_yaml == Baseline((Entry(id="MON-CB-01", reason="r", release="2.6"),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ":1: expected a mapping with known_failures, but got None"),
        ("- a\n", ":1: expected a mapping with known_failures"),
        ("other: 1\n", ":1: known_failures: expected this field"),
        ("known_failures:\n  - id: MON-CB-01\n", ":2: known_failures[0].reason: expected this field"),
        ("known_failures:\n  - id: X-*\n    reason: r\n", ":2: known_failures[0].id: expected the id of a contract"),
        (
            "known_failures:\n  - id: MON-CB-01\n    reason: r\n  - id: MON-CB-02\n    reason: r\n    why: x\n",
            ":6: known_failures[1].why: expected no such field, but got 'x'",
        ),
        ("known_failures:\n  - id: MON-CB-01\n    reason: ''\n", ":3: known_failures[0].reason: expected"),
        ("known_failures:\n  - id: 5\n    reason: r\n", ":2: known_failures[0].id: expected a valid string, but got 5"),
        (
            "known_failures:\n  - id: MON-CB-01\n    reason: r\n    release: '9.9'\n",
            ":4: known_failures[0].release: expected one of the releases 2.3",
        ),
        (
            "known_failures:\n  - id: DOWN-LIMIT-01\n    reason: r\n    release: '2.6'\n",
            ":2: known_failures[0].id: expected the id of a contract of release 2.6",
        ),
        (
            "known_failures:\n  - id: MON-CB-01\n    reason: r\n    id: MON-CB-02\n",
            ":4: known_failures[0].id: expected once, but it stands twice",
        ),
        ("known_failures: 5\n", ":1: known_failures: expected"),
        ("known_failures: [\n", ":2: expected YAML or JSON"),
        ("a: b: c\n", ":1: expected YAML or JSON"),
        ("\x00", ": expected YAML or JSON"),
    ],
)
def test_a_wrong_file_is_an_error_with_line_and_field(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BaselineError) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "known.yaml") + fault in str(caught.value)


def test_every_entry_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaselineError) as caught:
        read(tmp_path, "known_failures:\n" + "".join(f"  - {{id: {one}, reason: r}}\n" for one in ("A-1", "B-2")))
    assert [line.split(": expected")[0].rsplit(":", 2)[1] for line in str(caught.value).splitlines()] == ["2", "3"]


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="No such file"):
        baseline.read(tmp_path / "none.yaml", [])
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BaselineError, match="expected UTF-8 text"):
        baseline.read(tmp_path / "bytes.yaml", [])


@pytest.mark.parametrize("name", ["known.yaml", "known.json"])
def test_what_is_written_makes_the_same_run_conform(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    client = "bad:client[1]*"
    expected = Result("MON-CB-02", Verdict.EXPECTED_FAILURE, 0.1, "known: an old reason; expected x")
    number = baseline.write(path, [FAILED, expected, Result("MON-CB-03", Verdict.PASSED, 0.1)], "2.9", client)
    known = baseline.read(path, catalogue.catalogue())
    assert number == len(known.entries) == 2
    assert known.entries[1].reason == "an old reason"
    assert known.judge(FAILED, "2.9", client).verdict is Verdict.EXPECTED_FAILURE
    assert known.judge(FAILED, "2.9", "bad:client1x").verdict is Verdict.FAILED
