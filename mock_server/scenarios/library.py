"""The ready scenarios that come with the package, found by their names."""

from __future__ import annotations

import os
from pathlib import Path

from mock_server.scenarios.base import ScenarioError, hint
from mock_server.scenarios.scenario import Scenario

FOLDER = Path(__file__).resolve().parent / "ready"
_ENDING = ".yaml"


def names() -> list[str]:
    """The names of the ready scenarios."""
    return sorted(path.stem for path in FOLDER.glob(f"*{_ENDING}"))


def ready(name: str) -> Scenario:
    """The ready scenario of that name.

    Raises:
        ScenarioError: there is none.
    """
    if name not in names():
        raise ScenarioError(f"expected a ready scenario of {', '.join(names())}, but got {name!r}{hint(name, names())}")
    return Scenario.load(FOLDER / f"{name}{_ENDING}")


def find(name: str | Path) -> Scenario:
    """The scenario of a file, or the ready one of that name where there is no such file.

    Raises:
        ScenarioError: there is neither, or the file is no scenario.
    """
    path = Path(name)
    if path.is_file() or path.suffix or os.sep in str(name):
        return Scenario.load(path)
    if str(name) not in names():
        known = ", ".join(names())
        raise ScenarioError(
            f"{name}: expected a scenario file, or one of {known}, but there is neither{hint(str(name), names())}"
        )
    return ready(str(name))
