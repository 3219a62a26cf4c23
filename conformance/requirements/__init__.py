"""Requirement sets: the contracts that a client must keep to call itself conforming to a release.

Each stands frozen in a file beside this module. What is added to the catalogue later runs and is reported, and does
not count until somebody freezes the set again: an upgrade of this package takes no client's conformance away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from conformance.contract import RELEASES, Contract, Level

FOLDER = Path(__file__).parent
COUNTING = (Level.MUST, Level.SHOULD)
"""The levels of contracts that a set may hold."""


class RequirementsError(ValueError):
    """A requirement set is damaged; the text says where."""


def required(release: str, folder: Path = FOLDER) -> frozenset[str]:
    """The ids of the contracts that count for a release line.

    Raises:
        RequirementsError: the set is not there or is damaged.
    """
    path = _path(release, folder)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise RequirementsError(f"{path.name}: expected a requirement set, but {problem.strerror}") from problem
    except ValueError as problem:
        raise RequirementsError(f"{path.name}: expected JSON, but {problem}") from problem
    ids = content.get("contracts") if isinstance(content, dict) and content.get("release") == release else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise RequirementsError(f"{path.name}: expected release {release!r} and contracts, a list of ids")
    return frozenset(ids)


def frozen(release: str, contracts: Sequence[Contract]) -> list[str]:
    """The ids of the contracts that a set of today would hold, sorted."""
    return sorted(one.id for one in contracts if release in one.releases and one.level in COUNTING)


def freeze(release: str, contracts: Sequence[Contract], folder: Path = FOLDER) -> tuple[list[str], list[str]]:
    """Write the set of a release anew.

    Args:
        release: the release line.
        contracts: the catalogue.
        folder: where the file goes.

    Returns:
        The ids that are new in it, and those that are gone.

    Raises:
        OSError: the file cannot be written.
    """
    path = _path(release, folder)
    before = required(release, folder) if path.exists() else frozenset()
    now = frozen(release, contracts)
    path.write_text(json.dumps({"release": release, "contracts": now}, indent=2) + "\n", encoding="utf-8")
    return sorted(set(now) - before), sorted(before - set(now))


def _path(release: str, folder: Path) -> Path:
    if release not in RELEASES:
        raise RequirementsError(f"expected one of the releases {', '.join(RELEASES)}, but got {release!r}")
    return folder / f"{release}.json"
