"""``run``: check a client."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance import catalogue, reports, runner
from conformance.adapters.stdio import require_release
from conformance.cli.options import errors_end_the_run, make_adapter, make_target, release_line
from conformance.contract import RELEASES
from conformance.results import conforms


@click.command(
    epilog="Examples: flare-conformance run --client official:2.6.3 --release 2.6 --junit report.xml · "
    "flare-conformance run --client my_package:new_session --select 'MON-*'"
)
@click.option("--client", help="flare_client, official:VERSION, or module:function, a factory of sessions.")
@click.option("--client-command", help="A program that speaks the adapter protocol on stdio.")
@click.option("--release", default=RELEASES[-1], show_default=True, help="The release to hold the client to.")
@click.option("--server", default="mock", show_default=True, help="mock, or kit:DIR for a server that runs already.")
@click.option("--scheme", help="How frames travel to the mock, from release 2.7 on: http (the default), tcp or grpc.")
@click.option("--user", default="admin@nvidia.com", show_default=True, help="The project admin of the kit.")
@click.option("--select", "patterns", multiple=True, help="Only contracts of this id or glob; repeatable.")
@click.option("--group", help="Only contracts of a group, as MON.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write a JSON report.")
@click.option("--seed", type=int, help="Draw the examples of this run again.")
@errors_end_the_run
def run(**options: Any) -> None:
    """Check a client. Exit code 0: conforming, 1: not, 2: could not run."""
    release = str(release_line(options["release"]))
    seed = options["seed"] if options["seed"] is not None else secrets.randbelow(2**31)
    chosen = catalogue.select(release, options["patterns"], options["group"])
    console = Console()
    adapter = make_adapter(options["client"], options["client_command"])
    try:
        require_release(adapter, release)
        target = make_target(options["server"], release, options["user"], options["scheme"])
        try:
            console.print(
                f"{adapter.name} on {target.name}: {len(chosen)} contracts, seed {seed}", markup=False, highlight=False
            )
            results = runner.run(
                chosen,
                adapter,
                target,
                seed=seed,
                junit=options["junit"],
                report=lambda result: reports.print_line(console, result),
            )
        finally:
            target.close()
    finally:
        adapter.close()
    reports.print_summary(console, results, adapter.name, target.name)
    if options["json_path"] is not None:
        reports.write_json(options["json_path"], reports.as_json(results, adapter.name, target.name, release, seed))
    sys.exit(0 if conforms(results) else 1)
