"""``flare schema``: what the documents look like that commands answer with."""

from __future__ import annotations

from importlib import resources

import click

SCHEMA_FILE = "output.schema.json"


def schema_text() -> str:
    """The JSON Schema of all documents."""
    return resources.files("flare_client.cli").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


@click.command(epilog="Example: flare schema > flare.schema.json")
def schema() -> None:
    """Print the JSON Schema of what --json prints."""
    click.echo(schema_text(), nl=False)
