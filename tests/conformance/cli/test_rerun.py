"""``rerun``: one contract of a run, with its client, server, release and seed."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.cli.run import run
from conformance.reports import ReportError, read_json, rerun_words, write_json
from conformance.reports.rerun import NOT_AGAIN
from tests.conformance.reports.records import RECORD

AGAIN = {
    *("--client", "--client-command", "--release", "--server", "--scheme", "--user", "--seed"),
    *("--profile", "--limit", "--scripts", "--transcripts", "--pedantic"),
}
"""The options of ``run`` that ``rerun`` takes over."""


def command(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words],
        capture_output=True, text=True, timeout=110, check=False, cwd=cwd,
    )  # fmt: skip


def test_a_failure_is_found_again(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["--client", "conformance.mutants:keeps_oldest", "--select", "LIST-LIMIT-01", "--select", "ID-*"]
    first = command("run", *words, "--release", "2.6", "--seed", "11", "--json", str(report))
    assert first.returncode == 1, first.stdout + first.stderr
    record = read_json(report)
    (failed,) = [result for result in record.results if result.contract == "LIST-LIMIT-01"]
    assert record.command[0] == "run"
    assert set(record.command[1:]) == {
        *("--client=conformance.mutants:keeps_oldest", "--release=2.6", "--select=LIST-LIMIT-01", "--select=ID-*"),
        *(f"--json={report}", "--seed=11"),
    }
    written = report.read_text()
    again = command("rerun", str(report), "LIST-LIMIT-01")
    assert again.returncode == 1, again.stdout + again.stderr
    assert "conformance.mutants:keeps_oldest on mock_server 2.6: 1 contracts" in again.stdout
    assert "seed 11\n" in again.stdout
    assert all(line in again.stdout for line in failed.script)
    passed = command("rerun", str(report), record.results[0].contract)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert report.read_text() == written  # a rerun writes no report over the one it reads


def test_the_seed_that_was_drawn_is_used_again(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = command("run", "--client", "flare_client", "--select", "ID-MISSING-01", "--json", str(report))
    assert done.returncode == 0, done.stdout + done.stderr
    seed = json.loads(report.read_text())["seed"]
    assert rerun_words(read_json(report), "ID-MISSING-01")[-2:] == (f"--seed={seed}", "--select=ID-MISSING-01")


def test_what_was_selected_and_written_is_left_behind() -> None:
    assert rerun_words(RECORD, "A-B-01") == ("run", "--client=my_client:open", "--seed=7", "--select=A-B-01")
    spaced = ("run", "--select", "MON-*", "--client", "x", "--json", "--odd-name.json", "--server=mock")
    words = rerun_words(dataclasses.replace(RECORD, command=spaced), "A-B-01")
    assert words == ("run", "--client", "x", "--server=mock", "--seed=7", "--select=A-B-01")


def test_every_option_of_run_is_taken_over_or_left_behind() -> None:
    options = {name: option for option in run.params if isinstance(option, click.Option) for name in option.opts}
    assert set(options) <= AGAIN | NOT_AGAIN
    assert not AGAIN & NOT_AGAIN
    assert all(not options[name].is_flag for name in NOT_AGAIN & set(options))


@pytest.mark.parametrize("how", [(), ("demo",), ("self-test", "--release", "2.6")])
def test_a_record_of_something_else_cannot_be_rerun(how: tuple[str, ...]) -> None:
    with pytest.raises(ReportError, match="expected the command of a run"):
        rerun_words(dataclasses.replace(RECORD, command=how), "A-B-01")


@pytest.mark.parametrize(
    ("contract", "text"),
    [("MON-NOPE-01", "of that group it has MON-TIMEOUT-01, MON-FINISH-02"), ("NOPE", "but got 'NOPE'")],
)
def test_a_contract_that_was_not_run_is_exit_code_2(tmp_path: Path, contract: str, text: str) -> None:
    path = tmp_path / "report.json"
    write_json(path, RECORD)
    done = CliRunner().invoke(main, ["rerun", str(path), contract])
    assert done.exit_code == 2
    assert text in done.output


def test_a_contract_that_the_catalogue_no_longer_has_is_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json(path, RECORD)
    done = CliRunner().invoke(main, ["rerun", str(path), "OLD-GONE-01"])
    assert done.exit_code == 2
    assert "'OLD-GONE-01'" in done.output
    assert "Traceback" not in done.output
