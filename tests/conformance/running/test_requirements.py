"""Requirement sets: frozen, true to the catalogue, and changed on purpose alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import catalogue, requirements
from conformance.cli import main
from conformance.contract import RELEASES, Level
from conformance.requirements import FOLDER, RequirementsError, freeze, required
from conformance.results import Result, Verdict
from conformance.running.run import Terms, settled


@pytest.mark.parametrize("release", RELEASES)
def test_a_set_names_contracts_that_exist_hold_for_the_release_and_may_count(release: str) -> None:
    known = {contract.id: contract for contract in catalogue.catalogue()}
    names = required(release)
    assert names
    for name in names:
        assert release in known[name].releases, name
        assert known[name].level in (Level.MUST, Level.SHOULD), name


@pytest.mark.parametrize("release", RELEASES)
def test_a_set_is_written_as_freeze_writes_it(release: str) -> None:
    text = (FOLDER / f"{release}.json").read_text()
    content = json.loads(text)
    assert content["contracts"] == sorted(set(content["contracts"]))
    assert text == json.dumps(content, indent=2) + "\n"


def test_freezing_tells_what_is_new_and_what_is_gone(tmp_path: Path) -> None:
    everything = catalogue.catalogue()
    (tmp_path / "2.9.json").write_text(json.dumps({"release": "2.9", "contracts": ["MON-CB-01", "OLD-ONE-01"]}))
    new, gone = freeze("2.9", everything, tmp_path)
    assert gone == ["OLD-ONE-01"]
    assert "MON-CB-02" in new
    assert "MON-CB-01" not in new
    assert required("2.9", tmp_path) == frozenset(requirements.frozen("2.9", everything))


@pytest.mark.parametrize("text", ["", "[]", '{"release": "2.8", "contracts": []}', '{"release": "2.9"}'])
def test_a_damaged_set_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "2.9.json").write_text(text)
    with pytest.raises(RequirementsError, match=r"2\.9\.json: expected"):
        required("2.9", tmp_path)
    with pytest.raises(RequirementsError, match=r"2\.8\.json: expected a requirement set"):
        required("2.8", tmp_path)
    with pytest.raises(RequirementsError, match="expected one of the releases"):
        required("../2.9", tmp_path)


def test_what_is_not_required_is_reported_and_does_not_count() -> None:
    terms = Terms(frozenset({"MON-CB-01"}))
    kept, later = (settled(Result(one, Verdict.FAILED, 0.1, "m"), terms, "2.9") for one in ("MON-CB-01", "MON-CB-02"))
    assert (kept.counts, kept.is_bad) == (True, True)
    assert (later.counts, later.is_bad, later.verdict) == (False, False, Verdict.FAILED)


def test_the_command_prints_and_freezes_sets(tmp_path: Path) -> None:
    printed = CliRunner().invoke(main, ["requirements", "--release", "2.6"])
    assert printed.exit_code == 0
    assert {line.split()[0] for line in printed.stdout.splitlines()[:-1]} == required("2.6")
    in_json = CliRunner().invoke(main, ["requirements", "--release", "2.6.3", "--json"])
    assert set(json.loads(in_json.stdout)["contracts"]) == required("2.6")
    written = CliRunner().invoke(main, ["requirements", "freeze", "--release", "2.6", "--folder", str(tmp_path)])
    assert written.exit_code == 0, written.output
    assert [path.name for path in tmp_path.iterdir()] == ["2.6.json"]


@pytest.mark.parametrize("words", [[], ["--release", "9.9"]])
def test_a_release_that_is_none_is_exit_code_2(words: list[str]) -> None:
    done = CliRunner().invoke(main, ["requirements", *words])
    assert done.exit_code == 2
    assert "2.3, 2.4" in done.stderr
