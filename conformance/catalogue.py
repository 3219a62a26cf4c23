"""All contracts, and how a part of them is chosen."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil

import conformance.contracts
from conformance.contract import CATALOGUE, Contract, Document, Level
from conformance.document import SENTENCES
from conformance.profiles import Profile
from conformance.shards import Shard


def catalogue() -> list[Contract]:
    """Every contract, sorted by id.

    Raises:
        ValueError: a contract quotes a sentence that the document does not have.
    """
    for module in pkgutil.iter_modules(conformance.contracts.__path__):
        importlib.import_module(f"conformance.contracts.{module.name}")
    for contract in CATALOGUE.values():
        for source in contract.sources:
            if isinstance(source, Document) and source.key not in SENTENCES:
                raise ValueError(f"{contract.id}: the API document has no sentence {source.key!r}")
    return sorted(CATALOGUE.values(), key=lambda contract: contract.id)


def select(
    release: str | None = None,
    patterns: tuple[str, ...] = (),
    group: str | None = None,
    *,
    without: tuple[str, ...] = (),
    level: Level | None = None,
    profile: Profile | None = None,
    shard: Shard | None = None,
) -> list[Contract]:
    """Choose contracts.

    Args:
        release: only those that hold for this release line.
        patterns: only those whose id matches one of these globs.
        group: only those of this group.
        without: none whose id matches one of these globs.
        level: only those of this level and of those that bind more.
        profile: only those of this profile; a contract whose very id is among the patterns is never left out by it.
        shard: only this part of what is left.

    Returns:
        At least one contract, sorted by id.

    Raises:
        ValueError: nothing fits, or a pattern matches no contract at all.
    """
    everything = catalogue()
    for pattern in (*patterns, *without):
        if not _matches(pattern, everything):
            raise ValueError(f"expected the id of a contract or a glob that matches one, but got {pattern!r}")
    groups = sorted({contract.group for contract in everything})
    if group is not None and group not in groups:
        raise ValueError(f"expected one of the groups {', '.join(groups)}, but got {group!r}")
    binding = list(Level)[: 1 + list(Level).index(level)] if level is not None else list(Level)
    chosen = [
        contract
        for contract in everything
        if (release is None or release in contract.releases)
        and (not patterns or any(fnmatch.fnmatchcase(contract.id, pattern) for pattern in patterns))
        and (group is None or contract.group == group)
        and not any(fnmatch.fnmatchcase(contract.id, pattern) for pattern in without)
        and contract.level in binding
        and (profile is None or profile.has(contract) or contract.id in patterns)
    ]
    if not chosen:
        asked = {
            "release": release,
            "--select": ", ".join(patterns),
            "--group": group,
            "--deselect": ", ".join(without),
            "--level": level.value if level is not None else None,
            "--profile": profile.name if profile is not None else None,
        }
        raise ValueError(f"no contract fits {', '.join(f'{name} {what}' for name, what in asked.items() if what)}")
    return chosen if shard is None else shard.of(chosen)


def _matches(pattern: str, contracts: list[Contract]) -> bool:
    return any(fnmatch.fnmatchcase(contract.id, pattern) for contract in contracts)


def find(contract_id: str) -> Contract:
    """The contract of an id.

    Raises:
        ValueError: there is none; the text names similar ones.
    """
    known = {contract.id: contract for contract in catalogue()}
    if contract_id not in known:
        similar = [name for name in known if name.split("-")[0] == contract_id.split("-", maxsplit=1)[0].upper()]
        raise ValueError(f"no contract {contract_id!r}; {'try ' + ', '.join(similar) if similar else 'see the list'}")
    return known[contract_id]
