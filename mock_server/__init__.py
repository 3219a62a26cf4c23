"""A mock admin server for NVIDIA FLARE: the real wire, its own certificates and startup kits, simulated jobs.

For tests and offline development. Never for production: it runs no federated learning.

What is named here is imported when it is first used: pytest imports this package at each start, for the plugin in it.

PYTEST_DONT_REWRITE: for packages of plugins pytest warns where they are imported before it starts, unless they say so.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_server.clock import Clock, ManualClock, RealClock, ScaledClock
    from mock_server.control.settings import ControlSettings
    from mock_server.errors import ServerError
    from mock_server.scenarios import Scenario, ScenarioError
    from mock_server.server import MockServer
    from mock_server.transcript import CallError, Entry, Retention, Transcript

__all__ = [
    "CallError",
    "Clock",
    "ControlSettings",
    "Entry",
    "ManualClock",
    "MockServer",
    "RealClock",
    "Retention",
    "ScaledClock",
    "Scenario",
    "ScenarioError",
    "ServerError",
    "Transcript",
]

_HOMES = {
    "control.settings": ("ControlSettings",),
    "clock": ("Clock", "ManualClock", "RealClock", "ScaledClock"),
    "scenarios": ("Scenario", "ScenarioError"),
    "errors": ("ServerError",),
    "server": ("MockServer",),
    "transcript": ("CallError", "Entry", "Retention", "Transcript"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
