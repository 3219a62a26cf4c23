"""What a contract is, and how a check says no.

A contract is declared once, by a decorator over its check; the catalogue, the runner, the reports and the
documentation read the declaration.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.trial import Trial

RELEASES = ("2.3", "2.4", "2.5", "2.6")


class Need(enum.Enum):
    """What a check needs beside a client and a server that it may use."""

    CONTROL = "control of the server"
    """Servers with scenarios, users and kits of the check's choice."""
    RUNNING = "sites that run jobs"
    """Jobs that really start and end."""
    BASIC_CB = "a client with basic_cb_with_print"
    DEBUG = "a client with a debug flag"
    THREADS = "a client that several threads can drive"


CLIENT_NEEDS = frozenset({Need.BASIC_CB, Need.DEBUG, Need.THREADS})
"""The needs that a client meets or not, by the features it states; a server meets the others."""


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


Source = Document | Observed
Check = Callable[["Trial"], None]


@dataclasses.dataclass(frozen=True)
class Contract:
    """One checkable statement about a client of the admin API.

    Attributes:
        id: as ``MON-TIMEOUT-02``; its first part is the group.
        title: a few words.
        statement: one sentence.
        sources: where it comes from.
        check: raises ``Violation`` if the client breaks it.
        releases: the release lines it holds for.
        needs: what the check needs.
    """

    id: str
    title: str
    statement: str
    sources: tuple[Source, ...]
    check: Check
    releases: tuple[str, ...] = RELEASES
    needs: frozenset[Need] = frozenset()

    @property
    def group(self) -> str:
        """The first part of the id."""
        return self.id.split("-", 1)[0]


class Violation(AssertionError):
    """The client broke the contract.

    Attributes:
        expected: what the contract asks for.
        observed: what the client did.
    """

    def __init__(self, expected: str, observed: str) -> None:
        super().__init__(f"expected {expected}, but observed {observed}")
        self.expected = expected
        self.observed = observed


class Inconclusive(Exception):
    """The check could not tell the client's fault from the machine's: the text says why."""


class Unsuitable(Exception):
    """The target lacks what the check needs: the text says what."""


CATALOGUE: dict[str, Contract] = {}
"""Every declared contract by id, in the order of declaration."""


def contract(
    id: str,  # noqa: A002 - the field's own name
    title: str,
    statement: str,
    *sources: Source,
    releases: tuple[str, ...] = RELEASES,
    needs: tuple[Need, ...] = (),
) -> Callable[[Check], Check]:
    """Declare the function below as the check of a contract. Arguments are those of ``Contract``."""

    def declare(check: Check) -> Check:
        if id in CATALOGUE:
            raise ValueError(f"contract {id} is declared twice")
        if not sources:
            raise ValueError(f"contract {id} names no source")
        CATALOGUE[id] = Contract(id, title, statement, sources, check, releases, frozenset(needs))
        return check

    return declare


def same(observed: Any, expected: Any, what: str) -> None:
    """Demand that a value is the expected one.

    Raises:
        Violation: it is not.
    """
    if observed != expected:
        raise Violation(f"{what} to be {expected!r}", repr(observed))


def holds(condition: object, expected: str, observed: object) -> None:
    """Demand that a condition is true.

    Raises:
        Violation: it is not.
    """
    if not condition:
        raise Violation(expected, str(observed))
