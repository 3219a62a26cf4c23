"""Calls as data, and what came of them.

A program is a sequence of calls in which jobs are named by their place (``Nth``); before a call is played, real ids,
names and tokens are put in. So a program can be drawn, shrunk, printed and played on any server.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from conformance.jobs import JobKind

CONNECT_SECONDS = 5.0
"""The timeout of ``try_connect``."""


@dataclasses.dataclass(frozen=True)
class Nth:
    """A job by its place: 0 is the one that came last, whether or not it is still there."""

    back: int


@dataclasses.dataclass(frozen=True)
class MadeBy:
    """A job by the number of the call that made it."""

    number: int


@dataclasses.dataclass(frozen=True)
class IdPrefix:
    """The begin of a job's id."""

    job: Nth | MadeBy
    length: int
    upper: bool = False


class Fault(enum.Enum):
    """What is wrong with a definition."""

    NO_FOLDER = "no folder"
    """There is none: the client finds it itself."""
    BAD_RESOURCES = "bad resource_spec"
    """Its ``resource_spec`` is no object: the server refuses it."""


@dataclasses.dataclass(frozen=True)
class Definition:
    """A job definition; two that are equal have equal files.

    Attributes:
        kind: how the job fares.
        tail: the end of its name.
        fault: what is wrong with it.
    """

    kind: JobKind
    tail: str
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """Its name, as scripts have it."""
        return f"{self.kind.value}-{self.tail}"


@dataclasses.dataclass(frozen=True)
class NamePrefix:
    """The begin of a job's name, as scripts have it, in small or large letters."""

    kind: JobKind
    tail: str
    upper: bool = False


@dataclasses.dataclass(frozen=True)
class SubmitJob:
    """``submit_job``; ``name`` is the real name of the job once it is known."""

    session: str
    definition: Definition
    token: Any = None
    name: str = ""


@dataclasses.dataclass(frozen=True)
class CallOnJob:
    """A method that takes a job id alone; the id may be a wrong one."""

    session: str
    method: str
    job: Any


@dataclasses.dataclass(frozen=True)
class ListJobs:
    """``list_jobs``."""

    session: str
    detailed: Any = False
    limit: Any = None
    id_prefix: Any = None
    name_prefix: Any = None
    reverse: Any = False
    token: Any = None


class Until(enum.Enum):
    """When the callback of a monitor ends it."""

    FIRST = "at once"
    STARTED = "when the job is no longer SUBMITTED"
    END = "never"


@dataclasses.dataclass(frozen=True)
class MonitorJob:
    """``monitor_job`` with a callback."""

    session: str
    job: Any
    until: Until


@dataclasses.dataclass(frozen=True)
class GetSystemInfo:
    """``get_system_info``."""

    session: str


@dataclasses.dataclass(frozen=True)
class TryConnect:
    """``try_connect`` on a session that is connected or closed."""

    session: str


@dataclasses.dataclass(frozen=True)
class CloseSession:
    """``close``."""

    session: str


@dataclasses.dataclass(frozen=True)
class OpenSession:
    """Another session in the place of one that is over."""

    session: str


@dataclasses.dataclass(frozen=True)
class ExpireSessions:
    """The server ends every admin session; no call of a client."""

    session: str = ""


Call = (
    SubmitJob
    | CallOnJob
    | ListJobs
    | MonitorJob
    | GetSystemInfo
    | TryConnect
    | CloseSession
    | OpenSession
    | ExpireSessions
)
Program = tuple[Call, ...]
Steps = tuple[tuple[int, Call], ...]
"""Calls with their numbers."""

JOB_METHODS = ("get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result")
READS = (ListJobs, GetSystemInfo, MonitorJob)


def is_read(call: Call) -> bool:
    """Whether a call changes nothing on the server."""
    return isinstance(call, READS) or (isinstance(call, CallOnJob) and call.method == "get_job_meta")


def makes_job(call: Call) -> bool:
    """Whether a call returns the id of a new job, if it succeeds."""
    return isinstance(call, SubmitJob) or (isinstance(call, CallOnJob) and call.method == "clone_job")


@dataclasses.dataclass(frozen=True)
class Returned:
    """A call returned."""

    value: Any = None

    def __str__(self) -> str:
        return f"it to return {self.value!r:.300}"


@dataclasses.dataclass(frozen=True)
class Raised:
    """A call raised an exception.

    Attributes:
        types: the names of its class and of the bases, nearest first.
        text: its message.
    """

    types: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.types[0] if self.types else 'Exception'}: {self.text:.300}"


Outcome = Returned | Raised


@dataclasses.dataclass(frozen=True)
class Monitored:
    """What a monitor did.

    Attributes:
        code: the name of the ``MonitorReturnCode``.
        metas: what the callback was given, in order.
    """

    code: str
    metas: tuple[Any, ...]
