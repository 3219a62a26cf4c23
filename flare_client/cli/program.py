"""The program as a whole: every way in which a command can end becomes an exit code, and words without a traceback."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import click

from flare_client.cli.answers import complain
from flare_client.cli.exits import CommandFailed, ExitCode, Failure, failure_of
from flare_client.cli.lazy import LazyGroup
from flare_client.cli.settings import Settings
from flare_client.cli.terminal import is_terminal

_JSON = "--json"
_DEBUG = "--debug"
_HELP_ALONE: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What a group without a command comes to: its help, as an error. Before click 8.2 it was none."""
_INTERRUPTED = Failure(ExitCode.INTERRUPTED, "interrupted", "interrupted")
_TERMINATED = Failure(ExitCode.TERMINATED, "terminated", "terminated")


class Terminated(BaseException):
    """Somebody asks the process to end: what is half is removed on the way out, as after Ctrl-C."""


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
            with _leaving_when_asked():
                # What click returns is the exit code of --help and --version, and nothing else here.
                code = super().main(words, prog_name or "flare", **extra)
        except _HELP_ALONE as problem:
            problem.show()
            code = ExitCode.USAGE
        except (Exception, KeyboardInterrupt, Terminated) as problem:  # noqa: BLE001 - the end: all become words
            failure = _failure(problem)
            if _DEBUG in words and not isinstance(problem, (click.ClickException, CommandFailed)):
                traceback.print_exception(problem)
            _say(failure, _command(self, words), as_json=_JSON in words)
            code = failure.code
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command whose words are read."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # click would write to standard error, which has nothing where a program reads.
            if is_terminal(sys.stderr):
                click.echo(err=True)
            raise CommandFailed(_INTERRUPTED) from None


@contextlib.contextmanager
def _leaving_when_asked() -> Iterator[None]:
    """Have SIGTERM end what runs as Ctrl-C does."""

    def leave(*_: object) -> None:
        # ``timeout`` of the shell sends it twice: the second one must not end what removes what is half.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield  # who called has a way of its own
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except Terminated:
        raise
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _say(failure: Failure, command: str, *, as_json: bool) -> None:
    """Complain, at standard error where standard output takes nothing more."""
    try:
        complain(failure, command, as_json=as_json)
    except BrokenPipeError:
        pass  # who read it has gone, and the exit code says the rest
    except OSError:
        with contextlib.suppress(OSError):
            complain(failure, command, as_json=False)


def _failure(problem: BaseException) -> Failure:
    if isinstance(problem, click.UsageError):
        hint = f"`{problem.ctx.command_path} --help` says what there is." if problem.ctx else ""
        return Failure(ExitCode.USAGE, "usage", problem.format_message(), hint)
    if isinstance(problem, click.ClickException):
        return Failure(ExitCode.USAGE, "usage", problem.format_message())
    if isinstance(problem, (click.Abort, KeyboardInterrupt)):
        return _INTERRUPTED
    if isinstance(problem, Terminated):
        return _TERMINATED
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
