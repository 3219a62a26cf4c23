"""A mock admin server for NVIDIA FLARE: the real wire, its own certificates and startup kits, simulated jobs.

For tests and offline development. Never for production: it runs no federated learning.
"""

from mock_server.clock import Clock, ManualClock, RealClock
from mock_server.scenario import Scenario, ScenarioError
from mock_server.server import MockServer, ServerError

__all__ = ["Clock", "ManualClock", "MockServer", "RealClock", "Scenario", "ScenarioError", "ServerError"]
