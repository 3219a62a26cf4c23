"""The command ``flare-conformance``: a thin front over the catalogue, the runner and the reports."""

from __future__ import annotations

import contextlib
import json
import secrets
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from conformance import catalogue, mutants, mutants_cellnet, reports, runner
from conformance.adapters.base import Adapter, ClientFailure
from conformance.adapters.inprocess import InProcessAdapter
from conformance.adapters.stdio import StdioAdapter
from conformance.contract import RELEASES, Contract
from conformance.peers import PeerUnavailable, environment
from conformance.targets import KitTarget, MockTarget, Target

COULD_NOT_RUN = 2
OFFICIAL = "official:"

_PROGRAM = Path(__file__).parent / "adapters" / "nvflare_program.py"

_F = TypeVar("_F", bound=Callable[..., Any])


def _errors_end_the_run(function: _F) -> _F:
    """Bad input and a run that cannot be carried out are one line and exit code 2."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ValueError, OSError, PeerUnavailable, runner.HarnessError, ClientFailure) as problem:
            click.echo(f"flare-conformance: {problem}", err=True)
            sys.exit(COULD_NOT_RUN)

    return wrapper  # type: ignore[return-value] # same signature


@click.group()
@click.version_option(package_name="flare-conformance")
def main() -> None:
    """The contracts of NVIDIA FLARE's admin API, against any client and any server."""


def make_adapter(client: str | None, command: str | None) -> Adapter:
    """The adapter that the options of ``run`` ask for.

    Raises:
        ValueError: they ask for none, or for both, or for one that is not there.
        PeerUnavailable: the official client cannot be had here.
    """
    if (client is None) == (command is None):
        raise ValueError("expected either --client or --client-command")
    if command is not None:
        return StdioAdapter(shlex.split(command), command)
    name = str(client)
    if name.startswith(OFFICIAL):
        version = name.removeprefix(OFFICIAL)
        peer = environment(version)
        return StdioAdapter([str(peer.python), str(_PROGRAM)], f"nvflare {version}")
    return InProcessAdapter(name)


def make_target(server: str, release: str, user: str, scheme: str | None = None) -> Target:
    """The target that the options of ``run`` ask for.

    Raises:
        ValueError: they ask for one that is not there.
    """
    if server == "mock":
        return MockTarget(release, scheme)
    kind, _, path = server.partition(":")
    if kind != "kit" or not path:
        raise ValueError(f"expected --server mock or kit:DIR, but got {server!r}")
    return KitTarget(Path(path), user, release)


@main.command(name="list", epilog="Example: flare-conformance list --release 2.6 --group MON")
@click.option("--release", help=f"Only contracts of a release: {', '.join(RELEASES)}.")
@click.option("--group", help="Only contracts of a group, as MON.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_errors_end_the_run
def list_contracts(release: str | None, group: str | None, as_json: bool) -> None:
    """List the contracts."""
    found = catalogue.select(_line(release), (), group)
    if as_json:
        click.echo(json.dumps([_described(c) for c in found], indent=2, ensure_ascii=False))
        return
    for contract in found:
        click.echo(f"{contract.id:<18} {contract.title:<42} {', '.join(contract.releases)}")
    click.echo(f"{len(found)} contracts")


def _described(contract: Contract) -> dict[str, Any]:
    return {
        "id": contract.id,
        "title": contract.title,
        "statement": contract.statement,
        "sources": reports.source_lines(contract),
        "releases": list(contract.releases),
        "needs": sorted(need.value for need in contract.needs),
    }


def _line(release: str | None) -> str | None:
    """A release line; a version of it is one, too."""
    if release is None:
        return None
    line = ".".join(release.split(".")[:2])
    if line not in RELEASES:
        raise ValueError(f"unknown release {release!r}: expected one of {', '.join(RELEASES)}")
    return line


@main.command(epilog="Example: flare-conformance explain MON-TIMEOUT-01")
@click.argument("contract_id")
@_errors_end_the_run
def explain(contract_id: str) -> None:
    """Say what a contract asks for and where that comes from."""
    contract = catalogue.find(contract_id)
    click.echo(f"{contract.id}: {contract.title}\n\n{contract.statement}\n")
    for line in reports.source_lines(contract):
        click.echo(f"  {line}")
    click.echo(f"\nreleases: {', '.join(contract.releases)}")
    if contract.needs:
        click.echo(f"needs: {', '.join(sorted(need.value for need in contract.needs))}")
    click.echo(
        f"\nflare-conformance run --client flare_client --release {contract.releases[-1]} --select {contract.id}"
    )


@main.command(epilog="Example: flare-conformance contracts --markdown > docs/contracts.md")
@click.option("--markdown", is_flag=True, required=True, help="Print the catalogue as Markdown.")
@_errors_end_the_run
def contracts(markdown: bool) -> None:  # noqa: ARG001 - the one form there is
    """Print the catalogue as documentation."""
    click.echo(reports.markdown(catalogue.catalogue()), nl=False)


@main.command(
    epilog="Examples: flare-conformance run --client official:2.6.3 --release 2.6 --junit report.xml · "
    "flare-conformance run --client my_package:new_session --select 'MON-*'"
)
@click.option("--client", help="flare_client, official:VERSION, or module:function, a factory of sessions.")
@click.option("--client-command", help="A program that speaks the adapter protocol on stdio.")
@click.option("--release", default=RELEASES[-1], show_default=True, help="The release to hold the client to.")
@click.option("--server", default="mock", show_default=True, help="mock, or kit:DIR for a server that runs already.")
@click.option("--scheme", help="How frames travel to the mock, from release 2.7 on: http (the default), tcp or grpc.")
@click.option("--user", default="admin@nvidia.com", show_default=True, help="The project admin of the kit.")
@click.option("--select", "patterns", multiple=True, help="Only contracts of this id or glob; repeatable.")
@click.option("--group", help="Only contracts of a group, as MON.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write a JSON report.")
@click.option("--seed", type=int, help="Draw the examples of this run again.")
@_errors_end_the_run
def run(**options: Any) -> None:
    """Check a client. Exit code 0: conforming, 1: not, 2: could not run."""
    release = str(_line(options["release"]))
    seed = options["seed"] if options["seed"] is not None else secrets.randbelow(2**31)
    chosen = catalogue.select(release, options["patterns"], options["group"])
    console = Console()
    adapter = make_adapter(options["client"], options["client_command"])
    try:
        target = make_target(options["server"], release, options["user"], options["scheme"])
        try:
            console.print(
                f"{adapter.name} on {target.name}: {len(chosen)} contracts, seed {seed}", markup=False, highlight=False
            )
            results = runner.run(
                chosen,
                adapter,
                target,
                seed=seed,
                junit=options["junit"],
                report=lambda result: reports.print_line(console, result),
            )
        finally:
            target.close()
    finally:
        adapter.close()
    reports.print_summary(console, results, adapter.name, target.name)
    if options["json_path"] is not None:
        reports.write_json(options["json_path"], reports.as_json(results, adapter.name, target.name, release, seed))
    sys.exit(0 if reports.conforms(results) else 1)


_MUTANTS = {"2.6": mutants, "2.9": mutants_cellnet}
"""Wrong clients, by the release on which they are tried."""


@main.command(name="self-test", epilog="Example: flare-conformance self-test")
@_errors_end_the_run
@click.option("--release", type=click.Choice(list(_MUTANTS)), help="Only the wrong clients of a release.")
def self_test(release: str | None) -> None:
    """Prove that contracts can fail: run wrong clients against them. Exit code 0: all are caught, 1: one is not."""
    console = Console()
    missed = []
    chosen = {line: module for line, module in _MUTANTS.items() if release in (None, line)}
    for line, module in chosen.items():
        with contextlib.closing(MockTarget(line)) as target:
            for mutant, names in module.MUTANTS.items():
                missed += _missed(console, target, f"{module.__name__}:{mutant}", names)
    console.print(f"{sum(len(module.MUTANTS) for module in chosen.values())} mutants, {len(missed)} missed")
    sys.exit(1 if missed else 0)


def _missed(console: Console, target: Target, mutant: str, names: tuple[str, ...]) -> list[str]:
    """Run a wrong client, and return the contracts that should have caught it and did not."""
    with contextlib.closing(InProcessAdapter(mutant)) as adapter:
        results = runner.run(catalogue.select(target.release, names), adapter, target, seed=1)
    for result in results:
        caught = result.verdict is runner.Verdict.FAILED
        name = mutant.partition(":")[2]
        console.print(
            f"{'caught' if caught else 'MISSED':<8} {name:<28} by {result.contract}  {result.message}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    return [result.contract for result in results if result.verdict is not runner.Verdict.FAILED]


if __name__ == "__main__":
    main()
