"""``flare studies``: which sites take part in a study, and who may work in it (releases from 2.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from flare_client import Session
from flare_client.cli.answers import answer, print_pairs, print_table
from flare_client.cli.confirmation import confirm, yes_option
from flare_client.cli.settings import open_session, shared_options, with_session
from flare_client.cli.words import value_text

_Function = TypeVar("_Function", bound=Callable[..., Any])


@click.group(epilog="Example: flare studies list")
def studies() -> None:
    """Look at studies, begin and end them (releases from 2.8)."""


def _site_options(function: _Function) -> _Function:
    function = click.option(
        "--site-org",
        "site_orgs",
        multiple=True,
        metavar="ORG:SITES",
        help="As nvidia:site-1,site-2; repeatable. What a project admin gives.",
    )(function)
    return click.option(
        "--site", "sites", multiple=True, help="A site of your organisation; repeatable. What an org admin gives."
    )(function)


def _lists(sites: tuple[str, ...], site_orgs: tuple[str, ...]) -> tuple[list[str] | None, list[str] | None]:
    """The sites of a command line.

    Raises:
        UsageError: there are none, or both kinds.
    """
    if bool(sites) == bool(site_orgs):
        got = "both" if sites else "neither"
        raise click.UsageError(f"expected --site (an org admin gives it) or --site-org (a project admin), got {got}")
    return list(sites) or None, list(site_orgs) or None


@studies.command("list", epilog="Example: flare studies list --json")
@with_session
def list_studies(session: Session) -> None:
    """List the studies that you may see."""
    found = session.list_studies()
    rows = [entry if isinstance(entry, dict) else {"name": entry} for entry in found.get("studies") or []]
    columns = list(dict.fromkeys(key for row in rows for key in row))

    def show() -> None:
        if rows:
            print_table(columns, [[value_text(row.get(column)) for column in columns] for row in rows])
        else:
            click.echo("no studies", err=True)

    answer(found, show)


@studies.command(epilog="Example: flare studies show brain")
@click.argument("name", metavar="STUDY")
@with_session
def show(session: Session, name: str) -> None:
    """Show a study, its sites and its users."""
    _answer(session.show_study(name))


@studies.command(epilog="Example: flare studies register brain --site-org nvidia:site-1,site-2")
@click.argument("name", metavar="STUDY")
@_site_options
@with_session
def register(session: Session, name: str, sites: tuple[str, ...], site_orgs: tuple[str, ...]) -> None:
    """Begin a study, or add sites to one that is there."""
    _answer(session.register_study(name, *_lists(sites, site_orgs)))


@studies.command(epilog="Example: flare studies remove brain --yes")
@click.argument("name", metavar="STUDY")
@yes_option
@shared_options
def remove(name: str, yes: bool) -> None:
    """Forget a study that has no jobs."""
    confirm(f"Remove study {name}", yes=yes)
    with open_session() as session:
        _answer(session.remove_study(name))


@studies.command("add-sites", epilog="Example: flare studies add-sites brain --site site-3")
@click.argument("name", metavar="STUDY")
@_site_options
@with_session
def add_sites(session: Session, name: str, sites: tuple[str, ...], site_orgs: tuple[str, ...]) -> None:
    """Add sites to a study."""
    _answer(session.add_study_site(name, *_lists(sites, site_orgs)))


@studies.command("remove-sites", epilog="Example: flare studies remove-sites brain --site site-3 --yes")
@click.argument("name", metavar="STUDY")
@_site_options
@yes_option
@shared_options
def remove_sites(name: str, sites: tuple[str, ...], site_orgs: tuple[str, ...], yes: bool) -> None:
    """Take sites out of a study."""
    lists = _lists(sites, site_orgs)
    confirm(f"Take {', '.join(sites + site_orgs)} out of study {name}", yes=yes)
    with open_session() as session:
        _answer(session.remove_study_site(name, *lists))


@studies.command("add-user", epilog="Example: flare studies add-user brain lead@nvidia.com")
@click.argument("name", metavar="STUDY")
@click.argument("user_name", metavar="USER")
@with_session
def add_user(session: Session, name: str, user_name: str) -> None:
    """Let a user work in a study."""
    _answer(session.add_study_user(name, user_name))


@studies.command("remove-user", epilog="Example: flare studies remove-user brain lead@nvidia.com --yes")
@click.argument("name", metavar="STUDY")
@click.argument("user_name", metavar="USER")
@yes_option
@shared_options
def remove_user(name: str, user_name: str, yes: bool) -> None:
    """Let a user work in a study no more."""
    confirm(f"Take {user_name} out of study {name}", yes=yes)
    with open_session() as session:
        _answer(session.remove_study_user(name, user_name))


def _answer(found: dict[str, Any]) -> None:
    answer(found, lambda: print_pairs((key, value_text(found[key])) for key in found))
