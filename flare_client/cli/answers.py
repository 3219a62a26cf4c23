"""The one way to print: answers to programs as documents of JSON, to people as words and tables.

What was asked for goes to standard output and nothing else does: progress, questions and errors go to standard error.
A document is one line. ``output.schema.json`` says what documents look like.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from flare_client.cli.exits import Failure
from flare_client.cli.settings import settings
from flare_client.cli.terminal import is_terminal

VERSION = 1
"""Of the documents; a change that breaks readers counts it up."""
_WIDE = 10_000


def command_name() -> str:
    """The words of the command that runs, as ``jobs list``."""
    context = click.get_current_context()
    words: list[str] = []
    while context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(words)


def document(status: str, command: str, **content: Any) -> str:
    """One document, as a line."""
    return json.dumps({"version": VERSION, "command": command, "status": status, **content}, ensure_ascii=False)


def answer(result: dict[str, Any], show: Callable[[], None]) -> None:
    """Answer what was asked for.

    Args:
        result: the answer for programs.
        show: prints it for people.
    """
    if settings().as_json:
        click.echo(document("ok", command_name(), result=result))
    else:
        show()


def tell(event: str, content: dict[str, Any], text: str) -> None:
    """Tell of something on the way to the answer: a line.

    Args:
        event: what kind of thing it is.
        content: what there is to say, for programs.
        text: the same for people.
    """
    if settings().as_json:
        click.echo(document("event", command_name(), event=event, **content))
    else:
        click.echo(text)


def complain(failure: Failure, command: str, *, as_json: bool) -> None:
    """Say why a command failed.

    Args:
        failure: the reason.
        command: the words of the command, as far as it is known.
        as_json: whether a program reads it.
    """
    if as_json:
        error = {"kind": failure.kind, "message": failure.message, "exit_code": int(failure.code)}
        if failure.hint:
            error["hint"] = failure.hint
        known = {} if failure.result is None else {"result": failure.result}
        click.echo(document("error", command, error=error, **known))
        return
    click.echo(f"flare: {failure.message}", err=True)
    if failure.hint:
        click.echo(f"  {failure.hint}", err=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: drawn at a terminal, otherwise lines whose columns are aligned and never cut.

    Args:
        columns: their names.
        rows: the cells.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if is_terminal(sys.stdout):
        _draw(columns, cells)
        return
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print what things are, a line each."""
    known = list(pairs)
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        click.echo(f"{name:<{width}}  {value}")


def _draw(columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only a terminal needs it, and programs should not wait for it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from flare_client.cli.words import status_style  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in cells:
        table.add_row(*(Text(cell, style=status_style(cell)) for cell in row))
    console = Console()
    # Where a row is wider than the terminal, the terminal breaks it: what is in it can still be copied.
    console.width = max(console.width, console.measure(table, options=console.options.update_width(_WIDE)).maximum)
    console.print(table)
