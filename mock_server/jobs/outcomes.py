"""What comes of a call to the engine, what happens meanwhile, and what the server around it has to say."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection
from pathlib import Path

from mock_server.jobs.store import Job


class AbortOutcome(enum.Enum):
    """What came of an abort."""

    BEFORE_RUN = enum.auto()
    """The job had not begun to run, and never will."""
    SIGNALLED = enum.auto()
    """The job ran, and was stopped."""
    ALREADY_DONE = enum.auto()
    """The job was over; nothing changed."""
    LOST = enum.auto()
    """The job seems to run, but ended with a server of before; nothing changed."""


class JobIsRunning(RuntimeError):
    """A job that runs, or is about to, cannot be deleted."""


class JobExists(RuntimeError):
    """There is a job of that id already; the text is that of official releases from 2.8 on, with its path."""


SignatureCheck = Callable[[Path, str], "str | None"]
"""Takes a definition and the folder of an app in it; returns what is wrong, or ``None``."""


@dataclasses.dataclass(frozen=True)
class ServerRules:
    """What a server has to say about jobs; whatever is ``None`` is not looked at.

    Attributes:
        verify_signature: checks the signatures of an app when it is deployed.
        may_deploy_byoc: says whether the submitter of a job that brings code may do so.
        sites_of_study: names the sites of a study; ``None`` where that does not matter.
    """

    verify_signature: SignatureCheck | None = None
    may_deploy_byoc: Callable[[Job], bool] | None = None
    sites_of_study: Callable[[str], Collection[str] | None] | None = None


@dataclasses.dataclass(frozen=True)
class Occurrence:
    """Something that happened.

    Attributes:
        time: when, in seconds since the epoch.
        what: the status of a job, or a word for what else it is.
        job: the job that it happened to; ``None``: to the server or a site.
        detail: the site, lines of a log, the reason.
    """

    time: float
    what: str
    job: Job | None = None
    detail: str = ""


Witness = Callable[[Occurrence], None]
"""Is told what happens, as it happens."""
