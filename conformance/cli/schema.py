"""``schema``: the published schemas of what the commands write."""

from __future__ import annotations

import click

from conformance import reports
from conformance.adapters import schema as adapter_schema
from conformance.cli.options import errors_end_the_run

SCHEMAS = {"adapter": adapter_schema.schema_text, "report": reports.schema_text}
"""What makes each schema, by its name."""


@click.command(epilog="Example: flare-conformance schema report > report.schema.json")
@click.argument("name", type=click.Choice(sorted(SCHEMAS)))
@errors_end_the_run
def schema(name: str) -> None:
    """Print a JSON Schema (draft 2020-12)."""
    click.echo(SCHEMAS[name](), nl=False)
