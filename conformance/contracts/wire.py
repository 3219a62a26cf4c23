"""What a client puts on the wire: a contract a rule of the dialects, see ``conformance.wire``.

All of them look at the traffic of one script of calls, which is played once a run.
"""

from __future__ import annotations

from conformance.contract import Check, contract
from conformance.needs import Need
from conformance.trial import Trial
from conformance.verdicts import Unsuitable, Violation
from conformance.wire import RULES, Judgement, Rule, Traffic
from conformance.wire.script import SCRIPT, recording

_SHOWN = 3
"""Messages that a violation names."""


def _check(rule: Rule) -> Check:
    def check(trial: Trial) -> None:
        try:
            recorded = recording(trial)
        finally:
            trial.script.instead(SCRIPT)  # the calls are made in whichever of these contracts comes first
        judgements = list(rule.judge(Traffic(recorded.entries, trial.release)))
        if not judgements and recorded.problems:
            raise Unsuitable(f"the client sent no message that the rule speaks of: {'; '.join(recorded.problems)}")
        if not judgements:
            raise Violation("a message that the rule speaks of", "none in the whole script", SCRIPT)
        broken = [judgement for judgement in judgements if not judgement.kept]
        if broken:
            raise Violation(broken[0].expected, _observed(broken, len(judgements)), SCRIPT)

    return check


def _observed(broken: list[Judgement], judged: int) -> str:
    named = "; ".join(
        f"{judgement.came} in entry {judgement.entry.number} ({judgement.entry.summary:.80})"
        for judgement in broken[:_SHOWN]
    )
    return f"{named}; {len(broken)} of {judged} messages break the rule"


for _rule in RULES.values():
    contract(
        _rule.id,
        _rule.title,
        _rule.statement,
        _rule.source,
        releases=_rule.releases,
        needs=(Need.CONTROL, Need.TRANSCRIPT),
        level=_rule.level,
    )(_check(_rule))
