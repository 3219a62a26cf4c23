"""Profiles: how much of the catalogue a run checks, and how hard it looks. All of it is data, here."""

from __future__ import annotations

import dataclasses
import fnmatch

from conformance.contract import Contract, Level


@dataclasses.dataclass(frozen=True)
class Profile:
    """How thoroughly to check.

    Attributes:
        name: as on the command line.
        says: what it is for, a sentence.
        effort: how many examples of a property are tried, as a multiple of the usual number.
        repeats: how often a timing failure must show before it counts.
        limit: seconds that a contract may take before the client is taken to hang.
        levels: the levels of the contracts that are checked.
        without: ids and globs of contracts that are left out.
    """

    name: str
    says: str
    effort: float
    repeats: int
    limit: float
    levels: tuple[Level, ...] = tuple(Level)
    without: tuple[str, ...] = ()

    def has(self, contract: Contract) -> bool:
        """Whether it checks a contract."""
        left_out = any(fnmatch.fnmatchcase(contract.id, pattern) for pattern in self.without)
        return contract.level in self.levels and not left_out


WAITING = ("CMD-TIMEOUT-04", "MON-POLL-02", "RETRY-*")
"""Contracts that wait for seconds by their nature: for usual timeouts and intervals, for tries that come again."""

QUICK = Profile(
    "quick",
    "while you work on a client: under a minute",
    effort=0.3,
    repeats=2,
    limit=60.0,
    levels=(Level.MUST, Level.SHOULD),
    without=WAITING,
)
CI = Profile("ci", "for every change: everything, within minutes", effort=1.0, repeats=3, limit=120.0)
THOROUGH = Profile("thorough", "for a release: many more examples", effort=10.0, repeats=5, limit=1800.0)

PROFILES = {profile.name: profile for profile in (QUICK, CI, THOROUGH)}
