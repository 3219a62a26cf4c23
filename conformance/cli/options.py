"""What the commands of ``flare-conformance`` share: errors, exit codes, and what their options mean."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from conformance import runner
from conformance.adapters.base import ClientFailure
from conformance.contract import RELEASES
from conformance.peers import PeerUnavailable

COULD_NOT_RUN = 2

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
        except KeyboardInterrupt:
            click.echo("flare-conformance: interrupted", err=True)
            sys.exit(COULD_NOT_RUN)

    return wrapper  # type: ignore[return-value] # same signature


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
