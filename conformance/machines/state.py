"""What is known of a server at one moment: jobs, tokens, sessions, downloads. Frozen, so that a search can go back."""

from __future__ import annotations

import dataclasses
import enum

from conformance.jobs import JobKind
from conformance.machines.calls import Definition
from conformance.machines.phases import Phase, Phases, settle
from conformance.machines.users import User


@dataclasses.dataclass(frozen=True)
class Job:
    """A job as the model knows it.

    Attributes:
        id: as the server gave it.
        name: its name, and that of its folder.
        kind: how it fares.
        submitter: whose it is.
        cloned_from: the id of the job that it is a clone of.
        phases: where it may stand.
        is_deleted: whether it is gone; its id stays known.
        submitted: the time of submission as the server writes it, once it was seen.
    """

    id: str
    name: str
    kind: JobKind
    submitter: User
    cloned_from: str | None = None
    phases: Phases = frozenset()
    is_deleted: bool = False
    submitted: str | None = None

    def moved(self, phases: Phases | set[Phase]) -> Job:
        """The job in one of these phases, or where it may be from there."""
        return dataclasses.replace(self, phases=settle(self.kind, phases))


@dataclasses.dataclass(frozen=True)
class TokenRecord:
    """A submission with a token; the token is the submitter's own.

    Attributes:
        user: whose token it is.
        token: the token.
        definition: what was submitted with it.
        job_id: the job that it stands for.
    """

    user: str
    token: str
    definition: Definition
    job_id: str


class Link(enum.Enum):
    """How a session stands."""

    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that is known.

    Attributes:
        jobs: every job that ever was, in the order of submission.
        tokens: the submissions with a token.
        links: how each session stands, by its name.
        downloads: user and job of each download that succeeded.
    """

    jobs: tuple[Job, ...] = ()
    tokens: tuple[TokenRecord, ...] = ()
    links: tuple[tuple[str, Link], ...] = ()
    downloads: tuple[tuple[str, str], ...] = ()

    def find(self, job_id: str) -> Job | None:
        """The job of an id, unless it is gone."""
        return next((job for job in self.jobs if job.id == job_id and not job.is_deleted), None)

    def with_job(self, changed: Job) -> State:
        """The state in which a job is as given; a new one comes last."""
        if any(job.id == changed.id for job in self.jobs):
            jobs = tuple(changed if job.id == changed.id else job for job in self.jobs)
        else:
            jobs = (*self.jobs, changed)
        return dataclasses.replace(self, jobs=jobs)

    def link(self, session: str) -> Link:
        """How a session stands."""
        return dict(self.links).get(session, Link.OPEN)

    def with_link(self, session: str, link: Link) -> State:
        """The state in which a session stands so."""
        return dataclasses.replace(self, links=tuple(sorted({**dict(self.links), session: link}.items(), key=_by_name)))


def _by_name(entry: tuple[str, Link]) -> str:
    return entry[0]
