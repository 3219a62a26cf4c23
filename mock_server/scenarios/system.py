"""The system around the jobs: limits, scheduler, clock, users, sites, studies, what happens to them, and other jobs."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flare_client.protocol.formats import DEFAULT_STUDY, is_job_folder_name, is_study_name
from flare_client.protocol.jobs import SERVER_SITE
from mock_server.clock import LATEST, MAX_SPEED
from mock_server.jobs import patience
from mock_server.jobs.patience import Patience
from mock_server.quantities import Duration, Size
from mock_server.scenarios.base import Part, Place, hint, raise_faults
from mock_server.scenarios.jobs import Delay, read_delay
from mock_server.sites import Site
from mock_server.sites.plan import MachinePlan

OFFICIAL_MAX_DOWNLOAD_SIZE = 50 * 1024 * 1024 * 1204
"""The limit of official 2.3 servers; the last factor is theirs (observed: 2.3.12)."""
OFFICIAL_DOWNLOAD_URL = "http://download.server.com/"
OFFICIAL_MAX_JOBS = 4

ROLES = ("project_admin", "org_admin", "lead", "member")

SITE_NAME = r"^[A-Za-z0-9._-]{1,64}$"
NEVER = "never"
"""When a site answers that does not."""
_MAX_WORKLOAD = 1_000_000


class ServerLimits(Part):
    """The limits of the server."""

    max_download_size: Size = OFFICIAL_MAX_DOWNLOAD_SIZE
    """A larger result is not sent by a release 2.3, but named by its address."""
    download_url: str = OFFICIAL_DOWNLOAD_URL
    """What stands before the job id in that address."""
    max_jobs: int = Field(default=OFFICIAL_MAX_JOBS, ge=1)
    """Jobs that run at the same time."""


class SchedulerSpec(Part):
    """How patient the scheduler is; the names are those of its official configuration."""

    max_schedule_count: int = Field(default=patience.MAX_TRIES, ge=1)
    """Looks at a job before it is given up."""
    min_schedule_interval: Duration = patience.MIN_INTERVAL
    """Before the second look; each further wait is twice as long."""
    max_schedule_interval: Duration = patience.MAX_INTERVAL

    @property
    def patience(self) -> Patience:
        """The same for the scheduler."""
        return Patience(self.max_schedule_count, self.min_schedule_interval, self.max_schedule_interval)


def _read_start(value: object) -> object:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(f"expected a time as 2026-01-31T08:00:00Z, but got {value!r:.60}") from None
    if isinstance(value, datetime.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).timestamp()
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.timezone.utc).timestamp()
    return value


def _read_speed(value: object) -> object:
    if value == "virtual":
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_SPEED:
        raise ValueError(f"expected `virtual` or a number above 0, up to {MAX_SPEED:g}, but got {value!r:.60}")
    return float(value)


class ClockSpec(Part):
    """The time of the server."""

    start: (
        Annotated[float, Field(ge=0, le=LATEST), BeforeValidator(_read_start, json_schema_input_type=float | str)]
        | None
    ) = None
    """The first time, as ``2026-01-31T08:00:00Z``, or in seconds since the epoch; by default that of the machine."""
    speed: Annotated[
        Literal["virtual"] | float, BeforeValidator(_read_speed, json_schema_input_type=Literal["virtual"] | float)
    ] = 1.0
    """Seconds that pass in a second of the machine, or ``virtual``: none, until the clock is moved."""


class User(Part):
    """A user who gets a startup kit from ``flare-mock serve``."""

    name: str = Field(min_length=1, max_length=64)
    """As in the certificate, and the name of the kit's folder."""
    org: str = Field(default="nvidia", min_length=1, max_length=64)
    role: str = Field(default="project_admin", min_length=1, max_length=64)
    """One of the official four, or one that a policy of the scenario defines."""

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if name in (".", "..") or not name.isprintable() or "/" in name or "\\" in name:
            raise ValueError(f"expected a name that a folder can have, but got {name!r}")
        return name


def check_site_names(names: Collection[str]) -> None:
    """Check that sites can have these names, which are of the characters that official clients take.

    Raises:
        ValueError: one is no such name, is that of the server, or stands twice.
    """
    if isinstance(names, str):
        raise ValueError(f"expected the names of sites, but got the text {names!r:.80}")
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(SITE_NAME, name):
            raise ValueError(
                f"expected names of sites of 1 to 64 letters, digits and characters of `._-`, but got {name!r:.80}"
            )
        if name == SERVER_SITE:
            raise ValueError(f"expected the name of a site, but {SERVER_SITE!r} is the server")
        if name in seen:
            raise ValueError(f"expected each site once, but {name!r} stands twice")
        seen.add(name)


def _read_answers(value: object) -> object:
    return value if value is None or value == NEVER else read_delay(value)


class SiteSpec(MachinePlan):
    """A site, and the machine that it is."""

    name: str = Field(pattern=SITE_NAME)
    """Of the characters that official clients take in the name of a site."""
    org: str = Field(default="nvidia", min_length=1, max_length=64)
    joins: Duration | None = None
    """When it connects, after the start of the server; it is connected from the start by default."""
    leaves: Duration | None = None
    """When it is gone, after the start of the server; it stays by default."""
    disabled: bool = False
    """Whether it is kept out from the start, as by ``disable_client``."""
    answers: Annotated[
        Delay | Literal["never"] | None,
        BeforeValidator(_read_answers, json_schema_input_type=Delay | float | str | None),
    ] = None
    """How long it takes to answer a command, or ``never``; it answers at once by default."""

    @field_validator("name")
    @classmethod
    def _is_no_server(cls, name: str) -> str:
        check_site_names([name])
        return name

    @model_validator(mode="after")
    def _in_order(self) -> SiteSpec:
        if self.leaves is not None and self.joins is not None and self.leaves <= self.joins:
            text = f"expected a time after it joins ({self.joins:g} s), but got {self.leaves:g} s"
            raise_faults([(("leaves",), text)])
        return self

    def site(self) -> Site:
        """The site as it is when the server starts."""
        return Site(self.name, self.org, self.joins is None, disabled=self.disabled)


class StudySpec(Part):
    """A study that is there from the start, on releases that have studies (from 2.8 on)."""

    name: str
    sites: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The sites that take part, by organisation."""
    users: tuple[str, ...] = ()
    """Who may work in it; the role alone admits nobody."""

    @field_validator("name")
    @classmethod
    def _is_one(cls, name: str) -> str:
        if not is_study_name(name) or name == DEFAULT_STUDY:
            raise ValueError(
                f"expected the name of a study other than {DEFAULT_STUDY!r}: 1 to 63 lower-case letters, digits and, "
                f"inside, '_' and '-', but got {name!r}"
            )
        return name


class Happening(enum.Enum):
    """What may happen to the system by itself."""

    CONNECT = "connect"
    """A site connects."""
    DISCONNECT = "disconnect"
    """A site is gone."""
    DISABLE = "disable"
    """A site is kept out."""
    ENABLE = "enable"
    """A site is let in again."""
    RESTART = "restart"
    """The server restarts: connections and sessions are gone, what ran is lost."""
    SHUTDOWN = "shutdown"
    """The server stops serving."""
    EXPIRE_SESSIONS = "expire_sessions"
    """Every admin session is over."""

    @property
    def is_of_a_site(self) -> bool:
        """Whether a site must be named."""
        return self in (Happening.CONNECT, Happening.DISCONNECT, Happening.DISABLE, Happening.ENABLE)


class Event(Part):
    """Something that happens to the server or a site at a given time."""

    at: Duration
    """After the start of the server."""
    happens: Happening
    site: str | None = None
    every: Duration | None = None
    """Again after each such time."""
    times: int = Field(default=1, ge=1, le=100_000)
    """How often in all, with ``every``."""

    @model_validator(mode="after")
    def _complete(self) -> Event:
        if self.happens.is_of_a_site and self.site is None:
            raise_faults([(("site",), f"expected the site that is to {self.happens.value}, but it is not there")])
        if not self.happens.is_of_a_site and self.site is not None:
            raise_faults([(("site",), f"expected no site, as {self.happens.value!r} happens to the server")])
        if self.times > 1 and not self.every:
            raise_faults([(("times",), "expected `every` beside it, with more than 0 s")])
        return self

    def moments(self) -> Iterator[float]:
        """When it happens, in seconds after the start."""
        return (self.at + number * (self.every or 0.0) for number in range(self.times))


class Work(Part):
    """Jobs that somebody else submits, without a client."""

    at: Duration = 0.0
    """After the start of the server."""
    name: str
    """Of the job; with ``count`` above 1 each gets its number behind it."""
    count: int = Field(default=1, ge=1, le=_MAX_WORKLOAD)
    every: Duration = 0.0
    """Between two of them."""
    submitter: str = Field(default="lead@nvidia.com", min_length=1)
    org: str = Field(default="nvidia", min_length=1)
    role: str = Field(default="lead", min_length=1)
    meta: dict[str, Any] = Field(default_factory=dict)
    """What the definition's meta says beside, as ``min_clients``."""

    @field_validator("name")
    @classmethod
    def _names_a_job(cls, name: str) -> str:
        if not is_job_folder_name(name):
            raise ValueError(
                f"expected a name of letters, digits and '._-', the first a letter or a digit, but got {name!r}"
            )
        return name

    def job_name(self, number: int) -> str:
        """The name of the job of that number, from 0."""
        return self.name if self.count == 1 else f"{self.name}-{number + 1}"


def unknown_roles(given: Iterable[str], known: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Yield the places of roles that nobody knows.

    Args:
        given: the roles, in order.
        known: those of the official ones and of policies.
    """
    for index, role in enumerate(given):
        if role not in known:
            words = f"expected one of {', '.join(known)}, or a role that a policy of the scenario defines"
            yield (index, "role"), f"{words}, but got {role!r}{hint(role, known)}"


def twice(names: Iterable[str]) -> Iterator[tuple[Place, str]]:
    """Yield the places of names that stood before."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield (index, "name"), f"expected each name once, but {name!r} stands twice"
        seen.add(name)
