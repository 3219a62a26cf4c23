"""A run as a page of HTML in one file, which needs nothing from anywhere and works from a disk.

Without its script the page is whole; the script filters and copies. A policy in its head allows that script and that
style by their hashes and nothing else: markup that slipped in could neither run nor call home.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from conformance.reports.described import Descriptions
from conformance.reports.html.cards import SIGNS, Beside, anchor, card, chip, command
from conformance.reports.html.markup import Markup, join, tag
from conformance.reports.rerun import PROGRAM
from conformance.reports.standing import by_group, by_level, standing
from conformance.results import Result, RunRecord, Verdict, counts


def write_html(path: Path, record: RunRecord, beside: RunRecord | None = None) -> None:
    """Write a run as a page.

    Args:
        path: the file.
        record: the run.
        beside: another run, to be shown side by side with it.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text(page(record, beside), encoding="utf-8")


def page(record: RunRecord, beside: RunRecord | None = None) -> str:
    """A run as a page; see ``write_html``."""
    descriptions = Descriptions()
    style, script = _resource("page.css"), _resource("page.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    ended = standing(record)
    title = f"FLARE admin API {record.release}: {record.client}: {ended.text}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the contracts", href="#contracts", class_="skip"),
        _header(record, beside, descriptions),
        tag("main", _filters(record, beside, descriptions), _contracts(record, beside, descriptions), id="contracts"),
        _footer(record),
        tag("script", Markup(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _resource(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


# --- what ran, and how it ended -----------------------------------------------------------------------------------


def _header(record: RunRecord, beside: RunRecord | None, descriptions: Descriptions) -> Markup:
    ended = standing(record)
    total = len(record.results)
    return tag(
        "header",
        tag("p", f"NVIDIA FLARE admin API {record.release} · conformance", class_="over"),
        tag("h1", tag("span", ended.text, class_=f"tone {ended.tone.value}")),
        tag(
            "p",
            tag("strong", record.client),
            " on ",
            tag("strong", record.server),
            f": {total} contract{'s' * (total != 1)} in {record.seconds:.1f} s.",
            class_="lead",
        ),
        _bar(record.results, large=True),
        _legend(record.results),
        tag(
            "div",
            _table("Groups", "group", by_group(record.results)),
            tag("div", _table("Levels", "level", by_level(record.results, descriptions)), _facts(record, beside)),
            class_="overview",
        ),
    )


def _facts(record: RunRecord, beside: RunRecord | None) -> Markup:
    facts: list[tuple[str, object]] = [("Started", record.started), ("Seed", str(record.seed))]
    if record.lag.most:
        late = f"at most {1000 * record.lag.most:.0f} ms, 99 of 100 times {1000 * record.lag.p99:.0f} ms"
        facts.append(("The machine was late by", late))
    facts += [("Versions", join(tag("span", f"{name} {version}") for name, version in record.versions.items()))]
    if record.command:
        facts.append(("Command", command((PROGRAM, *record.command))))
    if beside is not None:
        other = f"{beside.client} on {beside.server}, release {beside.release}, seed {beside.seed}, {beside.started}"
        facts.append(("Beside it", other))
    return tag("dl", (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value), class_="facts")


def _bar(results: Sequence[Result], *, large: bool = False) -> Markup:
    """The share of each verdict, as a bar. Its text says the same."""
    found = {verdict: number for verdict, number in counts(results).items() if number}
    total = sum(found.values()) or 1
    parts, at = [], 0.0
    for verdict, number in found.items():
        share = 100 * number / total
        parts.append(tag("rect", x=f"{at:.3f}%", width=f"{share:.3f}%", height="100%", class_=verdict.value))
        at += share
    label = ", ".join(f"{number} {verdict.value}" for verdict, number in found.items()) or "no contracts"
    return tag("svg", parts, class_="bar large" if large else "bar", role="img", aria_label=label)


def _legend(results: Sequence[Result]) -> Markup:
    return tag(
        "ul",
        (tag("li", chip(verdict), f" {number}") for verdict, number in counts(results).items() if number),
        class_="legend",
    )


def _table(title: str, what: str, parts: Iterable[tuple[str, list[Result]]]) -> Markup:
    rows = [_row(name, members, what) for name, members in parts]
    names = tag("tr", tag("th", what, scope="col"), tag("th", "share", scope="col"), map(_column, Verdict))
    return tag(
        "div",
        tag("table", tag("caption", title), tag("thead", names), tag("tbody", rows)),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=title,
    )


def _column(verdict: Verdict) -> Markup:
    sign = tag("abbr", SIGNS[verdict], title=verdict.value)
    return tag("th", sign, tag("span", verdict.value, class_="unseen"), scope="col", class_="number")


def _row(name: str, members: list[Result], what: str) -> Markup:
    found = counts(members)
    numbers = [
        tag("td", str(n) if n else "", class_=f"number {verdict.value if n else ''}") for verdict, n in found.items()
    ]
    choose = tag("button", name, type="button", data_choose=what, data_value=name, disabled=True)
    return tag("tr", tag("th", choose, scope="row"), tag("td", _bar(members)), numbers)


# --- the contracts ------------------------------------------------------------------------------------------------


def _filters(record: RunRecord, beside: RunRecord | None, descriptions: Descriptions) -> Markup:
    """What chooses contracts; shown by the script, without which it does nothing."""
    verdicts = [
        tag(
            "label",
            tag("input", type="checkbox", name="verdict", value=verdict.value, checked=True),
            chip(verdict),
            f" {number}",
        )
        for verdict, number in counts(record.results).items()
        if number
    ]
    groups = [name for name, _ in by_group(record.results)]
    levels = [name for name, _ in by_level(record.results, descriptions)]
    differs = tag("label", tag("input", type="checkbox", name="differs"), " only where the runs differ")
    return tag(
        "form",
        tag("label", "Find ", tag("input", type="search", name="text", placeholder="id, words", autocomplete="off")),
        _choice("group", groups),
        _choice("level", levels),
        tag("fieldset", tag("legend", "Verdicts", class_="unseen"), verdicts, class_="verdicts"),
        differs if beside is not None else None,
        tag("button", "Show all", type="reset"),
        tag("output", "", aria_live="polite"),
        class_="filters",
        hidden=True,
        role="search",
    )


def _choice(name: str, values: Iterable[str]) -> Markup:
    options = [tag("option", "all", value=""), *(tag("option", value, value=value) for value in values)]
    return tag("label", f"{name.capitalize()} ", tag("select", options, name=name))


def _contracts(record: RunRecord, beside: RunRecord | None, descriptions: Descriptions) -> Markup:
    others = None if beside is None else {result.contract: result for result in beside.results}

    def shown(results: Iterable[Result]) -> Iterator[Markup]:
        for result in results:
            other = None if others is None else Beside(others.get(result.contract))
            yield card(record, result, descriptions[result.contract], other)

    bad = [result for result in record.results if result.is_bad]
    rest = by_group(result for result in record.results if not result.is_bad)
    return join(
        tag("section", tag("h2", f"Broken: {len(bad)}"), shown(bad), class_="broken") if bad else None,
        (tag("section", tag("h2", name), shown(members)) for name, members in rest),
        _only_beside(record, others or {}, descriptions),
    )


def _only_beside(record: RunRecord, others: dict[str, Result], descriptions: Descriptions) -> Markup | None:
    here = {result.contract for result in record.results}
    missing = [result for name, result in others.items() if name not in here]
    if not missing:
        return None
    lines = [
        tag("li", chip(result.verdict), " ", tag("code", result.contract), f" {descriptions[result.contract].title}")
        for result in missing
    ]
    return tag("section", tag("h2", "Only in the run beside it"), tag("ul", lines, class_="absent"))


def _footer(record: RunRecord) -> Markup:
    bad = [result.contract for result in record.results if result.is_bad]
    links = join("Broken: ", *(join(tag("a", name, href=anchor(name)), " ") for name in bad)) if bad else None
    return tag(
        "footer", tag("p", links) if links else None, tag("p", "Made by flare-conformance. Not affiliated with NVIDIA.")
    )
