"""``python -m conformance.lab --release 2.6.3``: run the lab for a release and write ``docs/compatibility.md``.

Exit code 0: nothing failed; 1: something failed, or differed from the official pair; 2: the lab could not run.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console

from conformance.lab import provenance
from conformance.lab.compatibility import RecordError, ReleaseReport, record
from conformance.lab.ending import end_in_order_on_sigterm
from conformance.lab.provisioning import LabError
from conformance.lab.runs import LabRuns, Progress
from conformance.lab.server import OfficialServer, poc_startup_seconds
from conformance.peers import PEERS, PeerUnavailable, environment

_UNUSABLE = 2


@click.command()
@click.option("--release", "version", required=True, type=click.Choice(list(PEERS)), help="The official version.")
@click.option("--keep", is_flag=True, help="Keep the official server's folder with kits and logs.")
@click.option("--contracts/--no-contracts", default=True, help="Whether to run the contracts too.")
@click.option("--poc/--no-poc", default=True, help="Whether to time `nvflare poc start` too.")
@click.option(
    "--docs", type=click.Path(file_okay=False, exists=True, path_type=Path), default=Path("docs"), show_default=True
)
def main(version: str, keep: bool, contracts: bool, poc: bool, docs: Path) -> None:
    """Run official client and flare_client on the official server and on MockServer, and record the outcome."""
    end_in_order_on_sigterm()
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    started = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s  {text}")

    try:
        report = _run(version, keep, contracts, poc, progress)
        page = record(report, docs)
    except (LabError, PeerUnavailable, RecordError) as problem:
        console.print(f"lab: {problem}")
        sys.exit(_UNUSABLE)
    for one in report.outcomes:
        click.echo(
            f"{one.what}: {one.client} on {one.server}: {one.passed} passed, {one.failed} failed, {one.skipped} skipped"
        )
        for failure in one.failures:
            click.echo(f"  {failure}")
    click.echo(f"recorded in {page}")
    sys.exit(0 if report.is_green else 1)


def _run(version: str, keep: bool, contracts: bool, poc: bool, progress: Progress) -> ReleaseReport:
    environment(version)  # before anything is started
    runs = LabRuns(version, progress)
    seconds: dict[str, float] = {}
    progress(f"starting the official server of nvflare {version}")
    with OfficialServer(version, keep=keep) as server:
        progress(f"first login after {server.startup_seconds:.1f} s, both sites after {server.ready_seconds:.1f} s")
        if keep:
            progress(f"kits and logs stay in {server.workspace}")
        seconds["start of the provisioned server to the first login"] = server.startup_seconds
        outcomes = runs.scripts(server)
        if contracts:
            server.wait_for_sites()
            outcomes += runs.contracts(server)
    if poc:
        progress("timing nvflare poc start")
        try:
            seconds["nvflare poc start to the first login"] = poc_startup_seconds(version)
        except LabError as problem:
            progress(f"not timed: {problem}")
    return ReleaseReport(
        version=version,
        date=provenance.today(),
        command=f"make lab RELEASE={version}",
        versions=provenance.versions(version),
        seconds={what: round(one, 2) for what, one in seconds.items()},
        outcomes=tuple(outcomes),
    )


if __name__ == "__main__":
    main()
