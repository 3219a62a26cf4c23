"""Where a measurement of a lab comes from: the day, and the software that took part."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform

from conformance.peers import environment

OWN = "flare-conformance"


def today() -> str:
    """The day in UTC, as ``2026-11-29``."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def versions(official: str | None = None) -> dict[str, str]:
    """The versions of the software that takes part, by its name.

    Args:
        official: the version of nvflare that takes part, if one does.

    Raises:
        PeerUnavailable: it cannot be had here.
    """
    found = {OWN: _own_version(), "Python": platform.python_version()}
    return found if official is None else {**found, "Python of nvflare": environment(official).python_version}


def _own_version() -> str:
    try:
        return importlib.metadata.version(OWN)
    except importlib.metadata.PackageNotFoundError:
        return "from the working tree"
