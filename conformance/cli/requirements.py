"""``requirements``: what a client must keep to call itself conforming to a release."""

from __future__ import annotations

import json
from pathlib import Path

import click

from conformance import catalogue
from conformance import requirements as sets
from conformance.cli.options import errors_end_the_run, release_line
from conformance.contract import RELEASES


@click.group(
    name="requirements",
    invoke_without_command=True,
    epilog="Example: flare-conformance requirements --release 2.6",
)
@click.option("--release", help=f"The set of a release: {', '.join(RELEASES)}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
@errors_end_the_run
def requirements(context: click.Context, release: str | None, as_json: bool) -> None:
    """Print the contracts that count for a release. Those that are not in the set run and are reported alone."""
    if context.invoked_subcommand is not None:
        return
    line = release_line(release)
    if line is None:
        raise ValueError(f"expected --release, one of {', '.join(RELEASES)}")
    ids = sorted(sets.required(line))
    if as_json:
        click.echo(json.dumps({"release": line, "contracts": ids}, indent=2))
        return
    for one in ids:
        click.echo(f"{one:<18} {catalogue.find(one).title}")
    later = [one.id for one in catalogue.select(line) if one.id not in ids]
    click.echo(f"{len(ids)} contracts count for release {line}; {len(later)} more run and are reported alone")


@requirements.command(epilog="Example: flare-conformance requirements freeze --release 2.9")
@click.option("--release", "releases", multiple=True, help="Only the set of this release; repeatable.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=sets.FOLDER,
    help="Where the sets go; those of the package by default.",
)
@errors_end_the_run
def freeze(releases: tuple[str, ...], folder: Path) -> None:
    """Write the sets anew from the catalogue of today. Clients may lose their conformance by that."""
    contracts = catalogue.catalogue()
    for release in releases or RELEASES:
        line = str(release_line(release))
        new, gone = sets.freeze(line, contracts, folder)
        click.echo(f"{line}: {len(sets.required(line, folder))} contracts, {len(new)} new, {len(gone)} gone")
        for sign, ids in (("+", new), ("-", gone)):
            for one in ids:
                click.echo(f"  {sign} {one}")
