"""``list``, ``explain`` and ``contracts``: what the catalogue holds."""

from __future__ import annotations

import json
from typing import Any

import click

from conformance import catalogue, reports
from conformance.cli.options import errors_end_the_run, release_line
from conformance.contract import RELEASES, Contract


@click.command(name="list", epilog="Example: flare-conformance list --release 2.6 --group MON")
@click.option("--release", help=f"Only contracts of a release: {', '.join(RELEASES)}.")
@click.option("--group", help="Only contracts of a group, as MON.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@errors_end_the_run
def list_contracts(release: str | None, group: str | None, as_json: bool) -> None:
    """List the contracts."""
    found = catalogue.select(release_line(release), (), group)
    if as_json:
        click.echo(json.dumps([_described(c) for c in found], indent=2, ensure_ascii=False))
        return
    for contract in found:
        releases = ", ".join(contract.releases)
        click.echo(f"{contract.id:<18} {contract.level.value:<6} {contract.title:<42} {releases}")
    click.echo(f"{len(found)} contracts")


def _described(contract: Contract) -> dict[str, Any]:
    return {
        "id": contract.id,
        "title": contract.title,
        "statement": contract.statement,
        "level": contract.level.value,
        "sources": reports.source_lines(contract),
        "releases": list(contract.releases),
        "needs": sorted(need.value for need in contract.needs),
    }


@click.command(epilog="Example: flare-conformance explain MON-TIMEOUT-01")
@click.argument("contract_id")
@errors_end_the_run
def explain(contract_id: str) -> None:
    """Say what a contract asks for and where that comes from."""
    contract = catalogue.find(contract_id)
    click.echo(f"{contract.id}: {contract.title}\n\n{contract.statement}\n")
    for line in reports.source_lines(contract):
        click.echo(f"  {line}")
    click.echo(f"\nlevel: {contract.level.value}")
    click.echo(f"releases: {', '.join(contract.releases)}")
    if contract.needs:
        click.echo(f"needs: {', '.join(sorted(need.value for need in contract.needs))}")
    click.echo(
        f"\nflare-conformance run --client flare_client --release {contract.releases[-1]} --select {contract.id}"
    )


@click.command(epilog="Example: flare-conformance contracts --markdown > docs/contracts.md")
@click.option("--markdown", is_flag=True, required=True, help="Print the catalogue as Markdown.")
@errors_end_the_run
def contracts(markdown: bool) -> None:  # noqa: ARG001 - the one form there is
    """Print the catalogue as documentation."""
    click.echo(reports.markdown(catalogue.catalogue()), nl=False)
