"""``adapter``: what implementers of a client program need."""

from __future__ import annotations

import collections
import dataclasses
import json
import shlex
import sys

import click
from rich.console import Console

from conformance.adapters import check as adapter_check
from conformance.adapters.check import Finding, State
from conformance.cli.options import errors_end_the_run

_STYLES = {State.OK: "green", State.MISSING: "yellow", State.WRONG: "red", State.UNCLAIMED: "dim"}


@click.group()
def adapter() -> None:
    """Client programs that speak the adapter protocol."""


@adapter.command(name="check", epilog="Example: flare-conformance adapter check 'node dist/adapter.js'")
@click.argument("command")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--call-seconds",
    default=adapter_check.CALL_SECONDS,
    show_default=True,
    help="How long a call may take, beside the time that it is given as a timeout.",
)
@errors_end_the_run
def check(command: str, as_json: bool, call_seconds: float) -> None:
    """Say what the program COMMAND lacks. Exit code 0: nothing, 1: something, 2: could not run."""
    console = Console()

    def show(finding: Finding) -> None:
        console.print(f"{finding.state.value:<10}", style=_STYLES[finding.state], end="")
        console.print(f"{finding.point}: {finding.expected}", markup=False, highlight=False, soft_wrap=True)
        if finding.came:
            console.print(f"{'':<10}came: {finding.came}", markup=False, highlight=False, soft_wrap=True)

    found = adapter_check.check(shlex.split(command), (lambda _: None) if as_json else show, call_seconds)
    if as_json:
        entries = [{**dataclasses.asdict(finding), "state": finding.state.value} for finding in found.findings]
        click.echo(json.dumps({"command": command, "whole": found.is_whole, "findings": entries}, indent=2))
    else:
        counts = collections.Counter(finding.state for finding in found.findings)
        console.print(", ".join(f"{counts[state]} {state.value}" for state in State))
    sys.exit(0 if found.is_whole else 1)
