"""``compare``: what is different between two runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from conformance import reports
from conformance.cli.options import errors_end_the_run

_REPORT = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: flare-conformance compare before.json after.json")
@click.argument("before", type=_REPORT)
@click.argument("after", type=_REPORT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@errors_end_the_run
def compare(before: Path, after: Path, as_json: bool) -> None:
    """Say what is different between two runs, written with ``run --json``.

    Exit code 1 if something that counts is worse: a contract is newly broken, or passed before and is now skipped, gone
    or expected to fail. 0 otherwise, 2 if a report cannot be read.
    """
    comparison = reports.compare(reports.read_json(before), reports.read_json(after))
    if as_json:
        click.echo(json.dumps(reports.comparison_document(comparison), indent=2, ensure_ascii=False))
    else:
        reports.print_comparison(Console(), comparison)
    sys.exit(1 if comparison.is_worse else 0)
