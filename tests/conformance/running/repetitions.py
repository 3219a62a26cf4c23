"""``make seeds``: one seed, several runs; exit code 0 if all of them have the same verdicts and the same scripts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click


def _run(words: list[str], folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    command = [sys.executable, "-m", "conformance.cli", "run", *words, "--scripts", "--json", str(report)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise click.ClickException(done.stderr)
    results = json.loads(report.read_text())["results"]
    return {one["contract"]: (one["verdict"], one["script"]) for one in results}


def differences(first: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What differs between two runs, a line a contract."""
    found = []
    for name in sorted({*first, *other}):
        one, two = first.get(name), other.get(name)
        if one != two:
            verdicts = " and ".join(str(each[0]) if each else "not run" for each in (one, two))
            found.append(f"{name}: {verdicts}" + ("" if one and two and one[0] != two[0] else ", other scripts"))
    return found


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--times", type=click.IntRange(2), default=10, show_default=True, help="How many runs.")
@click.option("--seed", type=int, default=1, show_default=True, help="The seed of all of them.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def main(times: int, seed: int, words: tuple[str, ...]) -> None:
    """Run `flare-conformance run WORDS` several times with one seed, every other time with one worker alone."""
    arguments = [*(words or ("--client", "flare_client", "--profile", "quick")), "--seed", str(seed)]
    with tempfile.TemporaryDirectory(prefix="flare-seeds-") as folder:
        first = _run(arguments, Path(folder))
        same = True
        for number in range(2, times + 1):
            found = differences(first, _run([*arguments, "--workers", str(1 + number % 2 * 2)], Path(folder)))
            same = same and not found
            click.echo(f"run {number} of {times}: {'the same' if not found else '; '.join(found)}")
    click.echo(f"{len(first)} contracts, {times} runs with seed {seed}: {'all the same' if same else 'NOT the same'}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
