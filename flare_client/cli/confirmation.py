"""Asking before something is stopped or lost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from flare_client.cli.exits import CommandFailed, ExitCode, Failure
from flare_client.cli.settings import settings
from flare_client.cli.terminal import is_terminal

_Function = TypeVar("_Function", bound=Callable[..., Any])


def yes_option(function: _Function) -> _Function:
    """Give a command the option that answers the question beforehand."""
    return click.option("--yes", "-y", is_flag=True, help="Do it without asking.")(function)


def confirm(what: str, *, yes: bool) -> None:
    """Ask whether to go on.

    Args:
        what: would be done, as the beginning of a sentence.
        yes: whether that is answered already.

    Raises:
        CommandFailed: no, or there is nobody to ask.
    """
    if yes:
        return
    if settings().as_json or not is_terminal(sys.stdin):
        raise CommandFailed(
            Failure(
                ExitCode.USAGE,
                "not_confirmed",
                f"{what}: expected --yes, since there is nobody to ask",
                "With --json, or where standard input is no terminal, nothing is asked.",
            )
        )
    if not click.confirm(f"{what}?", err=True):
        raise CommandFailed(Failure(ExitCode.REFUSED, "not_confirmed", "nothing was done"))
