"""Scenarios: how jobs fare, what happens to the server and its sites, who the users are, and the limits, in YAML.

``jobs`` and ``system`` have the parts by their subject, ``scenario`` the whole; ``loading`` finds the line of a fault,
``library`` the ready ones, ``schema`` what editors want to know. None of them runs anything: the engine does.
"""

from mock_server.scenarios.base import ScenarioError
from mock_server.scenarios.scenario import Scenario

__all__ = ["Scenario", "ScenarioError"]
