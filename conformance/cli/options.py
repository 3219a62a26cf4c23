"""What the commands of ``flare-conformance`` share: errors, exit codes, and what their options mean."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from conformance import runner
from conformance.adapters.base import Adapter, ClientFailure
from conformance.adapters.inprocess import InProcessAdapter
from conformance.adapters.stdio import StdioAdapter
from conformance.contract import RELEASES
from conformance.peers import PeerUnavailable, environment
from conformance.targets import KitTarget, MockTarget, Target

COULD_NOT_RUN = 2
OFFICIAL = "official:"

_PROGRAM = Path(__file__).parent.parent / "adapters" / "nvflare_program.py"

_F = TypeVar("_F", bound=Callable[..., Any])


def errors_end_the_run(function: _F) -> _F:
    """Bad input and a run that cannot be carried out are one line and exit code 2."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (ValueError, OSError, PeerUnavailable, runner.HarnessError, ClientFailure) as problem:
            click.echo(f"flare-conformance: {problem}", err=True)
            sys.exit(COULD_NOT_RUN)

    return wrapper  # type: ignore[return-value] # same signature


def make_adapter(client: str | None, command: str | None) -> Adapter:
    """The adapter that the options of ``run`` ask for.

    Raises:
        ValueError: they ask for none, or for both, or for one that is not there.
        PeerUnavailable: the official client cannot be had here.
    """
    if (client is None) == (command is None):
        raise ValueError("expected either --client or --client-command")
    if command is not None:
        return StdioAdapter(shlex.split(command), command)
    name = str(client)
    if name.startswith(OFFICIAL):
        version = name.removeprefix(OFFICIAL)
        peer = environment(version)
        return StdioAdapter([str(peer.python), str(_PROGRAM)], f"nvflare {version}")
    return InProcessAdapter(name)


def make_target(server: str, release: str, user: str, scheme: str | None = None) -> Target:
    """The target that the options of ``run`` ask for.

    Raises:
        ValueError: they ask for one that is not there.
    """
    if server == "mock":
        return MockTarget(release, scheme)
    kind, _, path = server.partition(":")
    if kind != "kit" or not path:
        raise ValueError(f"expected --server mock or kit:DIR, but got {server!r}")
    return KitTarget(Path(path), user, release)


def words_of(context: click.Context) -> tuple[str, ...]:
    """The words that call a command again, its name first; options that have their default are left out."""
    words = [str(context.command.name)]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        name = parameter.opts[-1]
        if value is None or value == parameter.get_default(context):
            continue
        if isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(name if value else parameter.secondary_opts[-1])
        else:
            words += [f"{name}={element}" for element in (value if parameter.multiple else [value])]
    return tuple(words)


class ReportFile(click.Path):
    """A file for a report: its folder must exist before a run begins that would be lost without it."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the folder."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"expected a folder for {path.name} at {path.parent}, but there is none", param, ctx)
        return path


def release_line(release: str | None) -> str | None:
    """A release line; a version of it is one, too."""
    if release is None:
        return None
    line = ".".join(release.split(".")[:2])
    if line not in RELEASES:
        raise ValueError(f"unknown release {release!r}: expected one of {', '.join(RELEASES)}")
    return line
