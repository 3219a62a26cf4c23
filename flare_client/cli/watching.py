"""How far uploads and downloads have come: a bar at a terminal, otherwise a line once a file is whole.

It goes to standard error. Programs that read JSON are told nothing of it.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from flare_client import Session, Transferred
from flare_client.cli.settings import settings
from flare_client.cli.terminal import is_terminal
from flare_client.cli.words import seconds_text, size_text

if TYPE_CHECKING:
    from rich.progress import TaskID


@contextlib.contextmanager
def watched(session: Session, doing: str, done: str) -> Iterator[None]:
    """Show how far the files have come that a session moves meanwhile.

    Args:
        session: moves them.
        doing: what it does with them, as ``sending``.
        done: what it did with those that are whole, as ``sent``.
    """
    if settings().as_json:
        yield
        return
    with _bars(session, doing) if is_terminal(sys.stderr) else _lines(session, done):
        yield


@contextlib.contextmanager
def _lines(session: Session, done: str) -> Iterator[None]:
    begun: dict[str, float] = {}
    told: set[str] = set()

    def progress(file: Transferred) -> None:
        since = begun.setdefault(file.name, time.monotonic())
        if file.is_whole and file.name not in told:
            told.add(file.name)
            click.echo(
                f"{done} {file.name}: {size_text(file.done)} in {seconds_text(time.monotonic() - since)}", err=True
            )

    session.progress = progress
    try:
        yield
    finally:
        session.progress = None


@contextlib.contextmanager
def _bars(session: Session, doing: str) -> Iterator[None]:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    tasks: dict[str, TaskID] = {}
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as bars:

        def progress(file: Transferred) -> None:
            if file.name not in tasks:
                tasks[file.name] = bars.add_task(f"{doing} {file.name}", total=file.total)
            bars.update(tasks[file.name], completed=file.done, total=file.total)

        session.progress = progress
        try:
            yield
        finally:
            session.progress = None
