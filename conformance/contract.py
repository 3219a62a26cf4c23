"""What a contract is.

A contract is declared once, by a decorator over its check; the catalogue, the runner, the reports and the
documentation read the declaration.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable

from conformance.needs import Need
from conformance.trial import Trial

RELEASES = ("2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9")
SOCKET_RELEASES = RELEASES[:4]
"""Those of the socket dialect: a connection a command."""
CELL_RELEASES = RELEASES[4:]
"""Those of the CellNet dialect: one connection a session."""
TO_27 = RELEASES[:5]
FROM_24 = RELEASES[1:]
FROM_28 = RELEASES[5:]
NOT_27 = SOCKET_RELEASES + FROM_28


@dataclasses.dataclass(frozen=True)
class Document:
    """A sentence of the API document, by its key in ``conformance.document``."""

    key: str


@dataclasses.dataclass(frozen=True)
class Observed:
    """What the official software was seen to do.

    Attributes:
        releases: the versions that were looked at.
        what: what they did.
    """

    releases: str
    what: str


class Level(enum.Enum):
    """How much a contract binds a client."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"

    @property
    def meaning(self) -> str:
        """What it means, in words."""
        return _MEANINGS[self]


_MEANINGS = {
    Level.MUST: "programs that work with the official client break where it is not kept",
    Level.SHOULD: "good clients keep it, but for a reason that they state",
    Level.MAY: "what the official client does and nobody should rely on",
}


Source = Document | Observed
Check = Callable[[Trial], None]


@dataclasses.dataclass(frozen=True)
class Contract:
    """One checkable statement about a client of the admin API.

    Attributes:
        id: as ``MON-TIMEOUT-02``; its first part is the group.
        title: a few words.
        statement: one sentence.
        sources: where it comes from.
        check: raises ``verdicts.Violation`` if the client breaks it.
        releases: the release lines it holds for.
        needs: what the check needs.
        level: how much it binds a client.
    """

    id: str
    title: str
    statement: str
    sources: tuple[Source, ...]
    check: Check
    releases: tuple[str, ...] = RELEASES
    needs: frozenset[Need] = frozenset()
    level: Level = Level.MUST

    @property
    def group(self) -> str:
        """The first part of the id."""
        return self.id.split("-", 1)[0]


CATALOGUE: dict[str, Contract] = {}
"""Every declared contract by id, in the order of declaration."""


def contract(
    id: str,  # noqa: A002 - the field's own name
    title: str,
    statement: str,
    *sources: Source,
    releases: tuple[str, ...] = RELEASES,
    needs: tuple[Need, ...] = (),
    level: Level = Level.MUST,
) -> Callable[[Check], Check]:
    """Declare the function below as the check of a contract. Arguments are those of ``Contract``."""

    def declare(check: Check) -> Check:
        if id in CATALOGUE:
            raise ValueError(f"contract {id} is declared twice")
        if not sources:
            raise ValueError(f"contract {id} names no source")
        CATALOGUE[id] = Contract(id, title, statement, sources, check, releases, frozenset(needs), level)
        return check

    return declare
