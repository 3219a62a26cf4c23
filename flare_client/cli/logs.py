"""What jobs write, count and stumble over."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from flare_client import NotInRelease, Session, TargetType
from flare_client.cli.answers import answer
from flare_client.cli.exits import CommandFailed, ExitCode, Failure, failure_of
from flare_client.cli.settings import with_session
from flare_client.cli.values import job_argument
from flare_client.cli.words import value_text

_NO_LOG_HINT = "Servers have the logs of sites that send them (`flare system status` names the sites)."


@click.command(epilog="Example: flare jobs logs JOB_ID --site site-1 --tail 20")
@job_argument
@click.option("--site", default="server", show_default=True, help="`server`, `all` or a site.")
@click.option("--tail", type=click.IntRange(min=0), metavar="LINES", help="Only so many lines from the end.")
@click.option("--grep", metavar="TEXT", help="Only lines that hold this text, of those.")
@click.option("--file", "name", default="log.txt", show_default=True, help="Which log.")
@with_session
def logs(session: Session, job_id: str, site: str, tail: int | None, grep: str | None, name: str) -> None:
    """Print the logs of a job that the server keeps (releases from 2.8)."""
    try:
        found = session.get_job_logs(job_id, site, tail, grep, name)
    except NotInRelease as problem:
        hint = f"`flare jobs download {job_id}` fetches the logs of a job that is over."
        raise CommandFailed(dataclasses.replace(failure_of(problem), hint=hint)) from problem
    texts, missing = found.get("logs") or {}, found.get("unavailable") or {}
    if missing and not texts:
        said = "; ".join(f"{machine}: {value_text(reason)}" for machine, reason in missing.items())
        raise CommandFailed(Failure(ExitCode.REFUSED, "no_log", said, _NO_LOG_HINT))

    def show() -> None:
        for machine, text in texts.items():
            if len(texts) > 1:
                click.echo(f"==> {machine} <==")
            said = value_text(text)
            if said:
                click.echo(said, nl=not said.endswith("\n"))
        for machine, reason in missing.items():
            click.echo(f"{machine}: {value_text(reason)}", err=True)

    answer({"job_id": job_id, "logs": texts, "unavailable": missing}, show)


@click.command(epilog="Example: flare jobs stats JOB_ID --site server --site site-1")
@job_argument
@click.option("--site", "sites", multiple=True, help="`server` or a site; repeatable. All by default.")
@with_session
def stats(session: Session, job_id: str, sites: tuple[str, ...]) -> None:
    """Show what a running job counts (releases from 2.4)."""
    found: dict[str, Any] = {}
    for target, names in _targets(sites):
        found |= session.show_stats(job_id, target, names)
    answer({"job_id": job_id, "machines": found}, lambda: _show(found))


@click.command(epilog="Example: flare jobs errors JOB_ID --reset")
@job_argument
@click.option("--site", "sites", multiple=True, help="`server` or a site; repeatable. All by default.")
@click.option("--reset", is_flag=True, help="Forget them afterwards, on all machines.")
@with_session
def errors(session: Session, job_id: str, sites: tuple[str, ...], reset: bool) -> None:
    """Show the errors that a running job met (releases from 2.4)."""
    found: dict[str, Any] = {}
    for target, names in _targets(sites):
        found |= session.show_errors(job_id, target, names)
    if reset:
        session.reset_errors(job_id)
    answer({"job_id": job_id, "machines": found}, lambda: _show(found))


def _targets(sites: tuple[str, ...]) -> list[tuple[str, list[str] | None]]:
    """What has to be asked to hear of these machines."""
    if not sites or TargetType.ALL in sites:
        return [(TargetType.ALL, None)]
    others = [site for site in sites if site != TargetType.SERVER]
    asked: list[tuple[str, list[str] | None]] = [(TargetType.SERVER, None)] if TargetType.SERVER in sites else []
    return [*asked, (TargetType.CLIENT, others)] if others else asked


def _show(machines: dict[str, Any]) -> None:
    if not machines:
        click.echo("nothing", err=True)
    for machine, components in machines.items():
        click.echo(f"{machine}:")
        entries = components.items() if isinstance(components, dict) else [("", components)]
        for component, content in entries:
            click.echo(f"  {component}: {value_text(content)}" if component else f"  {value_text(content)}")
