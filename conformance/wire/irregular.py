"""What breaks a rule of the wire, in whatever a client did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from conformance.wire.rules import RULES, Rule
from conformance.wire.traffic import Traffic
from mock_server.transcript import Entry


@dataclasses.dataclass(frozen=True)
class Irregularity:
    """A message that breaks a rule.

    Attributes:
        rule: its id.
        entry: of the transcript: the message.
        expected: what the rule asks for.
        came: what came instead.
    """

    rule: str
    entry: Entry
    expected: str
    came: str

    def __str__(self) -> str:
        return f"{self.rule}: expected {self.expected}, but entry {self.entry.number} has {self.came}"


def irregularities(
    transcript: Sequence[Entry], release: str, rules: Iterable[Rule] | None = None
) -> list[Irregularity]:
    """Check what a client put on the wire.

    Args:
        transcript: entries of one server, in order; it may begin in the midst of sessions. Where a fault struck, the
            rules that its connection could not keep are left out.
        release: the release line that the server plays.
        rules: which rules; those of the release by default.

    Returns:
        What breaks a rule, in the order of the messages.
    """
    traffic = Traffic(transcript, release)
    chosen = RULES.values() if rules is None else rules
    found = [
        Irregularity(rule.id, judgement.entry, judgement.expected, judgement.came)
        for rule in chosen
        if release in rule.releases
        for judgement in rule.judge(traffic)
        if not judgement.kept
    ]
    return sorted(found, key=lambda one: one.entry.number)
