"""``flare system``: the server, its sites, what runs on them, what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from flare_client import Session, TargetType
from flare_client.cli.answers import answer, print_pairs, print_table
from flare_client.cli.confirmation import confirm, yes_option
from flare_client.cli.settings import open_session, settings, shared_options, with_session
from flare_client.cli.words import moment_text, value_text
from flare_client.operations.machines import STATE_CHANGE_SECONDS

_Function = TypeVar("_Function", bound=Callable[..., Any])

_TARGETS = click.Choice([TargetType.SERVER, TargetType.CLIENT, TargetType.ALL])


@click.group(epilog="Example: flare system status")
def system() -> None:
    """Look at the machines of a project, restart them, shut them down."""


def _target_arguments(function: _Function) -> _Function:
    """A target, and after the word ``client`` sites."""
    function = click.argument("sites", nargs=-1)(function)
    return click.argument("target", type=_TARGETS, default=TargetType.ALL)(function)


@system.command(epilog="Example: flare system status --json | jq -r '.result.clients[].name'")
@with_session
def status(session: Session) -> None:
    """Show the server, the connected sites and the running jobs."""
    info = session.get_system_info()
    result = {
        "release": session.release,
        "server": {"status": info.server_info.status, "start_time": info.server_info.start_time},
        "clients": [
            {"name": client.name, "last_connect_time": client.last_connect_time} for client in info.client_info
        ],
        "jobs": [{"job_id": job.job_id, "app_name": job.app_name} for job in info.job_info],
    }

    def show() -> None:
        print_pairs(
            [
                # "stopped" where no job runs: the word of the server, and of its console.
                ("engine", str(info.server_info.status)),
                ("server since", moment_text(info.server_info.start_time)),
                ("release", session.release),
                ("clients", str(len(info.client_info))),
                ("running jobs", str(len(info.job_info))),
            ]
        )
        if info.client_info:
            click.echo()
            print_table(
                ["client", "last heard of"],
                [[client.name, moment_text(client.last_connect_time)] for client in info.client_info],
            )
        if info.job_info:
            click.echo()
            print_table(["running job", "app"], [[job.job_id, job.app_name] for job in info.job_info])

    answer(result, show)


@system.command(epilog="Example: flare system clients site-1 site-2")
@click.argument("sites", nargs=-1)
@with_session
def clients(session: Session, sites: tuple[str, ...]) -> None:
    """Show what runs on each connected site, or on some of them (releases from 2.4)."""
    found = session.get_client_job_status(list(sites)) or []
    columns = ["client_name", "job_id", "app_name", "status"]
    answer(
        {"clients": found},
        lambda: print_table(
            [column.replace("_", " ") for column in columns],
            [[value_text(entry.get(column)) for column in columns] for entry in found],
        ),
    )


@system.command(epilog="Example: flare system environment site-1")
@click.argument("sites", nargs=-1)
@with_session
def environment(session: Session, sites: tuple[str, ...]) -> None:
    """Show where sites run: workspace, address of the server, and more (releases from 2.4)."""
    found = session.get_client_env(list(sites) or None)

    def show() -> None:
        for place, entry in enumerate(found):
            if place:
                click.echo()
            print_pairs((key, value_text(value)) for key, value in entry.items())

    answer({"clients": found}, show)


@system.command(epilog="Example: flare system version client site-1")
@_target_arguments
@with_session
def version(session: Session, target: str, sites: tuple[str, ...]) -> None:
    """Show the version that machines run (releases from 2.8)."""
    _show_machines(session.report_version(target, _sites(target, sites)))


@system.command(epilog="Example: flare system resources client site-1")
@_target_arguments
@with_session
def resources(session: Session, target: str, sites: tuple[str, ...]) -> None:
    """Show what machines have to give to jobs (releases from 2.8)."""
    _show_machines(session.report_resources(target, _sites(target, sites)))


def _sites(target: str, sites: tuple[str, ...]) -> list[str]:
    """The sites of a command line: who names some with another target means something else than it would do.

    Raises:
        UsageError: the target is not ``client``.
    """
    if sites and target != TargetType.CLIENT:
        raise click.UsageError(f"expected sites after {TargetType.CLIENT!r} alone, but got {target} {' '.join(sites)}")
    return list(sites)


def _show_machines(found: dict[str, Any]) -> None:
    answer({"machines": found}, lambda: print_pairs((name, value_text(found[name])) for name in found))


def _change_options(function: _Function) -> _Function:
    function = click.option("--no-wait", is_flag=True, help="Do not wait until it is done (releases from 2.8 wait).")(
        function
    )
    function = click.argument("sites", nargs=-1)(function)
    return click.argument("target", type=_TARGETS)(function)


@system.command(epilog="Example: flare system restart client site-1 --yes")
@_change_options
@yes_option
@shared_options
def restart(target: str, sites: tuple[str, ...], no_wait: bool, yes: bool) -> None:
    """Restart the server, sites, or all of them (releases from 2.4).

    --timeout says how long they may take.
    """
    named = _sites(target, sites)
    confirm(f"Restart {_named(target, sites)}", yes=yes)
    with open_session(limits_commands=False) as session:
        reply = session.restart(target, named, not no_wait, settings().timeout or STATE_CHANGE_SECONDS)
    _answer_change("restart", target, sites, reply)


@system.command(epilog="Example: flare system shutdown all --yes --timeout 120")
@_change_options
@yes_option
@shared_options
def shutdown(target: str, sites: tuple[str, ...], no_wait: bool, yes: bool) -> None:
    """Shut down the server, sites, or all of them (releases from 2.4).

    --timeout says how long they may take. The server cannot be shut down alone while sites are connected.
    """
    named = _sites(target, sites)
    confirm(f"Shut down {_named(target, sites)}", yes=yes)
    with open_session(limits_commands=False) as session:
        reply = session.shutdown(target, named, not no_wait, settings().timeout or STATE_CHANGE_SECONDS)
    _answer_change("shutdown", target, sites, reply or {})


def _named(target: str, sites: tuple[str, ...]) -> str:
    named = {
        TargetType.ALL: "the server and all sites",
        TargetType.SERVER: "the server",
        TargetType.CLIENT: "all sites",
    }
    return ", ".join(sites) if target == TargetType.CLIENT and sites else named[target]


def _answer_change(what: str, target: str, sites: tuple[str, ...], reply: dict[str, Any]) -> None:
    result = {"target": target, "sites": list(sites), "reply": reply}
    info = value_text(reply.get("info"))
    answer(result, lambda: click.echo(info or f"{what} of {_named(target, sites)} is under way"))


@system.command("disable-client", epilog="Example: flare system disable-client site-1 --yes")
@click.argument("site")
@yes_option
@shared_options
def disable_client(site: str, yes: bool) -> None:
    """Keep a site out until it is enabled (releases from 2.8)."""
    confirm(f"Keep {site} out", yes=yes)
    with open_session() as session:
        _answer_site(site, session.disable_client(site), "is kept out")


@system.command("enable-client", epilog="Example: flare system enable-client site-1")
@click.argument("site")
@with_session
def enable_client(session: Session, site: str) -> None:
    """Let a site in again (releases from 2.8)."""
    _answer_site(site, session.enable_client(site), "is let in")


@system.command("remove-client", epilog="Example: flare system remove-client site-1 --yes")
@click.argument("site")
@yes_option
@shared_options
def remove_client(site: str, yes: bool) -> None:
    """Take its token from a connected site, which may register again (releases from 2.8)."""
    confirm(f"Remove {site}", yes=yes)
    with open_session() as session:
        session.remove_client(site)
        _answer_site(site, {}, "is removed")


def _answer_site(site: str, reply: dict[str, Any], what: str) -> None:
    answer({"site": site, "reply": reply}, lambda: click.echo(f"{site} {what}"))
