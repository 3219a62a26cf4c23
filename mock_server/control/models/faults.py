"""Faults: their kinds, and those that are injected."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mock_server.control.models.base import Answer, Body
from mock_server.quantities import Duration


class FaultView(Answer):
    """A fault in force."""

    number: int
    action: dict[str, Any]
    """What it does, as in a scenario; without what is usual."""
    when: dict[str, Any]
    """When it strikes, as in a scenario; without what is usual."""
    at: str
    """Where it strikes."""
    direction: str
    commands: str
    """The glob on commands that counts."""
    paused: bool
    seen: int
    """How many moments fitted."""
    fired: int
    """How often it struck."""


class FaultChange(Body):
    """What is to become of a fault."""

    paused: bool


class FaultWait(Body):
    """How long to wait for a fault to strike."""

    times: int = Field(default=1, ge=1)
    """How often it is to have struck, since it is in force."""
    timeout: Duration = 10.0
    """Seconds of the machine, whatever the clock of the server."""


class FaultKind(Answer):
    """Something that can go wrong."""

    kind: str
    summary: str
    at: list[str]
    """Where it can strike; the first is usual."""
    directions: list[str]
    usual_command: str
    possible: bool
    """Whether this server can have it."""
    fields: dict[str, Any]
    """A JSON Schema of its fields."""


class Cleared(Answer):
    """Faults that are no more."""

    cleared: int
