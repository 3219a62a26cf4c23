"""``docs/fidelity.md``, out of the record, the explanations and the rules of normalisation."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conformance.lab.fidelity import normalisation, record
from conformance.lab.fidelity.comparison import Compared
from conformance.lab.fidelity.explanations import DIFFERS, Explanation, explanation_of
from conformance.lab.fidelity.record import Count, FidelityReport

PAGE = "fidelity.md"
_SHOWN = 160
_WORDS = {grade: word for word, grade in DIFFERS.items()}

_HEAD = """# Fidelity

How like official servers `MockServer` is. Written by `make lab` and `make fidelity`, each with `RELEASE=<version>`; do
not edit.

The official client of a release makes the same calls on the official server of that release (provisioned with two
sites and users of four roles, started by its own scripts) and on `MockServer`, in the same states: no job, jobs that
wait, run, are over or were aborted, users of every role, sessions, sites and servers that end. Calls that the client
answers by itself are among them, so the table has the shares of those that sent a command as well.

- Same outcome: both returned, or both raised an exception of the same class.
- Same shape: besides, the same types in the same places; of an exception all its classes.
- Same value: besides, the same in every detail, with the order of keys, what the client printed and what a callback
  was given, after the rules at the end of this page.
"""


def render(reports: Mapping[str, FidelityReport], explanations: Sequence[Explanation]) -> str:
    """The page.

    Args:
        reports: by version.
        explanations: those of the repository.
    """
    parts = [_HEAD, _summary(list(reports.values()), explanations), _methods(list(reports.values()))]
    parts += [_differences(reports.values(), explanations), _sequences(reports.values()), _rules()]
    return "\n".join(parts)


def write(reports: Mapping[str, FidelityReport], explanations: Sequence[Explanation], docs: Path) -> Path:
    """Write the page, and return its path."""
    record.write(docs / PAGE, render(reports, explanations))
    return docs / PAGE


def _summary(reports: Sequence[FidelityReport], explanations: Sequence[Explanation]) -> str:
    lines = [
        "## Figures",
        "",
        "At least 99 % same outcome and 97 % same value are asked for, and no difference without an explanation.",
        "",
        "| nvflare | probes | same outcome | same shape | same value | of those that ask the server | differences "
        "| unexplained | run |",
        "|---|--:|--:|--:|--:|---|--:|--:|---|",
    ]
    total = Count()
    for report in reports:
        total += report.total
        versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
        cells = (
            report.version,
            *_shares(report.total),
            _asking(report.asking),
            len(report.differences),
            len(report.unexplained(explanations)),
            f"{report.date}, `{report.command}`, {versions}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines.append(f"| all | {' | '.join(map(str, _shares(total)))} | | | | |")
    for report in reports:
        if report.left_out:
            lines += ["", f"Not played on the official server of {report.version}: {', '.join(report.left_out)}."]
    return "\n".join(lines) + "\n"


def _shares(one: Count) -> tuple[str, ...]:
    return (str(one.probes), *(f"{one.share(same):.2%}" for same in (one.outcome, one.shape, one.value)))


def _asking(one: Count) -> str:
    probes, outcome, shape, value = _shares(one)
    return f"{probes}: {outcome}, {shape}, {value}"


def _methods(reports: Sequence[FidelityReport]) -> str:
    lines = [
        "## By method",
        "",
        "Probes, and how many of them had the same outcome, shape and value. One number: all were the same. `api.` is "
        "`session.api`; `new_secure_session` and `Session` are of the module.",
        "",
        f"| method | {' | '.join(report.version for report in reports)} |",
        f"|---|{'---|' * len(reports)}",
    ]
    for name in sorted({name for report in reports for name in report.methods}):
        cells = (_count(report.methods.get(name)) for report in reports)
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _count(one: Count | None) -> str:
    if one is None:
        return ""
    if one.probes == one.value:
        return str(one.probes)
    return f"{one.probes}: {one.outcome}, {one.shape}, {one.value}"


def _differences(reports: Iterable[FidelityReport], explanations: Sequence[Explanation]) -> str:
    found: dict[Explanation | None, list[tuple[FidelityReport, Compared]]] = collections.defaultdict(list)
    for report in reports:
        for one in report.differences:
            found[explanation_of(report.release, one, explanations)].append((report, one))
    lines = ["## Differences", "", "What stays, and why; every probe that differs is in `fidelity.json`.", ""]
    for explanation in (None, *explanations):
        if explanation in found:
            lines += [*_explained(explanation, found[explanation]), ""]
    if not found:
        lines += ["None.", ""]
    return "\n".join(lines)


def _explained(explanation: Explanation | None, differing: list[tuple[FidelityReport, Compared]]) -> list[str]:
    versions = ", ".join(dict.fromkeys(report.version for report, _ in differing))
    what = ", ".join(sorted({_WORDS[one.likeness] for _, one in differing}))
    reason = explanation.reason if explanation else "**Not explained.**"
    lines = [f"- {reason} Differs: {what}; {len(differing)} in {versions}:", ""]
    by_key = collections.defaultdict(list)
    for report, one in differing:
        by_key[one.key].append((report, one))
    for key, ones in by_key.items():
        report, one = ones[0]
        found = ", ".join(each.version for each, _ in ones)
        lines.append(f"  - `{_code(key)}` ({found}): official {_cut(one.official)}; here {_cut(one.mock)}")
    return lines


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")


def _cut(text: str) -> str:
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
    return f"`{_code(short)}`"


def _sequences(reports: Iterable[FidelityReport]) -> str:
    lines = [
        "## Random sequences",
        "",
        "Calls in random order, drawn from a seed, on both servers; one that differs is shrunk to the shortest that "
        "still does.",
        "",
        "| nvflare | sequences | calls | seed | differing |",
        "|---|--:|--:|--:|--:|",
    ]
    scripts = []
    for report in reports:
        if report.sequences is not None:
            one = report.sequences
            lines.append(f"| {report.version} | {one.played} | {one.calls} | {one.seed} | {len(one.differing)} |")
            for script, reason in one.differing:
                scripts += ["", f"nvflare {report.version}: {reason or '**not explained**'}", "", "```", script, "```"]
    return "\n".join([*lines, *scripts]) + "\n"


def _rules() -> str:
    lines = ["## What is not compared", "", "| what | becomes | why |", "|---|---|---|"]
    for key_rule in normalisation.KEY_RULES:
        keys = ", ".join(f"`{key}`" for key in sorted(key_rule.keys))
        lines.append(f"| what stands under {keys} | its type | {key_rule.reason} |")
    for text_rule in normalisation.TEXT_RULES:
        pattern = text_rule.pattern.pattern.replace("|", "\\|")
        lines.append(f"| in texts `{pattern}` | `{text_rule.word}` | {text_rule.reason} |")
    for order_rule in normalisation.ORDER_RULES:
        keys = ", ".join(f"`{key}`" for key in sorted(order_rule.keys | order_rule.methods))
        becomes = "sorted" if order_rule.counts else "sorted, each member once"
        lines.append(f"| lists of {keys} | {becomes} | {order_rule.reason} |")
    named = "lines, members of lists and keys that name a site"
    lines.append(f"| {named} | sorted among themselves | {normalisation.SITES_REASON} |")
    lines.append(f"| sets in texts | sorted | {normalisation.SET_REASON} |")
    lines.append(f"| the order of keys of a meta with `cloned_from` | sorted | {normalisation.CLONE_REASON} |")
    return "\n".join(lines) + "\n"
