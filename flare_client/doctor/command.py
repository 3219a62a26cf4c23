"""The command ``doctor`` of ``flare kit``, and of ``python -m flare_client.doctor``."""

from __future__ import annotations

import json
import sys

import click

from flare_client.doctor.examination import DEFAULT_SECONDS, examine
from flare_client.doctor.findings import Verdict
from flare_client.doctor.text import lines

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.ERROR: "red", Verdict.SKIPPED: None}


@click.command(epilog="Example: flare kit doctor ./admin@nvidia.com --offline")
@click.argument("directory", metavar="DIR")
@click.option("--user", help="Who is to log in with the kit; whom its certificate names by default.")
@click.option("--offline", is_flag=True, help="Leave the server alone, and look at the files only.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="Seconds that each look at the server may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def doctor(directory: str, user: str | None, offline: bool, timeout: float, as_json: bool) -> None:
    """Look the startup kit in DIR over, and say what is wrong and what to do.

    Exit code 0: nothing is wrong (there may be warnings); 1: something is; 2: it could not be found out.
    """
    try:
        report = examine(directory, user=user, offline=offline, timeout=timeout)
    except NotADirectoryError as problem:
        # Which is exit code 2, too: UNKNOWN.
        raise click.BadParameter(str(problem), param_hint="'DIR'") from problem
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="'--timeout'") from problem
    if as_json:
        click.echo(json.dumps(report.record(), indent=2))
    else:
        for line, verdict in lines(report):
            click.echo(click.style(line, fg=_COLOURS[verdict]) if verdict is not None else line)
    sys.exit(report.exit_code)
