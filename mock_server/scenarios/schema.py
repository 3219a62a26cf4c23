"""The JSON Schema of scenario files, for editors and for whoever writes scenarios by program."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from mock_server.scenarios.scenario import Scenario

FILE = Path(__file__).resolve().parent / "scenario.schema.json"
"""The published schema; ``make schema`` writes it from the models."""


@functools.cache
def scenario_schema() -> dict[str, Any]:
    """The schema that the models have."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Scenario.model_json_schema(),
        "title": "Scenario of the mock FLARE server",
    }


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(scenario_schema(), indent=2) + "\n"
