"""A mock admin server for NVIDIA FLARE: the real wire, its own certificates and startup kits, simulated jobs.

For tests and offline development. Never for production: it runs no federated learning.
"""

from mock_server.clock import Clock, ManualClock, RealClock, ScaledClock
from mock_server.scenarios import Scenario, ScenarioError
from mock_server.server import MockServer, ServerError
from mock_server.transcript import CallError, Entry, Retention, Transcript

__all__ = [
    "CallError",
    "Clock",
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
