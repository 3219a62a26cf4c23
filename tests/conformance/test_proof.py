"""The proof that contracts can fail: which mutants are chosen, what is run, and what is reported."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conformance import proof, proof_report
from conformance.mutants import mutants
from conformance.mutants.base import MUTANTS, Mutant
from conformance.proof import Cell, Proof


def self_test(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", "self-test", *words],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def mutant(name: str) -> Mutant:
    mutants()
    return MUTANTS[name]


def empty(**parts: object) -> Proof:
    return dataclasses.replace(Proof((), 0, (), (), (), ()), **parts)  # type: ignore[arg-type] # of any field


def test_mutants_are_chosen_by_release_name_and_contract() -> None:
    assert {one.release for one in proof.selected("2.3", ())} == {"2.3"}
    assert [one.name for one in proof.selected(None, ("keeps_oldest",))] == ["keeps_oldest"]
    assert {name for one in proof.selected(None, ("MON-CB-01",)) for name in one.caught_by} >= {"MON-CB-01"}


@pytest.mark.parametrize(
    ("release", "patterns", "text"),
    [(None, ("NOPE-*",), "'NOPE-\\*'"), ("2.3", ("keeps_oldest",), "no mutant fits .* and release 2.3")],
)
def test_a_selection_of_no_mutant_is_an_error(release: str | None, patterns: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        proof.selected(release, patterns)


def test_a_catch_is_explained_by_the_contract_itself_or_by_a_glob() -> None:
    one = dataclasses.replace(mutant("keeps_oldest"), also={"DOWN-*": "for it downloads"})
    assert proof.why(one, "LIST-LIMIT-01") == ""
    assert proof.why(one, "DOWN-PATH-01") == "for it downloads"
    assert proof.why(one, "MON-CB-01") is None


def test_a_mutant_knows_which_methods_it_changes() -> None:
    assert mutant("keeps_oldest").breaks == {"list_jobs"}
    assert "monitor_job" in (mutant("timeout_early").breaks or ())
    assert mutant("never_connects").breaks is None  # it opens sessions otherwise
    assert mutant("closes_later_sessions").breaks is None  # it keeps account of them


@pytest.mark.parametrize(
    "parts",
    [
        {"missed": (Cell("MON-CB-01", "keeps_oldest", False, ""),)},
        {"unexplained": (Cell("MON-CB-01", "keeps_oldest", True, "expected"),)},
        {"stale": (("keeps_oldest", "DOWN-*"),)},
        {"unsound": (Cell("MON-CB-01", "reference", True, "expected"),)},
    ],
)
def test_a_proof_with_a_gap_does_not_hold_and_says_which(
    parts: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    found = empty(**parts)
    assert not found.holds
    proof_report.print_summary(Console(), [mutant("keeps_oldest")], found, matrix=True)
    assert "keeps_oldest" in capsys.readouterr().out or "unsound" in parts


def test_the_page_names_each_mutant_with_its_fault_and_who_else_caught_it() -> None:
    one = dataclasses.replace(mutant("keeps_oldest"), also={"LIST-LAW-01": "it has limits"})
    cells = (Cell("LIST-LIMIT-01", one.name, True, "x"), Cell("LIST-LAW-01", one.name, True, "y"))
    page = proof_report.markdown([one], empty(cells=cells), matrix=True)
    assert "| LIST-LIMIT-01 | **keeps_oldest** |" in page
    assert "| LIST-LAW-01 | keeps_oldest |" in page
    assert "| It keeps the oldest jobs under a limit. | LIST-LIMIT-01 | LIST-LAW-01: it has limits |" in page


def test_a_page_without_the_matrix_says_so_and_gives_what_is_declared() -> None:
    one = dataclasses.replace(mutant("keeps_oldest"), also={"DOWN-*": "it downloads"})
    page = proof_report.markdown([one], empty(cells=(Cell("LIST-LIMIT-01", one.name, True, "x"),)), matrix=False)
    assert "self-test --markdown docs/mutants.md" in page
    assert "`make matrix`" in page
    assert "| LIST-LIMIT-01 | DOWN-*: it downloads |" in page


@pytest.mark.timeout(300)
def test_the_matrix_finds_who_else_catches_a_mutant() -> None:
    words = ["--matrix", "--select", "forgets_apps", "--against", "SYS-*", "--against", "MON-GONE-02"]
    done = self_test(*words, "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[3] for line in done.stdout.splitlines() if line.startswith("caught")] == [
        "SYS-JOBS-01",
        "SYS-JOBS-03",
    ]
    assert "1 out of reach" in done.stdout  # MON-GONE-02 does not ask for the state of the system
    assert "0 unexplained" in done.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--release", "9.9"], "unknown release '9.9'"),
        (["--select", "NOPE-*"], "'NOPE-*'"),
        (["--markdown", "x.md", "--select", "MON-*"], "expected --markdown with all wrong clients"),
        (["--against", "SYS-*"], "expected --against with --matrix"),
    ],
)
def test_a_self_test_that_cannot_be_is_exit_code_2(words: list[str], text: str, tmp_path: Path) -> None:
    done = self_test(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert text in done.stderr


def test_what_a_record_has_is_not_run_again(tmp_path: Path) -> None:
    record, chosen = tmp_path / "record.jsonl", proof.selected("2.3", ())[:1]
    first = proof.try_mutants(chosen, workers=1, record=record)
    lines = record.read_text(encoding="utf-8").splitlines()
    assert first.holds
    assert len(lines) == 1
    changed = lines[0].replace('"caught": true', '"caught": false', 1)
    record.write_text(changed + "\n", encoding="utf-8")
    again = proof.try_mutants(chosen, workers=1, record=record)
    # It believes the record, but tries alone what is not as it should be.
    assert [(one.contract, one.caught) for one in again.cells] == [(one.contract, one.caught) for one in first.cells]
    assert record.read_text(encoding="utf-8") == changed + "\n"


def test_a_record_whose_last_line_was_cut_short_is_gone_on_from(tmp_path: Path) -> None:
    record, chosen = tmp_path / "record.jsonl", proof.selected("2.3", ())[:2]
    first = proof.try_mutants(chosen, workers=1, record=record)
    whole, other = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text(whole + other[: len(other) // 2], encoding="utf-8")
    again = proof.try_mutants(chosen, workers=1, record=record)
    assert [(one.contract, one.caught) for one in again.cells] == [(one.contract, one.caught) for one in first.cells]
    kept = record.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["mutant"] for line in kept] == [json.loads(line)["mutant"] for line in (whole, other)]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("{\n", "line 1: expected what came of a mutant"),
        ('{"mutant": "x"}\n', "line 1: expected what came of a mutant"),
    ],
)
def test_a_record_of_something_else_is_an_error(tmp_path: Path, line: str, text: str) -> None:
    record = tmp_path / "record.jsonl"
    record.write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=text):
        proof.try_mutants(proof.selected("2.3", ())[:1], workers=1, record=record)


def test_a_record_of_a_run_with_another_seed_is_an_error(tmp_path: Path) -> None:
    record, chosen = tmp_path / "record.jsonl", proof.selected("2.3", ())[:1]
    proof.try_mutants(chosen, workers=1, record=record)
    with pytest.raises(ValueError, match="expected a run with .*2.*but it is of one with"):
        proof.try_mutants(chosen, workers=1, seed=2, record=record)


def test_contracts_that_a_record_lacks_are_run(tmp_path: Path) -> None:
    record, chosen = tmp_path / "record.jsonl", proof.selected("2.6", ("keeps_oldest",))
    first = proof.try_mutants(chosen, workers=1, record=record, against=("LIST-NONE-01", "LIST-LIMIT-01"))
    line = json.loads(record.read_text(encoding="utf-8"))
    kept = {**line, "cells": [cell for cell in line["cells"] if cell["contract"] != "LIST-NONE-01"]}
    record.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    again = proof.try_mutants(chosen, workers=1, record=record, against=("LIST-NONE-01", "LIST-LIMIT-01"))
    assert [one.contract for one in again.cells] == [one.contract for one in first.cells]
    assert "LIST-NONE-01" in {one.contract for one in again.cells}
