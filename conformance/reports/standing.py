"""How a run ended: in a few words, the headline of the table, the page and the badge; and by group and level."""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable

from conformance import requirements
from conformance.contract import RELEASES
from conformance.reports.described import NO_LEVEL, Descriptions
from conformance.results import Irregular, Result, RunRecord, Verdict

_LEVELS = ("must", "should", "may", NO_LEVEL)
_UNDECIDED = frozenset({Verdict.SKIPPED, Verdict.INCONCLUSIVE})


class Tone(enum.Enum):
    """How good the news is."""

    GOOD = "good"
    FAIR = "fair"
    """Nothing is broken, but not everything is known, or a failure is a known one."""
    BAD = "bad"
    NONE = "none"
    """Nothing is known."""


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a run ended.

    Attributes:
        tone: how good the news is.
        text: a few words, as ``3 of 200 broken``.
    """

    tone: Tone
    text: str


def standing(record: RunRecord) -> Standing:
    """Say how a run ended.

    It says ``conforming``, without more, only if every contract of the release's requirement set was run, none was left
    open, and none is a known failure.
    """
    counting = [result for result in record.results if result.counts or result.is_bad]
    bad = sum(result.is_bad for result in counting)
    if bad:
        return Standing(Tone.BAD, f"{bad} of {len(counting)} broken")
    if not record.conforms:
        return Standing(Tone.NONE, "nothing passed")
    missing = _required(record.release) - {result.contract for result in record.results}
    known = sum(result.verdict is Verdict.EXPECTED_FAILURE for result in counting)
    undecided = sum(result.verdict in _UNDECIDED for result in counting)
    remarks = [f"{known} known failure{'s' * (known > 1)}"] if known else []
    remarks += [f"{undecided} not decided"] if undecided else []
    remarks += [f"{len(missing)} not run"] if missing else []
    return Standing(Tone.FAIR if remarks else Tone.GOOD, ", ".join(["conforming", *remarks]))


def _required(release: str) -> frozenset[str]:
    """The requirement set of a release; of a release that this version does not know, nothing is asked."""
    return requirements.required(release) if release in RELEASES else frozenset()


def by_group(results: Iterable[Result]) -> list[tuple[str, list[Result]]]:
    """The results of each group, by the group's name."""
    groups: dict[str, list[Result]] = collections.defaultdict(list)
    for result in results:
        groups[result.group].append(result)
    return sorted(groups.items())


def by_level(results: Iterable[Result], descriptions: Descriptions) -> list[tuple[str, list[Result]]]:
    """The results of each level that occurs, the strictest first."""
    levels: dict[str, list[Result]] = collections.defaultdict(list)
    for result in results:
        levels[descriptions[result.contract].level].append(result)
    return [(level, levels[level]) for level in _LEVELS if level in levels]


def unjudged(record: RunRecord) -> list[tuple[str, Irregular]]:
    """What breaks a rule of the wire whose contract is not part of the run: which contract saw it, and what it is."""
    judged = {result.contract for result in record.results}
    seen: dict[str, tuple[str, Irregular]] = {}
    for result in record.results:
        for one in result.irregular:
            if one.rule not in judged:
                seen.setdefault(one.rule, (result.contract, one))
    return list(seen.values())
