"""The command ``flare-conformance``: a thin front over the catalogue, the runner and the reports.

A module a command, or for a few that belong together; ``options`` holds what they share.
"""

from __future__ import annotations

import click

from conformance.cli.adapter import adapter
from conformance.cli.catalogue import contracts, explain, list_contracts
from conformance.cli.compare import compare
from conformance.cli.record import record
from conformance.cli.report import report
from conformance.cli.requirements import requirements
from conformance.cli.rerun import rerun
from conformance.cli.run import run
from conformance.cli.schema import schema
from conformance.cli.self_test import self_test
from conformance.cli.serve import serve


@click.group()
@click.version_option(package_name="flare-conformance")
def main() -> None:
    """The contracts of NVIDIA FLARE's admin API, against any client and any server."""


for command in (
    list_contracts,
    explain,
    contracts,
    requirements,
    run,
    rerun,
    serve,
    record,
    report,
    compare,
    adapter,
    schema,
    self_test,
):
    main.add_command(command)
