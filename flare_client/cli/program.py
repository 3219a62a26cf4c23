"""The program as a whole: every way in which a command can end becomes an exit code, and words without a traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from flare_client.cli.answers import complain
from flare_client.cli.exits import ExitCode, Failure, failure_of
from flare_client.cli.lazy import LazyGroup
from flare_client.cli.settings import Settings

_JSON = "--json"
_DEBUG = "--debug"
_HELP_ALONE: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What a group without a command comes to: its help, as an error. Before click 8.2 it was none."""


class Program(LazyGroup):
    """The group of all commands, which ends the process in the program's own way."""

    def main(  # type: ignore[override] # click's overloads tell what standalone mode returns; this always ends
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run a command, and end with its exit code.

        Args:
            args: the words of the command line; those of the process by default.
            prog_name: what the program is called.
            **extra: see ``click.Command.main``.
        """
        words = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        try:
            # What click returns is the exit code of --help and --version, and nothing else here.
            code = super().main(words, prog_name or "flare", **extra)
        except _HELP_ALONE as problem:
            problem.show()
            code = ExitCode.USAGE
        except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - the end of the program: all become words
            failure = _failure(problem)
            if _DEBUG in words and not isinstance(problem, click.ClickException):
                traceback.print_exception(problem)
            complain(failure, _command(self, words), as_json=_JSON in words)
            code = failure.code
        sys.exit(code if isinstance(code, int) else 0)


def _failure(problem: BaseException) -> Failure:
    if isinstance(problem, click.UsageError):
        hint = f"`{problem.ctx.command_path} --help` says what there is." if problem.ctx else ""
        return Failure(ExitCode.USAGE, "usage", problem.format_message(), hint)
    if isinstance(problem, click.ClickException):
        return Failure(ExitCode.USAGE, "usage", problem.format_message())
    if isinstance(problem, (click.Abort, KeyboardInterrupt)):
        return Failure(ExitCode.INTERRUPTED, "interrupted", "interrupted")
    if isinstance(problem, Exception):
        return failure_of(problem)
    raise problem


def _command(program: click.Group, words: Sequence[str]) -> str:
    """The words of a command line that name the command, as far as they do."""
    named: list[str] = []
    context = click.Context(program, info_name="flare", obj=Settings())
    group: click.Command = program
    for word in words:
        if not isinstance(group, click.Group):
            break
        found = group.get_command(context, word)
        if found is not None:
            named.append(word)
            group = found
    return " ".join(named)
