"""What came of a run: a verdict a contract, and what was run.

Plain data, which the runner makes and reports, baselines and comparisons read. Must not know how contracts are run.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any


class Verdict(enum.Enum):
    """What came of a contract."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    """A timing check whose failure the machine's load may explain: no proof against the client."""
    EXPECTED_FAILURE = "expected-failure"
    """It failed, as the baseline says."""
    UNEXPECTED_PASS = "unexpected-pass"  # noqa: S105 - a verdict
    """It passed though the baseline says that it fails: the entry is stale, and the run fails."""


BAD = frozenset({Verdict.FAILED, Verdict.UNEXPECTED_PASS})
"""The verdicts that make a run fail; the first one where the contract counts, a stale baseline in every case."""

KEPT = frozenset({Verdict.PASSED, Verdict.EXPECTED_FAILURE})
"""At least one of these shows that a run checked something."""


@dataclasses.dataclass(frozen=True)
class Irregular:
    """A message of the client that breaks a rule of the wire.

    Attributes:
        rule: the id of the rule, and of its contract.
        expected: what the rule asks for.
        came: what came instead.
    """

    rule: str
    expected: str
    came: str


@dataclasses.dataclass(frozen=True)
class Result:
    """The verdict on one contract.

    Attributes:
        contract: its id.
        verdict: what came of it.
        seconds: how long it took.
        message: why, unless it passed.
        counts: whether the verdict decides on conformance; others are reported alone.
        expected: what the contract asks for, where it was broken.
        observed: what the client did instead.
        script: the shortest sequence of calls that breaks it, a line each.
        transcript: what was said on the wire, entries of ``mock_server.transcript`` as plain data.
        irregular: messages of the client that break rules of the wire, whatever the contract is about.
    """

    contract: str
    verdict: Verdict
    seconds: float
    message: str = ""
    counts: bool = True
    expected: str | None = None
    observed: str | None = None
    script: tuple[str, ...] = ()
    transcript: tuple[Mapping[str, Any], ...] = ()
    irregular: tuple[Irregular, ...] = ()

    @property
    def group(self) -> str:
        """The group of the contract."""
        return self.contract.split("-", 1)[0]

    @property
    def is_bad(self) -> bool:
        """Whether it makes the run fail."""
        return self.verdict in BAD and (self.counts or self.verdict is Verdict.UNEXPECTED_PASS)


@dataclasses.dataclass(frozen=True)
class Lag:
    """How far the machine was behind during a run.

    Attributes:
        most: seconds by which a thread that slept, or let others have the interpreter, had its turn late at worst.
        p99: the same, of all but the worst hundredth of the times.
    """

    most: float = 0.0
    p99: float = 0.0

    def joined(self, other: Lag) -> Lag:
        """That of two processes: the worse of each."""
        return Lag(max(self.most, other.most), max(self.p99, other.p99))


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        client: what was under test.
        server: against which server.
        release: the release that the client was held to.
        seed: draws the same examples again.
        command: the words that make this run again, without the name of the program.
        started: when, as ISO 8601 with a zone.
        seconds: how long it took.
        results: a verdict a contract.
        lag: how far the machine was behind, from the begin to the end of the run.
        versions: of the software that took part, by its name.
    """

    client: str
    server: str
    release: str
    seed: int
    command: tuple[str, ...]
    started: str
    seconds: float
    results: tuple[Result, ...]
    lag: Lag = Lag()
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def conforms(self) -> bool:
        """Whether no contract that counts was broken, and at least one was kept or known to be broken."""
        return conforms(self.results)


def counts(results: Sequence[Result]) -> dict[Verdict, int]:
    """How often each verdict was given."""
    found = collections.Counter(result.verdict for result in results)
    return {verdict: found[verdict] for verdict in Verdict}


def conforms(results: Sequence[Result]) -> bool:
    """Whether no contract that counts was broken, and at least one was kept or known to be broken."""
    return not any(result.is_bad for result in results) and any(result.verdict in KEPT for result in results)
