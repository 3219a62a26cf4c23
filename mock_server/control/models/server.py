"""The server as a whole."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from mock_server.clock import read_clock
from mock_server.control.models.base import Answer, Body
from mock_server.scenarios.system import check_site_names


class ServerView(Answer):
    """The server as a whole."""

    mock: Literal[True] = True
    notice: str
    """What it says of itself."""
    version: str
    """Of flare-conformance."""
    release: str
    official: str
    """The official version that it plays."""
    scheme: str | None
    """How frames travel; null in releases to 2.6, which have one wire."""
    security: str
    """What protects the connection: ``mtls``, ``tls`` or ``clear``."""
    host: str
    port: int
    """The FL port that kits name."""
    admin_port: int
    pedantic: int | None
    """The seed of what it varies on purpose; null: it varies nothing."""
    running: bool
    """Whether clients are served; false after a client shut it down."""
    started: float
    """When it was started, or restarted."""
    description: str
    """What the scenario is for, in its own words."""
    jobs: dict[str, int]
    """How many there are, by status."""
    commands: dict[str, int]
    """How often each command came."""
    events: list[EventView]
    """What happened to the server and its sites, oldest first."""


class EventView(Answer):
    """Something that happened."""

    time: float
    what: str
    """The status of a job, or a word for what else it is, as ``log``, ``not scheduled``, ``connect``."""
    detail: str


class StartOver(Body):
    """How to start over; what is left out stays as it is."""

    scenario: str | dict[str, Any] | None = None
    """The name of a ready scenario, or the content of a scenario."""
    scenario_yaml: str | None = None
    """The text of a scenario file, instead: faults are told with their lines."""
    sites: list[str] | None = None
    """The names of the sites, where the scenario names none."""
    clock: str | None = None
    """``real``, ``virtual``, or a speed as ``x100``."""

    @model_validator(mode="after")
    def _one_scenario(self) -> StartOver:
        if self.scenario is not None and self.scenario_yaml is not None:
            raise ValueError("expected scenario or scenario_yaml, but got both")
        return self

    @field_validator("sites")
    @classmethod
    def _names(cls, sites: list[str] | None) -> list[str] | None:
        check_site_names(sites or ())
        return sites

    @field_validator("clock")
    @classmethod
    def _is_one(cls, clock: str | None) -> str | None:
        if clock is not None:
            read_clock(clock)
        return clock


class ScenarioView(Answer):
    """The scenario that is played."""

    content: dict[str, Any]
    """As its file would have it, without what is usual."""


class ReadyScenario(Answer):
    """A scenario that comes with the package."""

    name: str
    description: str
