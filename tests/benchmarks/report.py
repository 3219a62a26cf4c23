"""The report of a run: lines for the terminal and the page ``docs/performance.md``. Knows nothing of measuring."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import os
import platform
import ssl
from collections.abc import Mapping, Sequence

from tests.benchmarks.figures import Figure, Verdict, all_kept

_PACKAGES = ("cryptography", "msgpack", "pydantic")
_ROW = "| {} | {} | {} | {} | {} |"


@dataclasses.dataclass(frozen=True)
class Circumstances:
    """When, how and on what the figures were measured; a table of name and value."""

    rows: Mapping[str, str]


def circumstances(command: str, official_version: str, now: datetime.datetime) -> Circumstances:
    """Describe this machine and this run.

    Args:
        command: what was typed.
        official_version: the official release, or releases, measured beside ours.
        now: the time, with a zone.
    """
    versions = [f"{name} {_version(name)}" for name in ("flare-conformance", *_PACKAGES)]
    return Circumstances(
        {
            "command": f"`{command}`",
            "date": now.strftime("%Y-%m-%d %H:%M %Z"),
            "versions": f"{', '.join(versions)}, {ssl.OPENSSL_VERSION}; official: nvflare {official_version}",
            "machine": f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, "
            f"{platform.python_implementation()} {platform.python_version()}",
        }
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def terminal_line(figure: Figure) -> str:
    """One figure for the terminal."""
    bound = f"  (bound {figure.bound_text})" if figure.bound else ""
    verdict = "" if figure.verdict is Verdict.NO_BOUND else f"{figure.verdict.value}: "
    return f"  {verdict}{figure.name}: {figure.measured_text}{bound}" + (
        f"\n      {figure.detail}" if figure.detail else ""
    )


def page(
    figures: Mapping[str, Sequence[Figure]], rows: Circumstances, notes: Mapping[str, str], title: str = "Performance"
) -> str:
    """The page, in Markdown.

    Args:
        figures: the figures of each benchmark.
        rows: when, how and on what they were measured.
        notes: how each benchmark measures, in a paragraph.
        title: of the page.
    """
    missed = [one for group in figures.values() for one in group if not all_kept([one])]
    lines = [
        f"# {title}",
        "",
        "Written by the command below; do not edit. Each ratio is of one run on one machine, taken in turn.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {_cell(value)} |" for name, value in rows.rows.items()),
        "",
        "Every bound is kept." if not missed else f"Not kept, or not measured: {len(missed)}.",
    ]
    for name, group in figures.items():
        lines += ["", f"## {name}", "", notes[name], "", _ROW.format("figure", "measured", "bound", "verdict", "runs")]
        lines += [_ROW.format(*["---"] * 5), *(_row(figure) for figure in group)]
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> str:
    verdict = figure.verdict.value
    if figure.verdict in (Verdict.MISSED, Verdict.NOT_MEASURED):
        verdict = f"**{verdict}**"
    texts = (figure.name, figure.measured_text, figure.bound_text, verdict, figure.detail)
    return _ROW.format(*map(_cell, texts))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
