"""What the tests share: the job. Server, kit and session are the plugin's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def job() -> Path:
    """The job definition that is under version control."""
    return Path(__file__).parents[1] / "jobs" / "accuracy"
