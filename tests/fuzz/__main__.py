"""``python -m tests.fuzz``: list the targets, or give files to one of them."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import click

from tests.fuzz.target import try_one
from tests.fuzz.targets import TARGETS


@click.command(epilog="Example: python -m tests.fuzz fobs out/fuzz/findings/fobs/crash-0beec7b5")
@click.argument("target", type=click.Choice(sorted(TARGETS)), metavar="[TARGET]", required=False)
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, metavar="[FILE]...")
def main(target: str | None, files: tuple[Path, ...]) -> None:
    """Give each FILE to a fuzz TARGET, and show what it finds; without arguments list the targets and their laws.

    Exit code 0: every law holds for every file; 1: one is broken. Without files a target gets its seeds and its
    corpus.
    """
    if target is None:
        width = max(map(len, TARGETS))
        for one in TARGETS.values():
            click.echo(f"{one.name:{width}}  {one.laws}")
        return
    chosen = TARGETS[target]
    inputs = {f"seed {number}": data for number, data in enumerate(chosen.seeds())} if not files else {}
    inputs |= {str(path): path.read_bytes() for path in files or chosen.corpus()}
    broken = 0
    for name, data in inputs.items():
        try:
            try_one(chosen, data)
        except Exception:  # noqa: BLE001 - whatever a codec raises is the finding
            broken += 1
            click.echo(f"{name}: {len(data)} bytes, begins with {data[:40]!r}\n{traceback.format_exc()}")
    click.echo(f"{target}: {len(inputs)} inputs, {broken} findings")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main(prog_name="python -m tests.fuzz")
