"""``report``, ``compare``, ``schema`` and ``explain`` as a user runs them: files, texts, exit codes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.reports import read_json, schema_text, write_json
from conformance.results import Verdict
from tests.conformance.reports.records import FAILED, HOSTILE_RECORD, RECORD


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], prog_name="flare-conformance")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    write_json(path, RECORD)
    return path


@pytest.fixture
def better(tmp_path: Path) -> Path:
    path = tmp_path / "better.json"
    results = tuple(
        dataclasses.replace(FAILED, verdict=Verdict.PASSED) if result is FAILED else result for result in RECORD.results
    )
    write_json(path, dataclasses.replace(RECORD, results=results))
    return path


def test_a_report_becomes_a_page_junit_and_a_badge(report: Path, tmp_path: Path) -> None:
    for kind, name, begin in (
        ("html", "page.html", "<!doctype html>"),
        ("junit", "junit.xml", "<?xml"),
        ("badge", "badge.svg", "<svg"),
    ):
        done = call("report", kind, report, "-o", tmp_path / name)
        assert (done.exit_code, done.output) == (0, "")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begin)
    assert "MON-TIMEOUT-01" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(list(ElementTree.parse(tmp_path / "junit.xml").iter("testcase"))) == 7  # noqa: S314 - our own file


def test_a_page_shows_another_run_beside(report: Path, better: Path, tmp_path: Path) -> None:
    done = call("report", "html", better, "--beside", report, "-o", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "beside: failed" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_parts_are_joined(report: Path, tmp_path: Path) -> None:
    for name, results in (("one.json", RECORD.results[:3]), ("two.json", RECORD.results[3:])):
        write_json(tmp_path / name, dataclasses.replace(RECORD, results=results))
    whole = tmp_path / "whole.json"
    done = call("report", "join", tmp_path / "one.json", tmp_path / "two.json", "-o", whole)
    assert (done.exit_code, done.output) == (0, "")
    assert call("compare", report, whole).output.endswith("no difference in 7 contracts\n")
    assert "expected each file once" in call("report", "join", report, report, "-o", whole).output
    twice = call("report", "join", report, whole, "-o", tmp_path / "no.json")
    assert (twice.exit_code, (tmp_path / "no.json").exists()) == (2, False)


def test_a_report_is_shown_as_the_run_showed_it(report: Path) -> None:
    done = call("report", "show", report)
    assert done.exit_code == 1
    assert "2.9: 2 of 6 broken" in done.output


def test_compare_ends_with_1_only_if_something_is_worse(report: Path, better: Path) -> None:
    assert (call("compare", report, report).exit_code, call("compare", report, better).exit_code) == (0, 0)
    worse = call("compare", better, report)
    assert worse.exit_code == 1
    assert "newly failed" in worse.output
    document = json.loads(call("compare", "--json", better, report).output)
    assert [(one["contract"], one["worse"]) for one in document["differences"]] == [("MON-TIMEOUT-01", True)]


def test_the_schema_is_printed_to_the_letter() -> None:
    assert call("schema", "report").output == schema_text()


def test_explain_names_level_source_needs_proof_and_how_to_run_it() -> None:
    text = call("explain", "LIST-LIMIT-01").output
    for part in (
        "With a limit, list_jobs returns the newest so many jobs",
        "  must: programs that work with the official client break",
        "API document: “limit",
        "  keeps_oldest (2.6): ",
        "flare-conformance run --client flare_client --release 2.9 --select LIST-LIMIT-01",
        "flare-conformance run --client conformance.mutants:keeps_oldest --release 2.6 --select LIST-LIMIT-01",
    ):
        assert part in text, text
    assert "Needs:" not in text
    assert "  control of the server" in call("explain", "CONN-EXPIRE-01").output


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("report", "html"), ("report", "junit"), ("report", "badge")])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "No such file"),
        ("{", "expected JSON"),
        ("{}", "format: expected a report of flare-conformance"),
    ],
)
def test_what_is_no_report_is_a_line_and_exit_code_2(
    tmp_path: Path, words: tuple[str, ...], content: str | None, text: str
) -> None:
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_text(content)
    done = call(*words, path, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert done.output.startswith("flare-conformance: ")
    assert text in done.output
    assert "bad.json" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("which", [0, 1])
def test_compare_says_which_report_is_none(report: Path, tmp_path: Path, which: int) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(report.read_text()[:-10])
    words = [report, report]
    words[which] = bad
    done = call("compare", *words)
    assert done.exit_code == 2
    assert f"{bad}: expected JSON" in done.output


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    done = call("report", "show", tmp_path)
    assert done.exit_code == 2
    assert "is a directory" in done.output


@pytest.mark.parametrize("words", [("report", "html", "x.json"), ("run", "--client", "flare_client")])
def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_runs(words: tuple[str, ...]) -> None:
    option = "-o" if words[0] == "report" else "--html"
    done = call(*words, option, "/no/such/folder/page.html")
    assert done.exit_code == 2
    assert "expected a folder for page.html at /no/such/folder" in done.output


def test_a_hostile_report_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "hostile.json"
    write_json(path, HOSTILE_RECORD)
    shown = call("report", "show", path)
    assert shown.exit_code == 1
    assert "\x1b" not in shown.output
    assert call("compare", path, path).exit_code == 0
    assert read_json(path).results[0].expected is not None


def _commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, *names, name) if isinstance(command, click.Group) else [(*names, name)]
    return found


@pytest.mark.parametrize("words", _commands(main), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    done = call(*words, "--help")
    assert done.exit_code == 0
    assert "Example" in done.output
    command = main
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined,assignment] # a group but for the last
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option
