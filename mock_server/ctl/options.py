"""What all commands of ``ctl`` have in common: which server, how the answer is shown, how they end."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mock_server.control.settings import TOKEN_VARIABLE, URL_VARIABLE, WORKSPACE_VARIABLE
from mock_server.ctl.connection import Connection, Refused, Unreachable, find

REFUSED = 1
UNREACHABLE = 2


class Group(click.Group):
    """A group that lists its commands as they were added: what belongs together stands together."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the form is click's
        """The names of the commands."""
        return list(self.commands)


class Session:
    """A command on its way: the server that it asks, and how it shows what came.

    Args:
        server: the server.
        as_json: whether answers are shown as they came.
    """

    def __init__(self, server: Connection, as_json: bool) -> None:
        self.server = server
        self.as_json = as_json

    def show(self, answer: Any, text: Callable[[Any], str]) -> None:
        """Print an answer.

        Args:
            answer: the content.
            text: puts it into words for people.
        """
        click.echo(json.dumps(answer) if self.as_json else text(answer))


def asks(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all, and a ``Session`` as its first argument."""

    @click.option("--url", envvar=URL_VARIABLE, help=f"Where the server's control API is; or {URL_VARIABLE}.")
    @click.option("--token", envvar=TOKEN_VARIABLE, help=f"What it asks for; or {TOKEN_VARIABLE}.")
    @click.option(
        "--workspace",
        envvar=WORKSPACE_VARIABLE,
        type=click.Path(file_okay=False, path_type=Path),
        help=f"The folder that the server was started with; or {WORKSPACE_VARIABLE}.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the answer as it came.")
    @functools.wraps(function)
    def command(url: str | None, token: str | None, workspace: Path | None, as_json: bool, **words: Any) -> None:
        try:
            function(Session(find(url, token, workspace), as_json), **words)
        except Refused as problem:
            _end(problem, REFUSED)
        except (Unreachable, OSError) as problem:
            _end(problem, UNREACHABLE)
        except KeyboardInterrupt:
            sys.exit(130)

    return command


def _end(problem: Exception, code: int) -> None:
    click.echo(f"flare-mock: {problem}", err=True)
    sys.exit(code)
