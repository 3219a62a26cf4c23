"""The bodies that the control API takes, and the answers that it gives. The OpenAPI document is made of them.

Times are seconds since the epoch, on the server's clock; durations are read as in scenarios, ``100ms`` or ``2h``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mock_server.broken_kits import BROKEN_KITS
from mock_server.clock import LATEST, read_clock
from mock_server.quantities import Duration
from mock_server.scenarios.base import check_one_of
from mock_server.scenarios.results import ResultSpec
from mock_server.scenarios.system import User, check_site_names
from mock_server.transcript import Direction, Kind

MAX_LIMIT = 10_000

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Body(BaseModel):
    """What a caller sends: a field that is not known is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(frozen=True)


# --- the server ---------------------------------------------------------------------------------------------------


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


# --- the clock ----------------------------------------------------------------------------------------------------


class ClockView(Answer):
    """The time of the server."""

    kind: Literal["real", "scaled", "virtual", "own"]
    """``own``: a clock that its maker wrote."""
    time: float
    iso: str
    """The same in ISO form, UTC."""
    speed: float
    """Seconds that pass in a second of the machine; 0 for a virtual clock."""
    skew: float
    """Seconds that the server is ahead of its clock, by a fault."""
    next_event: float | None
    """When something will happen by itself; null: nothing will."""


class Advance(Body):
    """How far to move a virtual clock: one of the three."""

    by: Duration | None = None
    to: float | None = Field(default=None, allow_inf_nan=False, le=LATEST)
    """Seconds since the epoch; a clock never goes back."""
    to_next_event: bool = False
    """To the moment at which something happens by itself next."""

    @model_validator(mode="after")
    def _one(self) -> Advance:
        given = [self.by is not None, self.to is not None, self.to_next_event]
        if sum(given) != 1:
            raise ValueError(f"expected one of by, to and to_next_event, but got {sum(given)} of them")
        return self


# --- jobs ---------------------------------------------------------------------------------------------------------


class JobsQuery(Body):
    """Which jobs to list, newest first."""

    status: str = "*"
    """A glob, as ``RUNNING`` or ``FINISHED:*``."""
    name: str = "*"
    """A glob."""
    submitter: str = "*"
    """A glob."""
    limit: Limit = 100
    timeline: bool = False
    """With what happened to each."""


class JobView(Answer):
    """A job."""

    id: str
    number: int
    """Its place in the order of submission, from 1."""
    name: str
    status: str
    submitter: str
    org: str
    role: str
    study: str
    submitted: float | None
    started: float | None
    """When it began to run."""
    ended: float | None
    """When it ceased to run."""
    sites: list[str]
    """Those that run it, or did."""
    has_workspace: bool
    """Whether the server has stored a workspace for it."""
    timeline: list[EventView] | None = None
    """What happened to it, oldest first; null where nobody asked."""


class JobList(Answer):
    """Jobs, newest first."""

    total: int
    """How many there are on the server, whatever was asked for."""
    found: int
    """How many fit what was asked for."""
    jobs: list[JobView]


class JobDetail(JobView):
    """A job, whole."""

    timeline: list[EventView] | None
    meta: dict[str, Any]
    """What clients see."""
    result: dict[str, Any]
    """What it leaves in the workspace, beside the files of every job."""
    logs: dict[str, list[str]]
    """Lines that stages wrote, by site and ``server``."""


class Wait(Body):
    """What to wait for."""

    status: str = "FINISHED"
    """As ``RUNNING``; ``FINISHED`` is any end."""
    timeout: Duration = 60.0
    """How long, on the server's clock: a virtual one is moved."""


AddedResult = ResultSpec
"""What is added to the result of a job: files with their texts, a size, trees of files."""


# --- sites and sessions -------------------------------------------------------------------------------------------


class SiteView(Answer):
    """A site."""

    name: str
    org: str
    connected: bool
    disabled: bool
    """Whether it is kept out, as by ``disable_client``."""
    since: float
    """When it connected."""


class SiteChange(Body):
    """What is to become of a site; what is left out stays."""

    connected: bool | None = None
    disabled: bool | None = None


class SessionView(Answer):
    """An admin session."""

    number: int
    """The how-manieth of the server it is; what faults call ``session``."""
    mark: str
    """What stands for its token in the transcript."""
    user: str
    org: str
    role: str | None
    study: str
    started: float
    last_used: float
    expires: float
    """When it is over, if no command comes."""


class Expired(Answer):
    """Sessions that are over."""

    expired: int


# --- faults -------------------------------------------------------------------------------------------------------


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


# --- what came ----------------------------------------------------------------------------------------------------


class CallsQuery(Body):
    """Which commands to list, oldest first."""

    command: str = "*"
    """A glob on the name."""
    user: str = "*"
    """A glob."""
    limit: Limit = 1_000
    """The newest so many."""


class CallView(Answer):
    """One command that came."""

    name: str
    args: list[str]
    user: str
    session: str
    """A mark that tells sessions apart; empty for a login."""
    answer: str
    """The form of the answer: ``reply``, ``file``, ``empty``, ``silence``, ``close`` or ``reset``."""
    status: str | None
    """The status in the meta of the reply."""
    error: str
    upload_size: int | None
    """Bytes of the file that came with it."""


class CallList(Answer):
    """Commands that came, oldest first."""

    found: int
    """How many fit what was asked for."""
    calls: list[CallView]


class TranscriptQuery(Body):
    """Which entries of the transcript to list, oldest first."""

    since: int = Field(default=0, ge=0)
    """Only entries with a greater number."""
    limit: Limit = 500
    """The newest so many of those that fit."""
    before: int | None = Field(default=None, ge=1)
    """Only entries with a lesser number: what is older than the first one that came."""
    kind: list[Kind] = []
    """All kinds where none is named."""
    direction: list[Direction] = []
    user: str = "*"
    """A glob."""
    connection: int | None = Field(default=None, ge=0)
    session: str = ""
    """The mark of a session."""
    text: str = ""
    """Words that must all be in an entry, whatever their case."""


class EntryView(Answer):
    """An entry of the transcript."""

    number: int
    time: str
    connection: int
    user: str
    session: str
    direction: str
    kind: str
    summary: str
    detail: dict[str, Any]


class TranscriptView(Answer):
    """Entries of the transcript, oldest first."""

    last: int
    """The number of the newest entry of all; ask with it as ``since`` for what comes after."""
    found: int
    """How many fit what was asked for."""
    entries: list[EntryView]


# --- kits ---------------------------------------------------------------------------------------------------------


Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
"""Seconds since the epoch."""


class KitOrder(User):
    """Who a startup kit is for, and what is to be wrong with it."""

    broken: str | None = None
    """What is wrong with it on purpose, by its name, as ``expired``; nothing by default."""
    common_name: str | None = None
    """Who stands in the certificate, where that is to be another than the user."""
    not_before: Moment | None = None
    """From when the certificate holds; from now on by default."""
    not_after: Moment | None = None
    """Until when it holds; 360 days by default."""

    @field_validator("broken")
    @classmethod
    def _is_known(cls, broken: str | None) -> str | None:
        if broken is not None:
            check_one_of(broken, BROKEN_KITS)
        return broken


class KitQuery(Body):
    """Which kit of a user."""

    broken: str | None = None
    """The one that is broken so; the right one by default."""


class KitView(Answer):
    """A startup kit."""

    name: str
    """The user."""
    path: str
    """The folder above ``startup``, on the server's machine."""
    broken: str | None
    """What is wrong with it on purpose; null: nothing."""


class BrokenKitView(Answer):
    """A way in which a kit can be broken on purpose."""

    name: str
    what: str
    """What is wrong with it."""
    part: str
    """The part of the kit that is broken."""
    possible: bool
    """Whether kits of this server can be broken so."""


# --- rights and studies -------------------------------------------------------------------------------------------


class PolicyView(Answer):
    """Who may do what on the server."""

    content: dict[str, Any]
    """As an ``authorization.json``."""


class StudyView(Answer):
    """A study."""

    name: str
    site_orgs: dict[str, list[str]]
    """The sites that take part, by organisation."""
    users: list[str]
    """Who may work in it."""
