"""``report``: a run that was written as JSON, in another format."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from conformance import reports
from conformance.cli.options import ReportFile, errors_end_the_run

_REPORT = click.Path(dir_okay=False, path_type=Path)
_OUTPUT = click.option("-o", "--output", required=True, type=ReportFile(), help="The file to write.")


@click.group(epilog="Example: flare-conformance report html report.json -o report.html")
def report() -> None:
    """Show a run that was written with ``run --json`` in another format."""


@report.command(epilog="Example: flare-conformance report html after.json --beside before.json -o report.html")
@click.argument("file", type=_REPORT)
@_OUTPUT
@click.option("--beside", type=_REPORT, help="The JSON report of another run, to be shown side by side.")
@errors_end_the_run
def html(file: Path, output: Path, beside: Path | None) -> None:
    """Write a page of HTML in one file, which works offline."""
    other = None if beside is None else reports.read_json(beside)
    reports.write_html(output, reports.read_json(file), other)


@report.command(epilog="Example: flare-conformance report junit report.json -o junit.xml")
@click.argument("file", type=_REPORT)
@_OUTPUT
@errors_end_the_run
def junit(file: Path, output: Path) -> None:
    """Write JUnit XML."""
    reports.write_junit(output, reports.read_json(file))


@report.command(epilog="Example: flare-conformance report badge report.json -o badge.svg")
@click.argument("file", type=_REPORT)
@_OUTPUT
@errors_end_the_run
def badge(file: Path, output: Path) -> None:
    """Write a badge, as SVG: “FLARE admin API 2.9 | conforming”."""
    reports.write_badge(output, reports.read_json(file))


@report.command(epilog="Example: flare-conformance report show report.json")
@click.argument("file", type=_REPORT)
@errors_end_the_run
def show(file: Path) -> None:
    """Print what the run printed: its failures and its table. Exit code 0: conforming, 1: not."""
    record = reports.read_json(file)
    reports.print_summary(Console(), record)
    sys.exit(0 if record.conforms else 1)


@report.command(epilog="Example: flare-conformance report join part-1.json part-2.json -o report.json")
@click.argument("files", type=_REPORT, nargs=-1, required=True)
@_OUTPUT
@errors_end_the_run
def join(files: tuple[Path, ...], output: Path) -> None:
    """Join the JSON reports of a run that was divided over machines."""
    if len(set(files)) != len(files):
        raise ValueError("expected each file once")
    reports.write_json(output, reports.joined({path: reports.read_json(path) for path in files}))
