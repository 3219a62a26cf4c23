"""The seam between the engine and what outlives it: the engine tells what changed, and begins with what was kept.

Owns the names of facts, of which there is one each, and what each looks like. Knows neither files nor databases. What
is told is kept together, or not at all, when the journal is committed.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import BaseModel, TypeAdapter

from flare_client.protocol.envelope import Json
from mock_server.jobs.store import Job
from mock_server.jobs.submissions import Record, Scope

SITES, STUDIES, BEGAN, SUBMITTED, LAST_JOB, OCCURRENCES = (
    "sites",
    "studies",
    "began",
    "submitted",
    "last job",
    "occurrences",
)


class StudiesFact(BaseModel):
    """The fact ``STUDIES``: of each study its name, the sites of each organisation and the users."""

    are_kept: bool
    studies: list[tuple[str, dict[str, list[str]], list[str]]]


FACTS: Mapping[str, TypeAdapter[Any]] = MappingProxyType(
    {
        SITES: TypeAdapter(dict[str, dict[str, bool]]),
        STUDIES: TypeAdapter(StudiesFact),
        BEGAN: TypeAdapter(float),
        SUBMITTED: TypeAdapter(dict[str, int]),
        LAST_JOB: TypeAdapter(dict[str, int]),
        OCCURRENCES: TypeAdapter(dict[str, int]),
    }
)
"""What each fact looks like: one that does not was not written by a server."""


class Journal(Protocol):
    """Takes note of what changes."""

    def changed(self, job: Job) -> None:
        """A job is new, or no longer what it was."""

    def removed(self, job: Job) -> None:
        """A job is gone; its files go with it, once nobody can want the job back."""

    def submitted(self, scope: Scope, record: Record) -> None:
        """A submit token stands for a job, or for one that was deleted."""

    def note(self, name: str, fact: Json) -> None:
        """Something of which there is one, as the number of the last job."""

    def commit(self) -> None:
        """Keep all that was told since the last time.

        Raises:
            StateError: it cannot be kept; it is tried again the next time.
        """


class Forgetful:
    """Keeps nothing: what there is ends with the process."""

    def changed(self, job: Job) -> None:
        """Nothing is kept."""

    def removed(self, job: Job) -> None:
        """Remove the files of a job; nobody can want it back."""
        shutil.rmtree(job.folder, ignore_errors=True)

    def submitted(self, scope: Scope, record: Record) -> None:
        """Nothing is kept."""

    def note(self, name: str, fact: Json) -> None:
        """Nothing is kept."""

    def commit(self) -> None:
        """Nothing is kept."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What there is of a server of before.

    Attributes:
        jobs: its jobs, in the order of their submission.
        submissions: its submissions with a token.
        facts: what was noted, by name.
        time: until when all that was due had happened, in seconds since the epoch.
    """

    jobs: Sequence[Job]
    submissions: Mapping[Scope, Record]
    facts: Mapping[str, Json]
    time: float

    def numbers(self, name: str) -> dict[str, int]:
        """A fact that is numbers by name; empty where it was never noted."""
        found = self.facts.get(name)
        return {key: int(value) for key, value in found.items()} if isinstance(found, dict) else {}
