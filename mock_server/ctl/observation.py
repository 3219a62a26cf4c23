"""Commands about what came, and what the server made of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

import click

from flare_client.protocol.limits import MIB
from mock_server.ctl import printing
from mock_server.ctl.connection import Unreachable
from mock_server.ctl.options import Session, asks
from mock_server.transcript import Direction, Entry, Kind

_AT_ONCE = 1_000
"""Entries of one answer while somebody follows."""


@click.command(epilog="Example: flare-mock ctl calls --command 'submit_*'")
@click.option("--command", help="A glob on the name.")
@click.option("--user", help="A glob.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many.")
@asks
def calls(session: Session, command: str | None, user: str | None, limit: int) -> None:
    """List the commands that came, oldest first."""
    session.show(session.server.get("calls", command=command, user=user, limit=limit), printing.calls)


@click.command(epilog="Example: flare-mock ctl transcript --kind command --kind fault --text list_jobs --follow")
@click.option("--kind", multiple=True, help=f"{', '.join(one.value for one in Kind)}; repeatable.")
@click.option("--direction", multiple=True, help=f"{', '.join(one.value for one in Direction)}; repeatable.")
@click.option("--user", help="A glob.")
@click.option("--connection", type=int, help="Only on the connection of this number.")
@click.option("--session", "mark", help="Only of the session with this mark, as `ctl sessions list --json` has it.")
@click.option("--text", help="Words that must all be in an entry.")
@click.option("--since", type=int, default=0, help="Only entries with a greater number.")
@click.option("--before", type=int, help="Only entries with a lesser number.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@asks
def transcript(session: Session, follow: bool, since: int, limit: int, mark: str | None, **wanted: Any) -> None:
    """Print the transcript, oldest first, a line an entry; with --json an object a line."""
    wanted = {name: value if value != () else None for name, value in {**wanted, "session": mark}.items()}
    if follow and wanted["before"] is not None:
        raise click.BadParameter("expected --follow or --before, but got both")
    found = session.server.get("transcript", since=since, limit=limit, **wanted)
    _print(session, found["entries"])
    if follow:
        follow_entries(session, found["last"], wanted)


def follow_entries(session: Session, last: int, wanted: dict[str, Any]) -> None:
    """Print what comes after an entry until the server ends.

    Args:
        session: the session of the command.
        last: the number of the entry.
        wanted: of the query.
    """
    for change in session.server.events("changes"):
        if change["transcript"] > last:
            # A server may end between its word that there is more and the question for it; then its words end, too.
            with contextlib.suppress(Unreachable):
                entries, last = _after(session, last, wanted)
                _print(session, entries)


def _after(session: Session, last: int, wanted: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """All entries after one, and the number of the newest: an answer has the newest alone where many came at once."""
    found = session.server.get("transcript", since=last, limit=_AT_ONCE, **wanted)
    entries: list[dict[str, Any]] = found["entries"]
    part = entries
    while len(part) == _AT_ONCE:
        wanted = {**wanted, "before": part[0]["number"]}
        part = session.server.get("transcript", since=last, limit=_AT_ONCE, **wanted)["entries"]
        entries = part + entries
    return entries, found["last"]


def _print(session: Session, entries: Sequence[dict[str, Any]]) -> None:
    for entry in entries:
        click.echo(json.dumps(entry) if session.as_json else str(Entry.from_json(entry)))


@click.command(epilog="Example: flare-mock ctl openapi > control.json")
@asks
def openapi(session: Session) -> None:
    """Print the OpenAPI document of the control API."""
    with session.server.open("GET", "openapi.json") as answer:
        click.echo(answer.read(4 * MIB).decode("utf-8"))


COMMANDS = (calls, transcript, openapi)
