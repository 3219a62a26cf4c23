"""What the catalogue says of a contract, in the words of reports.

A report may be older or newer than the catalogue: a contract that is not in it is said to be so, and nothing fails.
"""

from __future__ import annotations

import dataclasses

from conformance import catalogue
from conformance.contract import Contract, Document
from conformance.document import SENTENCES

UNKNOWN = "This version's catalogue does not have this contract."
NO_LEVEL = "unknown"


@dataclasses.dataclass(frozen=True)
class Described:
    """A contract as reports show it.

    Attributes:
        id: as in the catalogue.
        title: a few words; empty where the catalogue does not have the contract.
        statement: one sentence.
        level: must, should or may; ``unknown`` where the catalogue does not have it.
        sources: where it comes from, a line each.
        releases: the release lines it holds for.
        needs: what the check needs, in words.
    """

    id: str
    title: str = ""
    statement: str = UNKNOWN
    level: str = NO_LEVEL
    sources: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


class Descriptions:
    """The catalogue as reports read it; looked up once a report."""

    def __init__(self) -> None:
        self._known = {contract.id: contract for contract in catalogue.catalogue()}

    def __getitem__(self, contract_id: str) -> Described:
        contract = self._known.get(contract_id)
        return Described(contract_id) if contract is None else describe(contract)


def describe(contract: Contract) -> Described:
    """What the catalogue says of a contract."""
    return Described(
        contract.id,
        contract.title,
        contract.statement,
        contract.level.value,
        tuple(source_lines(contract)),
        contract.releases,
        tuple(sorted(need.value for need in contract.needs)),
    )


def source_lines(contract: Contract) -> list[str]:
    """Where a contract comes from, a line each."""
    return [
        f"API document: “{SENTENCES[source.key]}”"
        if isinstance(source, Document)
        else f"observed ({source.releases}): {source.what}"
        for source in contract.sources
    ]
