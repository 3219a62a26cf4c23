"""``self-test``: proof that contracts can fail."""

from __future__ import annotations

import contextlib
import fnmatch
import sys

import click
from rich.console import Console

from conformance import catalogue, runner
from conformance.adapters.inprocess import InProcessAdapter
from conformance.cli.options import errors_end_the_run
from conformance.mutants import mutants
from conformance.mutants.base import Mutant
from conformance.results import Verdict
from conformance.targets import MockTarget, Target


@click.command(name="self-test", epilog="Example: flare-conformance self-test")
@errors_end_the_run
@click.option("--select", help="Only the wrong clients that contracts whose id matches this glob must catch.")
@click.option("--release", help="Only the wrong clients that are tried on this release.")
def self_test(release: str | None, select: str | None) -> None:
    """Prove that contracts can fail: run wrong clients against them. Exit code 0: all are caught, 1: one is not."""
    console = Console()
    lines = sorted({mutant.release for mutant in mutants()})
    if release is not None and release not in lines:
        raise ValueError(f"expected one of the releases on which mutants are tried, {', '.join(lines)}; got {release}")

    def chosen(line: str | None) -> list[Mutant]:
        return [one for one in mutants(line) if select is None or fnmatch.filter(one.caught_by, select)]

    missed = []
    for line in lines if release is None else [release]:
        with contextlib.closing(MockTarget(line)) as target:
            for mutant in chosen(line):
                missed += _missed(console, target, mutant)
    console.print(f"{len(chosen(release))} mutants, {len(missed)} missed")
    sys.exit(1 if missed else 0)


def _missed(console: Console, target: Target, mutant: Mutant) -> list[str]:
    """Run a wrong client, and return the contracts that should have caught it and did not."""
    with contextlib.closing(InProcessAdapter(f"conformance.mutants:{mutant.name}")) as adapter:
        results = runner.run(catalogue.select(target.release, mutant.caught_by), adapter, target, seed=1)
    for result in results:
        caught = result.verdict is Verdict.FAILED
        console.print(
            f"{'caught' if caught else 'MISSED':<8} {mutant.name:<28} by {result.contract}  {result.message}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return [result.contract for result in results if result.verdict is not Verdict.FAILED]
