"""``self-test``: proof that contracts can fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance import proof, proof_report
from conformance.cli.options import errors_end_the_run, release_line


@click.command(
    name="self-test",
    epilog="Examples: flare-conformance self-test --select 'MON-*' · "
    "flare-conformance self-test --matrix --workers 4 --markdown docs/mutants.md",
)
@errors_end_the_run
@click.option("--release", help="Only the wrong clients that are tried on this release.")
@click.option("--select", "patterns", multiple=True, help="Only of these contracts or wrong clients, ids or globs.")
@click.option("--seed", type=int, default=proof.SEED, show_default=True, help="Of the examples of properties.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes beside each other.")
@click.option("--matrix", is_flag=True, help="Run every wrong client against every contract, not its own alone.")
@click.option("--against", multiple=True, help="In the matrix only these contracts, ids or globs; repeatable.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what came of each wrong client in this file, and go on from there if it is cut short.",
)
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write what came of all as Markdown.")
def self_test(**options: Any) -> None:
    """Prove that contracts can fail: run wrong clients against them.

    Exit code 0: all are caught, and nothing else catches them without a stated reason; 1: not; 2: could not run.
    """
    part = options["release"] or options["patterns"] or options["against"]
    if options["markdown"] is not None and part:
        raise ValueError("expected --markdown with all wrong clients, without --release, --select and --against")
    if options["against"] and not options["matrix"]:
        raise ValueError("expected --against with --matrix")
    console = Console()
    chosen = proof.selected(release_line(options["release"]), options["patterns"])
    found = proof.try_mutants(
        chosen,
        workers=options["workers"],
        seed=options["seed"],
        against=(options["against"] or proof.EVERYTHING) if options["matrix"] else None,
        record=options["record"],
        report=lambda cell: proof_report.print_cell(console, cell),
        progress=lambda done, total: proof_report.print_progress(console, done, total),
    )
    proof_report.print_summary(console, chosen, found, matrix=options["matrix"])
    if options["markdown"] is not None:
        options["markdown"].write_text(proof_report.markdown(chosen, found, matrix=options["matrix"]), encoding="utf-8")
    sys.exit(0 if found.holds else 1)
