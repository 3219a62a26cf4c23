"""What was seen is kept without what is empty or of the moment, and comes back the same."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from conformance.lab.cases.sightings import Measured, Sighting, load, passing, save
from conformance.lab.compatibility import RecordError


@dataclasses.dataclass(frozen=True)
class Look(Sighting):
    """What a lab sees."""

    then: str = ""
    seconds: float = dataclasses.field(default=0.0, compare=False)
    port: int = passing(0)


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    measured = {
        "2.6.3": Measured("2026-11-29", {"Python": "3.11.7"}, {"a": Look("hung", "KeyError"), "b": Look("returned")})
    }
    save(tmp_path / "record.json", measured)
    assert load(tmp_path / "record.json", Look) == measured


def test_what_is_empty_or_of_the_moment_is_not_written(tmp_path: Path) -> None:
    save(tmp_path / "record.json", {"2.6.3": Measured("", {}, {"a": Look("hung", seconds=1.2345, port=8002)})})
    found = json.loads((tmp_path / "record.json").read_text())
    assert found["2.6.3"]["cases"] == {"a": {"outcome": "hung", "seconds": 1.2}}


def test_what_is_of_the_moment_makes_no_difference() -> None:
    assert Look("hung", seconds=1.0, port=8002) == Look("hung", seconds=2.0, port=8003)
    assert Look("hung") != Look("hung", then="KeyError")


def test_nothing_was_measured_where_there_is_no_file(tmp_path: Path) -> None:
    assert load(tmp_path / "record.json", Look) == {}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"2.6.3": {"cases": {}}}',
        '{"2.6.3": {"date": "", "versions": {}, "cases": {"a": {"outcome": "hung", "colour": 1}}}}',
    ],
)
def test_a_file_that_is_no_record(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"expected .*record\.json to hold date, versions and cases .* but: "):
        load(path, Look)
