"""Which software took part in a run, so that a report tells it to who reads it later."""

from __future__ import annotations

import importlib.metadata
import platform

_DISTRIBUTIONS = ("flare-conformance", "hypothesis", "pytest")


def versions() -> dict[str, str]:
    """The versions of the harness, of what draws its examples, and of Python; and the system's name."""
    found = {name: importlib.metadata.version(name) for name in _DISTRIBUTIONS}
    return {**found, "python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
