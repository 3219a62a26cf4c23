"""What a rule of the wire is: declared once, as data with its source, over a check that judges messages one by one.

A check yields a judgement on every message that the rule speaks of, kept or not: so a rule that had nothing to judge
is told from one that was kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from conformance.contract import RELEASES, Level, Observed
from conformance.wire.traffic import Traffic
from mock_server.transcript import Entry

OFFICIAL_SOCKET = "2.3.12, 2.4.2, 2.5.2, 2.6.3"
OFFICIAL_CELL = "2.7.3, 2.8.3, 2.9.0"
OFFICIAL = f"{OFFICIAL_SOCKET}, {OFFICIAL_CELL}"


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What a rule says of one message.

    Attributes:
        entry: of the transcript: the message.
        kept: whether the rule is kept.
        expected: what the rule asks for.
        came: what the client sent instead.
    """

    entry: Entry
    kept: bool
    expected: str
    came: str


Judge = Callable[[Traffic], Iterator[Judgement]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule of a dialect.

    Attributes:
        id: that of its contract.
        title: a few words.
        statement: one sentence.
        source: where it comes from.
        judge: judges the messages that it speaks of.
        releases: the release lines it holds for.
        level: how much it binds a client.
    """

    id: str
    title: str
    statement: str
    source: Observed
    judge: Judge
    releases: tuple[str, ...] = RELEASES
    level: Level = Level.MUST


RULES: dict[str, Rule] = {}
"""Every rule by its id, in the order of declaration."""


def rule(
    id: str,  # noqa: A002 - the field's own name
    title: str,
    statement: str,
    source: Observed,
    *,
    releases: tuple[str, ...] = RELEASES,
    level: Level = Level.MUST,
) -> Callable[[Judge], Judge]:
    """Declare the function below as the judge of a rule. Arguments are those of ``Rule``."""

    def declare(judge: Judge) -> Judge:
        if id in RULES:
            raise ValueError(f"rule {id} is declared twice")
        RULES[id] = Rule(id, title, statement, source, judge, releases, level)
        return judge

    return declare


def judged(entry: Entry, kept: object, expected: str, came: Any) -> Judgement:
    """A judgement.

    Args:
        entry: the message.
        kept: whether the rule is kept.
        expected: what the rule asks for.
        came: what came, as it is to be shown.
    """
    return Judgement(entry, bool(kept), expected, came if isinstance(came, str) else repr(came))


def same(entry: Entry, came: Any, expected: Any, what: str) -> Judgement:
    """A judgement on a value that is to be another."""
    return judged(entry, came == expected, f"{what} to be {expected!r}", came)
