"""``docs/compatibility.md``: which client worked with which server, by release, as the lab found it.

Owns: the record beside it (``compatibility.json``, one entry a release, so that a release is run again without losing
the others) and the page that is made from it. Must not know how anything is run.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PAGE = "compatibility.md"
_RECORD = "compatibility.json"
_SHOWN_FAILURES = 12
_COLUMNS = "| nvflare | client | server | what | passed | failed | skipped | inconclusive |"

_HEAD = """# Compatibility

Which clients were run against which servers, release by release. Written by `make lab RELEASE=<version>`; do not edit.

"Script" is one sequence of calls, the main path and what goes wrong on it, made by each client on each server. What the
official client saw on the official server is the expectation; a step passes where the others saw the same, apart from
ids and times. "Contracts" are those of `flare-conformance list`; those that need control over a server are skipped on
an official one.
"""


class RecordError(Exception):
    """The record cannot be read or written; the text says why."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one pair of client and server.

    Attributes:
        what: ``script`` or ``contracts``.
        client: the client's name and version.
        server: the server's name and version.
        passed: how many steps or contracts passed.
        failed: how many failed.
        skipped: how many did not apply.
        inconclusive: how many failed in a way that the machine's load may explain.
        failures: a line for each that failed.
    """

    what: str
    client: str
    server: str
    passed: int
    failed: int
    skipped: int
    inconclusive: int = 0
    failures: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ReleaseReport:
    """A run of the lab for one release.

    Attributes:
        version: the official version.
        date: the day of the run.
        command: what was typed.
        versions: of the software that took part, by its name.
        seconds: times that were measured on the way, by what was timed.
        outcomes: what came of each pair.
    """

    version: str
    date: str
    command: str
    versions: dict[str, str]
    seconds: dict[str, float]
    outcomes: tuple[Outcome, ...]

    @property
    def is_green(self) -> bool:
        """Whether nothing failed."""
        return not any(outcome.failed for outcome in self.outcomes)


def record(report: ReleaseReport, docs: Path) -> Path:
    """Put a report into the record in place of the release's last one, and write the page anew.

    Args:
        report: the report.
        docs: the folder of both files.

    Returns:
        The page.

    Raises:
        RecordError: the record is damaged, or the folder cannot be written.
    """
    path = docs / _RECORD
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        entries[report.version] = dataclasses.asdict(report)
        ordered = dict(sorted(entries.items(), key=lambda item: [int(part) for part in item[0].split(".")]))
        reports = [_report(entry) for entry in ordered.values()]
        _write(path, json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
        _write(docs / _PAGE, render(reports))
    except OSError as problem:
        raise RecordError(f"{path}: {problem.strerror}") from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RecordError(f"{path}: expected reports by version, but {type(problem).__name__}: {problem}") from problem
    return docs / _PAGE


def render(reports: Iterable[ReleaseReport]) -> str:
    """Return the page of these reports."""
    reports = list(reports)
    lines = [_HEAD, _COLUMNS, "|---|---|---|---|--:|--:|--:|--:|"]
    for report in reports:
        lines += [_row(report.version, one) for one in report.outcomes]
    for report in reports:
        lines += ["", *_section(report)]
    return "\n".join(lines) + "\n"


def _row(version: str, one: Outcome) -> str:
    cells = (version, one.client, one.server, one.what, one.passed, one.failed, one.skipped, one.inconclusive)
    return f"| {' | '.join(map(str, cells))} |"


def _section(report: ReleaseReport) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    lines = [f"## nvflare {report.version}", "", f"{report.date}, `{report.command}`, with {versions}."]
    if report.seconds:
        times = "; ".join(f"{what}: {seconds:.1f} s" for what, seconds in report.seconds.items())
        lines += ["", f"Times: {times}."]
    for one in report.outcomes:
        if one.failures:
            shown = [f"- {failure}" for failure in one.failures[:_SHOWN_FAILURES]]
            more = len(one.failures) - len(shown)
            lines += ["", f"{one.what}, {one.client} on {one.server}:", "", *shown]
            lines += [f"- and {more} more, in `{_RECORD}`"] if more > 0 else []
    return lines


def _report(entry: dict[str, Any]) -> ReleaseReport:
    outcomes = tuple(Outcome(**{**one, "failures": tuple(one["failures"])}) for one in entry["outcomes"])
    return ReleaseReport(**{**entry, "outcomes": outcomes})


def _write(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
