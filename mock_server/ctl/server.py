"""Commands about the server as a whole, its clock, its scenario, its kits, its sites and sessions."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mock_server.ctl import printing
from mock_server.ctl.connection import Refused
from mock_server.ctl.options import Group, Session, asks


@click.command(epilog="Example: flare-mock ctl status --workspace ./lab")
@asks
def status(session: Session) -> None:
    """How the server stands."""
    session.show(session.server.get("server"), printing.server)


@click.command(epilog="Example: flare-mock ctl page --workspace ./lab")
@asks
def page(session: Session) -> None:
    """Print the address of the page for people; it holds the token."""
    session.server.get("clock")  # is there anybody?
    token = f"#token={session.server.token}" if session.server.token else ""
    session.show({"page": f"{session.server.url}/{token}"}, lambda answer: str(answer["page"]))


@click.command(epilog="Example: flare-mock ctl reset --scenario realistic --clock virtual")
@click.option("--scenario", help="The name of a ready scenario, or a file; that of before by default.")
@click.option("--site", "sites", multiple=True, help="A site, where the scenario names none; repeatable.")
@click.option("--clock", help="real, virtual, or a speed as x100; that of before by default.")
@asks
def reset(session: Session, scenario: str | None, sites: Sequence[str], clock: str | None) -> None:
    """Start over, as if just started; also with another scenario. Ports, certificates and kits stay."""
    body: dict[str, object] = {"clock": clock, "sites": list(sites) or None}
    if scenario is not None:
        path = Path(scenario)
        if path.is_file() or path.suffix:
            body["scenario_yaml"] = _text_of(path)
        else:
            body["scenario"] = scenario
    session.show(session.server.ask("POST", "reset", body), printing.server)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise Refused(f"expected UTF-8 text in {path}, but {problem}") from None


@click.command(epilog="Example: flare-mock ctl restart")
@asks
def restart(session: Session) -> None:
    """Restart the server as a real one would: connections and sessions are gone, what ran is lost."""
    session.show(session.server.ask("POST", "restart"), printing.server)


@click.command("scenario", epilog="Example: flare-mock ctl scenario --json")
@click.option("--ready", is_flag=True, help="List the ready ones instead.")
@asks
def scenario_command(session: Session, ready: bool) -> None:
    """Print the scenario that is played; `reset --scenario` plays another one."""
    if ready:
        session.show(session.server.get("scenarios"), printing.ready)
    else:
        session.show(session.server.get("scenario")["content"], lambda content: json.dumps(content, indent=2))


@click.command(epilog="Example: flare-mock ctl authorization > authorization.json")
@asks
def authorization(session: Session) -> None:
    """Print who may do what on the server, as an authorization.json."""
    session.show(session.server.get("authorization")["content"], lambda content: json.dumps(content, indent=2))


@click.command(epilog="Example: flare-mock ctl studies --json")
@asks
def studies(session: Session) -> None:
    """List the studies, with their sites and users."""
    session.show(session.server.get("studies"), printing.studies)


# --- the clock ----------------------------------------------------------------------------------------------------


@click.group(cls=Group, invoke_without_command=False)
def clock() -> None:
    """The time of the server."""


@clock.command("show", epilog="Example: flare-mock ctl clock show")
@asks
def show_clock(session: Session) -> None:
    """What time it is, and when something happens next."""
    session.show(session.server.get("clock"), printing.clock)


@clock.command("advance", epilog="Example: flare-mock ctl clock advance 2h")
@click.argument("duration", required=False)
@click.option("--to", type=float, help="Until it is so late instead, in seconds since the epoch.")
@asks
def advance(session: Session, duration: str | None, to: float | None) -> None:
    """Move a virtual clock on; all that is due by then happens."""
    session.show(session.server.ask("POST", "clock/advance", {"by": duration, "to": to}), printing.clock)


@clock.command("next", epilog="Example: flare-mock ctl clock next")
@asks
def next_event(session: Session) -> None:
    """Move a virtual clock on to the moment at which something happens by itself."""
    session.show(session.server.ask("POST", "clock/advance", {"to_next_event": True}), printing.clock)


# --- who is there -------------------------------------------------------------------------------------------------


@click.group(cls=Group)
def sites() -> None:
    """The sites."""


@sites.command("list", epilog="Example: flare-mock ctl sites list")
@asks
def list_sites(session: Session) -> None:
    """List the sites, connected or not."""
    session.show(session.server.get("sites"), printing.sites)


def _site_command(name: str, change: dict[str, bool], what: str) -> click.Command:
    @click.argument("site")
    @asks
    def command(session: Session, site: str) -> None:
        answer = session.server.ask("PATCH", f"sites/{quoted(site)}", change)
        session.show(answer, lambda one: printing.sites([one]))

    return click.command(name, help=what, epilog=f"Example: flare-mock ctl sites {name} site-1")(command)


for made in (
    _site_command("connect", {"connected": True}, "Have a site connect."),
    _site_command("disconnect", {"connected": False}, "Have a site go away."),
    _site_command("disable", {"disabled": True}, "Keep a site out, as an admin's disable_client does."),
    _site_command("enable", {"disabled": False}, "Let a site in again."),
):
    sites.add_command(made)


@click.group(cls=Group)
def sessions() -> None:
    """The admin sessions."""


@sessions.command("list", epilog="Example: flare-mock ctl sessions list")
@asks
def list_sessions(session: Session) -> None:
    """List who is logged in."""
    session.show(session.server.get("sessions"), printing.sessions)


@sessions.command("expire", epilog="Example: flare-mock ctl sessions expire 1")
@click.argument("number", type=int, required=False)
@asks
def expire(session: Session, number: int | None) -> None:
    """End a session, or all of them, as if they had been idle for too long."""
    path = "sessions" if number is None else f"sessions/{number}"
    session.show(session.server.ask("DELETE", path), lambda answer: f"sessions that are over: {answer['expired']}")


@click.group(cls=Group)
def kits() -> None:
    """Startup kits."""


@kits.command("list", epilog="Example: flare-mock ctl kits list")
@asks
def list_kits(session: Session) -> None:
    """List the kits that were written over the control API, or with MockServer.kit."""
    session.show(session.server.get("kits"), printing.kits)


@kits.command("broken", epilog="Example: flare-mock ctl kits broken")
@asks
def list_broken_kits(session: Session) -> None:
    """List the ways in which a kit can be broken on purpose."""
    session.show(session.server.get("broken-kits"), printing.broken_kits)


@kits.command("write", epilog="Example: flare-mock ctl kits write me@nvidia.com --role lead --zip me.zip")
@click.argument("user")
@click.option("--org", default="nvidia", show_default=True)
@click.option(
    "--role",
    default="project_admin",
    show_default=True,
    help="project_admin, org_admin, lead, member, or one that the server's policy gives rights to.",
)
@click.option("--broken", help="What is wrong with it on purpose: see `flare-mock ctl kits broken`.")
@click.option("--common-name", help="Who stands in the certificate, where that is to be another than the user.")
@click.option("--not-before", type=float, help="From when the certificate holds, in seconds since the epoch.")
@click.option("--not-after", type=float, help="Until when it holds.")
@click.option("--zip", "target", type=click.Path(dir_okay=False, path_type=Path), help="Fetch it into this file, too.")
@asks
def write_kit(session: Session, user: str, target: Path | None, **how: Any) -> None:
    """Write a startup kit for a user, on the server's machine."""
    kit = session.server.ask("POST", "kits", {"name": user, **how})
    if target is not None:
        path, query = f"kits/{quoted(kit['name'])}", {"broken": kit["broken"]}
        with session.server.open("GET", path, query=query, accept="application/zip") as answer:
            target.touch(mode=0o600)
            target.chmod(0o600)  # it holds a private key
            target.write_bytes(answer.read())
    session.show(kit, lambda one: str(one["path"]))


def quoted(name: str) -> str:
    """A name as a part of a path."""
    return urllib.parse.quote(name, safe="")


COMMANDS = (status, page, reset, restart, scenario_command, authorization, studies, clock, sites, sessions, kits)
