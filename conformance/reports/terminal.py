"""A run for people at a terminal: a line a verdict as it comes, the failures in full, a table.

What a client said is printed as text, never as markup, and control characters as their escapes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.reports.described import Descriptions
from conformance.reports.redaction import without_keys
from conformance.reports.standing import Tone, by_group, by_level, standing, unjudged
from conformance.reports.text import visible
from conformance.results import Result, RunRecord, Verdict, counts

STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.EXPECTED_FAILURE: "cyan",
    Verdict.UNEXPECTED_PASS: "bold red",
}
TONES = {Tone.GOOD: "bold green", Tone.FAIR: "bold yellow", Tone.BAD: "bold red", Tone.NONE: "bold yellow"}

_ALWAYS = frozenset({Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED})
_EXPLAINED = frozenset({Verdict.FAILED, Verdict.UNEXPECTED_PASS})
_WITH_REASON = frozenset({Verdict.SKIPPED, Verdict.INCONCLUSIVE, Verdict.EXPECTED_FAILURE})


def _said(text: str) -> str:
    return visible(without_keys(text))


def print_line(console: Console, result: Result) -> None:
    """A line of progress."""
    line = Text(f"{result.verdict.value:<12}", style=STYLES[result.verdict])
    line.append(f" {visible(result.contract):<18} {result.seconds:6.2f} s", style="not bold default")
    if not result.counts:
        line.append("  does not count", style="not bold dim default")
    if result.verdict in _WITH_REASON:
        line.append(f"  {_said(result.message)}", style="not bold dim default")
    console.print(line, highlight=False, soft_wrap=True)


def print_summary(console: Console, record: RunRecord) -> None:
    """The failures with what they are held to, and a table by group and level."""
    descriptions = Descriptions()
    for result in record.results:
        if result.verdict in _EXPLAINED:
            _print_failure(console, result, descriptions)
    for contract_id, one in unjudged(record):
        line = Text(f"{visible(one.rule)} is broken during {visible(contract_id)}", style="bold yellow")
        line.append(f": expected {_said(one.expected)}, but observed {_said(one.came)}", style="not bold default")
        console.print(line, highlight=False, soft_wrap=True)
    console.print(_table(record, descriptions))
    ended = standing(record)
    console.print(Text(f"{visible(record.release)}: {ended.text}", style=TONES[ended.tone]), highlight=False)


def _print_failure(console: Console, result: Result, descriptions: Descriptions) -> None:
    described = descriptions[result.contract]
    console.rule(Text(f"{visible(result.contract)} {described.title}", style="bold red"), align="left")
    level = described.level + ("" if result.counts else "; does not count in this run")
    lines = [Text(f"{described.statement} ({level})")]
    lines += [Text(f"  {line}") for line in described.sources]
    if result.expected is None:
        lines.append(Text(_said(result.message), style="red"))
    else:
        lines.append(Text(f"expected {_said(result.expected)}", style="green"))
        lines.append(Text(f"observed {_said(result.observed or 'nothing')}", style="red"))
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    if result.script:
        console.print("the shortest script that shows it:", highlight=False)
        for step in result.script:
            console.print(Text(textwrap.indent(_said(step), "    "), style="cyan"), highlight=False, soft_wrap=True)


def _table(record: RunRecord, descriptions: Descriptions) -> Table:
    total = counts(record.results)
    columns = [verdict for verdict in Verdict if verdict in _ALWAYS or total[verdict]]
    table = Table(title=Text(visible(f"{record.client} on {record.server}")))
    table.add_column("group")
    for verdict in columns:
        table.add_column(verdict.value, justify="right", style=STYLES[verdict])
    for group, members in by_group(record.results):
        table.add_row(Text(visible(group)), *_numbers(members, columns))
    table.add_section()
    levels = by_level(record.results, descriptions)
    if len(levels) > 1:
        for level, members in levels:
            table.add_row(level, *_numbers(members, columns))
        table.add_section()
    table.add_row("all", *(str(total[verdict]) for verdict in columns))
    return table


def _numbers(members: Sequence[Result], columns: Sequence[Verdict]) -> list[str]:
    found = counts(members)
    return [str(found[verdict] or "") for verdict in columns]
