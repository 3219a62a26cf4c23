"""Commands about what goes wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from mock_server.ctl import printing
from mock_server.ctl.options import Group, Session, asks


@click.group(cls=Group)
def faults() -> None:
    """What goes wrong on purpose."""


@faults.command("list", epilog="Example: flare-mock ctl faults list")
@asks
def list_faults(session: Session) -> None:
    """List the faults in force, and how often each struck."""
    session.show(session.server.get("faults"), printing.faults)


@faults.command("kinds", epilog="Example: flare-mock ctl faults kinds")
@asks
def list_kinds(session: Session) -> None:
    """List what can go wrong, with the fields of each."""
    session.show(session.server.get("fault-kinds"), printing.kinds)


@faults.command("inject", epilog="Example: flare-mock ctl faults inject delay seconds=2s --command list_jobs --times 3")
@click.argument("kind")
@click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]...")
@click.option("--command", help="A glob on the name of the command.")
@click.option("--at", help="connect, command, upload or download.")
@click.option("--direction", help="request: before the server acts; answer: after.")
@click.option("--user", help="A glob on the user.")
@click.option("--session", "session_number", type=int, help="Only the session of this number.")
@click.option("--file", help="A glob on the file of a download.")
@click.option("--nth", type=int, help="Only the n-th moment that fits.")
@click.option("--from-nth", type=int, help="The n-th moment that fits, and all after it.")
@click.option("--times", type=int, help="At most so often.")
@click.option("--probability", type=float, help="Only in this share of the moments.")
@click.option("--seed", type=int, help="Makes the same draws again.")
@asks
def inject(session: Session, kind: str, fields: Sequence[str], session_number: int | None, **when: Any) -> None:
    """Put a fault in force: its kind and fields, and when it strikes. See `kinds`.

    Values are JSON where they can be read so, and text otherwise.
    """
    given = {name: value for name, value in {**when, "session": session_number}.items() if value is not None}
    action = {"kind": kind, **dict(_field(text) for text in fields)}
    answer = session.server.ask("POST", "faults", {"action": action, **given})
    session.show(answer, lambda one: printing.faults([one]))


def _field(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"expected FIELD=VALUE, but got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@faults.command("pause", epilog="Example: flare-mock ctl faults pause 1")
@click.argument("number", type=int)
@asks
def pause(session: Session, number: int) -> None:
    """Have a fault let everything pass for now."""
    _change(session, number, True)


@faults.command("resume", epilog="Example: flare-mock ctl faults resume 1")
@click.argument("number", type=int)
@asks
def resume(session: Session, number: int) -> None:
    """Have a paused fault go on."""
    _change(session, number, False)


def _change(session: Session, number: int, paused: bool) -> None:
    answer = session.server.ask("PATCH", f"faults/{number}", {"paused": paused})
    session.show(answer, lambda one: printing.faults([one]))


@faults.command("wait", epilog="Example: flare-mock ctl faults wait 1 --times 3 --timeout 30s")
@click.argument("number", type=int)
@click.option("--times", type=click.IntRange(min=1), default=1, show_default=True, help="How often it is to strike.")
@click.option("--timeout", default="10s", show_default=True, help="Of this machine's time.")
@asks
def wait_for_fault(session: Session, number: int, times: int, timeout: str) -> None:
    """Wait until a fault has struck."""
    body = {"times": times, "timeout": timeout}
    answer = session.server.ask("POST", f"faults/{number}/wait", body, seconds=None)
    session.show(answer, lambda one: printing.faults([one]))


@faults.command("clear", epilog="Example: flare-mock ctl faults clear 1")
@click.argument("number", type=int, required=False)
@asks
def clear(session: Session, number: int | None) -> None:
    """End a fault, or all of them, those of the scenario among them."""
    path = "faults" if number is None else f"faults/{number}"
    session.show(session.server.ask("DELETE", path), lambda answer: f"faults that are over: {answer['cleared']}")


COMMANDS = (faults,)
