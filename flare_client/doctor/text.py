"""A report in words, for people at a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from flare_client.doctor.findings import Finding, Report, Verdict

_MARKS = {Verdict.OK: "ok", Verdict.WARNING: "WARNING", Verdict.ERROR: "ERROR", Verdict.SKIPPED: "skipped"}
_WIDTH = max(len(mark) for mark in _MARKS.values())


def lines(report: Report) -> Iterator[tuple[str, Verdict | None]]:
    """The lines of a report, each with the verdict that it tells of.

    Args:
        report: what was found.
    """
    yield f"Startup kit {report.kit}", None
    names = max(len(one.check) for one in report.findings)
    for _, alike in itertools.groupby(report.findings, _reason):
        first, *others = alike
        if others:
            skipped = ", ".join(one.check for one in (first, *others))
            yield f"  {_MARKS[Verdict.SKIPPED]:<{_WIDTH}}  {skipped}: {first.outcome.text}", Verdict.SKIPPED
        else:
            yield from ((line, first.outcome.verdict) for line in _told(first, names))
    yield summary(report), None


def _reason(finding: Finding) -> str:
    """Why a check was skipped, without the words of its own; those that were made have one each."""
    is_skipped = finding.outcome.verdict is Verdict.SKIPPED and not finding.outcome.remedy
    return finding.outcome.text if is_skipped else finding.check


def _told(finding: Finding, names: int) -> Iterator[str]:
    outcome = finding.outcome
    yield f"  {_MARKS[outcome.verdict]:<{_WIDTH}}  {finding.check:<{names}}  {outcome.text}"
    if outcome.remedy:
        yield f"  {'':<{_WIDTH}}  {'':<{names}}  -> {outcome.remedy}"


def summary(report: Report) -> str:
    """What it amounts to, in one line."""
    errors, warnings = len(report.of(Verdict.ERROR)), len(report.of(Verdict.WARNING))
    if errors:
        return f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    unable = [one.check for one in report.findings if one.outcome.unable]
    if unable:
        return f"Nothing wrong was found, but this machine lacks what it takes to look at {', '.join(unable)}."
    rest = f" ({_count(warnings, 'warning')})" if warnings else ""
    asked = any(one.check == "login" and one.outcome.verdict is not Verdict.SKIPPED for one in report.findings)
    return f"Nothing is wrong{rest}." if asked else f"Nothing wrong was found{rest}; no login was tried."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
