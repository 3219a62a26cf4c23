"""``python -m tests.fuzz.run``: every target under atheris for some time, one after the other, with progress.

What was learned is kept under ``out/fuzz/corpus``, so that the next run goes on from there; what is found is saved
under ``out/fuzz/findings``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

import click

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

OUT = Path("out/fuzz")
_LONGEST = 1 << 14
"""Bytes of an input."""
_MIB_OF_MEMORY = 2048
_SECONDS_OF_ONE_INPUT = 30
_REPORT_SECONDS = 30.0
_PROGRESS = re.compile(r"#(\d+)\s.*?cov: (\d+).*?corp: (\d+).*?exec/s: (\d+)")


def _plant(target: Target, folder: Path) -> None:
    """Write the seeds and the committed corpus where libFuzzer looks."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in (*target.seeds(), *(path.read_bytes() for path in target.corpus())):
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def _fuzz(target: Target, seconds: int) -> list[Path]:
    """Run one target and return the files of what it found."""
    corpus, findings = OUT / "corpus" / target.name, OUT / "findings" / target.name
    _plant(target, corpus)
    findings.mkdir(parents=True, exist_ok=True)
    began = time.time()
    options = {
        "max_total_time": seconds,
        "max_len": _LONGEST,
        "timeout": _SECONDS_OF_ONE_INPUT,
        "rss_limit_mb": _MIB_OF_MEMORY,
        "artifact_prefix": f"{findings}/",
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.guided", target.name, str(corpus)]
    command += [f"-{name}={value}" for name, value in options.items()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        words = _follow(target, run)
    # By time, not by name: what was found before and is not mended yet is written again under its old name.
    found = sorted(path for path in findings.iterdir() if path.stat().st_mtime >= began - 1)
    if run.returncode and not found:
        raise click.ClickException(f"the fuzzer of {target.name} failed with code {run.returncode}:\n{words}")
    if found:
        click.echo(words)
    return found


def _follow(target: Target, run: subprocess.Popen[str]) -> str:
    """Show progress now and then, and return the last words."""
    last: list[str] = []
    told, seen = time.monotonic(), None
    for line in run.stdout or ():
        progress = _PROGRESS.search(line)
        if progress is None:
            last = [*last[-40:], line]
            continue
        seen = progress
        if time.monotonic() - told >= _REPORT_SECONDS:
            told = time.monotonic()
            _tell(target, seen)
    if seen is not None:
        _tell(target, seen)
    return "".join(last)


def _tell(target: Target, progress: re.Match[str]) -> None:
    inputs, branches, kept, rate = map(int, progress.groups())
    click.echo(f"{target.name}: {inputs:,} inputs, {branches:,} branches, {kept:,} kept, {rate:,} a second")


@click.command(epilog="Example: python -m tests.fuzz.run --target fobs --seconds 60")
@click.option("--target", "names", multiple=True, type=click.Choice(sorted(TARGETS)), metavar="NAME", help="Only this.")
@click.option("--seconds", default=600, show_default=True, type=click.IntRange(min=1), help="Time of each target.")
def main(names: tuple[str, ...], seconds: int) -> None:
    """Run the fuzz targets, guided by coverage; `python -m tests.fuzz` lists them.

    Exit code 0: nothing was found; 1: something was, and its file is named.
    """
    if importlib.util.find_spec("atheris") is None:
        raise click.ClickException("atheris is missing: pip install 'flare-conformance[fuzz]', or `make fuzz`")
    found: dict[str, list[Path]] = {}
    chosen = [TARGETS[name] for name in names or TARGETS]
    for number, target in enumerate(chosen, 1):
        click.echo(f"[{number}/{len(chosen)}] {target.name}, {seconds} s: {target.laws}")
        found[target.name] = _fuzz(target, seconds)
    for name, files in found.items():
        for file in files:
            click.echo(f"FOUND {file}\n  replay: python -m tests.fuzz {name} {file}")
            click.echo(f"  keep it for `make test` once it is mended: cp {file} tests/fuzz/corpus/{name}/")
    count = sum(map(len, found.values()))
    click.echo(f"{len(chosen)} targets, {count} findings")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main(prog_name="python -m tests.fuzz.run")
