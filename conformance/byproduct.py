"""What a client put on the wire while a contract was checked: kept for reports, and held against the rules of the wire.

A contract of the group WIRE has a script of its own. Beside that, every message of every other contract is judged by
the same rules, but for servers on which a fault struck, and what breaks one counts against the contract of that rule:
a client that sends its token but once in a while is caught by whichever contract sees it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.needs import Need
from conformance.results import Irregular, Result, Verdict
from conformance.targets import Target
from conformance.wire import irregularities
from mock_server.transcript import Kind

MOST_ENTRIES = 400
"""Entries of a transcript that a result keeps: the last ones, before the end that is reported."""
_MOST_IRREGULAR = 20


@dataclasses.dataclass(frozen=True)
class Heard:
    """What was said on the wire during a check.

    Attributes:
        transcript: entries of the servers, as plain data, one server after the other.
        irregular: what of it breaks a rule of the wire.
    """

    transcript: tuple[Mapping[str, Any], ...] = ()
    irregular: tuple[Irregular, ...] = ()


def listen(target: Target, *, judged: bool = True) -> Heard:
    """What was said since it was asked last.

    Args:
        target: the server under test; one without a transcript heard nothing.
        judged: whether it is held against the rules; what the wire contracts provoke is theirs to judge.
    """
    if Need.TRANSCRIPT not in target.provides:
        return Heard()
    servers = target.heard()
    entries = [entry.to_json() for server in servers for entry in server[-MOST_ENTRIES:]]
    # What official clients send after a fault is not always in order (2.6.3: a login with the token of the last one);
    # what a client must do then is for the contracts about faults to say.
    usual = [server for server in servers if judged and not any(entry.kind is Kind.FAULT for entry in server)]
    broken = [one for server in usual for one in irregularities(server, target.release)]
    said = {Irregular(one.rule, one.expected, one.came): None for one in broken}
    return Heard(tuple(entries[-MOST_ENTRIES:]), tuple(said)[:_MOST_IRREGULAR])


def charged(results: Sequence[Result]) -> list[Result]:
    """The results, with what any check saw of a broken rule counted against the contract of that rule."""
    seen: dict[str, tuple[Result, Irregular]] = {}
    for result in results:
        for one in result.irregular:
            seen.setdefault(one.rule, (result, one))
    return [_charged(result, *seen[result.contract]) if result.contract in seen else result for result in results]


def _charged(result: Result, where: Result, one: Irregular) -> Result:
    if result.verdict is not Verdict.PASSED:
        return result
    observed = f"{one.came}, during {where.contract}"
    return dataclasses.replace(
        result,
        verdict=Verdict.FAILED,
        message=f"expected {one.expected}, but observed {observed}",
        expected=one.expected,
        observed=observed,
        transcript=where.transcript,
    )
