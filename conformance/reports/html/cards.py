"""One contract of a run as a part of the page: a line to scan, and below it all that there is to know."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable
from urllib.parse import quote

from conformance.reports.described import Described
from conformance.reports.html.markup import Markup, join, tag
from conformance.reports.html.wire import transcript
from conformance.reports.redaction import without_keys
from conformance.reports.rerun import rerun_command
from conformance.reports.text import visible
from conformance.results import Result, RunRecord, Verdict

SIGNS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.SKIPPED: "»",
    Verdict.INCONCLUSIVE: "?",
    Verdict.EXPECTED_FAILURE: "≈",
    Verdict.UNEXPECTED_PASS: "!",
}
"""A verdict must be told without its colour."""


@dataclasses.dataclass(frozen=True)
class Beside:
    """What another run says of the same contract.

    Attributes:
        result: its result; ``None`` where that run does not have the contract.
    """

    result: Result | None


def anchor(contract_id: str) -> str:
    """The link to a contract on the page."""
    return f"#{quote(visible(contract_id), safe='')}"


def chip(verdict: Verdict) -> Markup:
    """A verdict as a coloured word with a sign."""
    return tag(
        "span", tag("span", SIGNS[verdict], aria_hidden="true"), f" {verdict.value}", class_=f"chip {verdict.value}"
    )


def command(words: Iterable[str]) -> Markup:
    """A command for a shell, which is not broken within a word where lines end."""
    spans = [tag("span", shlex.quote(word), class_="word") for word in words]
    return tag("code", spans[:1], ((" ", span) for span in spans[1:]))


def card(record: RunRecord, result: Result, described: Described, beside: Beside | None = None) -> Markup:
    """A contract of a run.

    Args:
        record: the run.
        result: what came of the contract.
        described: what the catalogue says of it.
        beside: what another run says of it, where two are compared.
    """
    differs = beside is not None and (beside.result is None or beside.result.verdict is not result.verdict)
    words = " ".join((result.contract, described.title, described.statement, result.message)).lower()
    return tag(
        "details",
        tag("summary", _line(result, described, beside if differs else None)),
        tag("div", _body(record, result, described, beside), class_="body"),
        class_=f"contract {result.verdict.value}",
        id=result.contract,
        open=result.is_bad,
        data_verdict=result.verdict.value,
        data_group=result.group,
        data_level=described.level,
        data_differs="" if differs else None,
        data_text=without_keys(words),
    )


def _line(result: Result, described: Described, other: Beside | None) -> Markup:
    was = None
    if other is not None:
        verdict = "absent" if other.result is None else other.result.verdict.value
        was = tag("span", f"beside: {verdict}", class_="was")
    return join(
        chip(result.verdict),
        tag("span", result.contract, class_="id"),
        tag("span", described.title, class_="title"),
        was,
        None if result.counts else tag("span", "does not count", class_="remark"),
        tag("span", described.level, class_="level"),
        tag("span", f"{result.seconds:.2f} s", class_="seconds"),
    )


def _body(record: RunRecord, result: Result, described: Described, beside: Beside | None) -> Markup:
    again = rerun_command(record, result.contract)
    needs = tag("p", f"Needs {', '.join(described.needs)}.", class_="quiet") if described.needs else None
    return join(
        tag("p", described.statement, class_="statement"),
        tag("ul", (tag("li", line) for line in described.sources), class_="sources") if described.sources else None,
        needs,
        _outcomes(result, beside),
        _again(again) if again is not None else None,
        tag("p", tag("a", f"link to {result.contract}", href=anchor(result.contract)), class_="quiet link"),
    )


def _again(words: tuple[str, ...]) -> Markup:
    line = shlex.join(words)
    return join(
        tag("h4", "Run it again"),
        tag(
            "div",
            tag("pre", command(words)),
            tag("button", "Copy", type="button", hidden=True, data_copy=line, aria_label="Copy the command"),
            class_="command",
        ),
    )


def _outcomes(result: Result, beside: Beside | None) -> Markup:
    """What came of it; that of another run in a second column."""
    if beside is None:
        return join(_outcome(result), _wire(result, is_open=False))
    this = tag("section", tag("h4", "This run"), chip(result.verdict), _outcome(result), _wire(result, is_open=False))
    if beside.result is None:
        other = join(tag("p", "This run does not have the contract.", class_="quiet"))
    else:
        other = join(chip(beside.result.verdict), _outcome(beside.result), _wire(beside.result, is_open=False))
    return tag("div", this, tag("section", tag("h4", "The run beside it"), other), class_="pair")


def _outcome(result: Result) -> Markup:
    claims = [("Expected", "expected", result.expected), ("Observed", "observed", result.observed)]
    boxes = [
        tag("div", tag("h4", name), tag("pre", without_keys(said)), class_=f"claim {kind}")
        for name, kind, said in claims
        if said is not None
    ]
    message = None
    if result.message and (not boxes or result.verdict is not Verdict.FAILED):
        message = join(tag("h4", "Reason"), tag("pre", without_keys(result.message)))
    script = None
    if result.script:
        lines = "\n".join(map(without_keys, result.script))
        script = join(tag("h4", "The shortest script that shows it"), tag("pre", tag("code", lines)))
    return join(tag("div", boxes, class_="claims") if boxes else None, message, script)


def _wire(result: Result, *, is_open: bool) -> Markup:
    if not result.transcript:
        return tag("p", "No transcript of the wire was recorded.", class_="quiet")
    number = len(result.transcript)
    return tag(
        "details",
        tag("summary", f"What was said on the wire: {number} {'entry' if number == 1 else 'entries'}"),
        transcript(result.transcript),
        class_="transcript",
        open=is_open,
    )
