"""``rerun``: check one contract of a run again."""

from __future__ import annotations

from pathlib import Path

import click

from conformance import reports
from conformance.cli.options import errors_end_the_run
from conformance.cli.run import run


@click.command(epilog="Example: flare-conformance rerun report.json MON-TIMEOUT-01")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("contract_id")
@errors_end_the_run
def rerun(file: Path, contract_id: str) -> None:
    """Check a contract of a run again, with the client, server, release and seed of its JSON report.

    The exit codes are those of ``run``. Relative paths are taken from where this command is called.
    """
    record = reports.read_json(file)
    known = [result.contract for result in record.results]
    if contract_id not in known:
        like = [name for name in known if name.split("-", 1)[0] == contract_id.split("-", 1)[0].upper()]
        hint = f"; of that group it has {', '.join(like)}" if like else ""
        raise ValueError(f"{file}: expected a contract of that run, but got {contract_id!r}{hint}")
    words = reports.rerun_words(record, contract_id)
    run.main(args=list(words[1:]), prog_name="flare-conformance run")
