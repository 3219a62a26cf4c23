"""``run``: check a client."""

from __future__ import annotations

import math
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance import baseline, catalogue, reports, requirements
from conformance.cli.options import ReportFile, errors_end_the_run, release_line
from conformance.cli.progress import Lines
from conformance.contract import RELEASES, Level
from conformance.parties import MOCK
from conformance.profiles import CI, PROFILES
from conformance.results import RunRecord
from conformance.running.plan import Plan
from conformance.running.run import Terms, carry_out
from conformance.shards import Shard
from conformance.targets import ADMIN

_PATH = click.Path(dir_okay=False, path_type=Path)
_PROFILES_TEXT = "; ".join(f"{profile.name}: {profile.says}" for profile in PROFILES.values())


@click.command(
    epilog="Examples: flare-conformance run --client official:2.6.3 --release 2.6 --junit report.xml · "
    "flare-conformance run --client my_package:new_session --select 'MON-*'"
)
@click.option("--client", help="flare_client, official:VERSION, or module:function, a factory of sessions.")
@click.option("--client-command", "command", help="A program that speaks the adapter protocol on stdio.")
@click.option("--release", default=RELEASES[-1], show_default=True, help="The release to hold the client to.")
@click.option("--server", default="mock", show_default=True, help="mock, or kit:DIR for a server that runs already.")
@click.option("--scheme", help="How frames travel to the mock, from release 2.7 on: http (the default), tcp or grpc.")
@click.option(
    "--pedantic",
    is_flag=True,
    help="Have the mock do otherwise what a server may do otherwise, drawn from the seed: see docs/pedantic.md.",
)
@click.option("--user", default=ADMIN, show_default=True, help="The project admin of the kit.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default=CI.name, show_default=True, help=_PROFILES_TEXT)
@click.option("--select", "patterns", multiple=True, help="Only contracts of this id or glob; repeatable.")
@click.option("--deselect", "without", multiple=True, help="No contract of this id or glob; repeatable.")
@click.option("--group", help="Only contracts of a group, as MON.")
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    help="Only contracts of this level and of those above it: must binds most, may least.",
)
@click.option("--shard", help="Only a part, as 2/8: the second of eight machines.")
@click.option("--seed", type=int, help="Draw the examples and names of this run again.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes that check at the same time; by default one a CPU, and one alone on a server at a kit.",
)
@click.option(
    "--limit",
    type=click.FloatRange(0.1, 86400.0),
    help="Seconds that a contract may take before the client is killed and blamed; those of the profile by default.",
)
@click.option("--baseline", "known", type=_PATH, help="A file of known failures, which do not make the run fail.")
@click.option(
    "--write-baseline", "new_baseline", type=ReportFile(), help="Write the failures of this run as a baseline."
)
@click.option("--transcripts", is_flag=True, help="Keep what was said on the wire of contracts that hold, too.")
@click.option("--scripts", is_flag=True, help="Put every call that was made into the JSON report.")
@click.option("--junit", type=ReportFile(), help="Write a JUnit report.")
@click.option("--json", "json_path", type=ReportFile(), help="Write a JSON report.")
@click.option("--html", "html_path", type=ReportFile(), help="Write a report as a page of HTML, in one file.")
@errors_end_the_run
def run(**options: Any) -> None:
    """Check a client. Exit code 0: conforming, 1: not, 2: could not run."""
    release = str(release_line(options["release"]))
    plan = Plan(
        client=options["client"],
        command=options["command"],
        release=release,
        server=options["server"],
        user=options["user"],
        scheme=options["scheme"],
        seed=options["seed"] if options["seed"] is not None else secrets.randbelow(2**31),
        profile=options["profile"],
        limit=options["limit"],
        scripts=options["scripts"],
        transcripts=options["transcripts"],
        pedantic=options["pedantic"],
    )
    if (plan.client is None) == (plan.command is None):
        raise ValueError("expected either --client or --client-command")
    if plan.limit is not None and math.isnan(plan.limit):
        raise ValueError("expected a number of seconds as --limit, but got nan")
    shard = Shard.parse(options["shard"]) if options["shard"] is not None else None
    chosen = catalogue.select(
        release,
        options["patterns"],
        options["group"],
        without=options["without"],
        level=Level(options["level"]) if options["level"] is not None else None,
        profile=plan.thoroughness,
        shard=shard,
    )
    terms = Terms(requirements.required(release), client=plan.client or str(plan.command))
    if options["known"] is not None:
        terms = Terms(terms.required, baseline.read(options["known"], catalogue.catalogue()), terms.client)
    plan.prepare()
    # A server at a kit is one for all workers, and may run but one job at a time.
    usual = (os.cpu_count() or 1) if plan.server == MOCK else 1
    workers = options["workers"] or usual
    console = Console()
    with Lines(console, len(chosen), plan) as lines:
        record = carry_out(plan, chosen, terms, workers=workers, command=_words(options, plan.seed), watcher=lines)
    _report(console, record, terms, options)
    # A part of the selection may be all skipped, and still be no fault.
    fine = record.conforms or (shard is not None and not any(result.is_bad for result in record.results))
    sys.exit(0 if fine else 1)


def _words(options: dict[str, Any], seed: int) -> list[str]:
    """The command line that makes this run again."""
    words = ["run"]
    for parameter in run.params:
        value = seed if parameter.name == "seed" else options[str(parameter.name)]
        if value is None or value == () or value is False or (value == parameter.default and parameter.name != "seed"):
            continue
        option = parameter.opts[0]
        if value is True:
            words.append(option)
        else:
            words += [f"{option}={one}" for one in (value if isinstance(value, tuple) else (value,))]
    return words


def _report(console: Console, record: RunRecord, terms: Terms, options: dict[str, Any]) -> None:
    reports.print_summary(console, record)
    if options["junit"] is not None:
        reports.write_junit(options["junit"], record)
    if options["json_path"] is not None:
        reports.write_json(options["json_path"], record)
    if options["html_path"] is not None:
        reports.write_html(options["html_path"], record)
    if options["new_baseline"] is not None:
        number = baseline.write(options["new_baseline"], record.results, record.release, terms.client)
        console.print(f"{number} known failures written to {options['new_baseline']}", markup=False, highlight=False)
