"""How jobs fare: which rule is for which job, and the stages that lead a job through its life.

A rule says ``queued``, ``running`` and ``outcome``, which is short, or ``stages``, which is all there is; either way
the engine gets stages. Which status may follow which is not decided here but in ``mock_server.jobs.states``.
"""

from __future__ import annotations

import enum
import fnmatch
import functools
import random
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from flare_client.protocol.jobs import SERVER_SITE, JobMetaKey, JobStatus
from mock_server.jobs.states import LATE_WRITES, TRANSITIONS
from mock_server.quantities import Duration, read_duration
from mock_server.scenarios.base import Part, check_one_of, hint, raise_faults
from mock_server.scenarios.results import ResultSpec

OUTCOMES = {
    status.value.partition(":")[2]: status
    for status in JobStatus
    if status.is_finished and status not in (JobStatus.FINISHED_CANT_SCHEDULE, JobStatus.FINISHED_FAILED_TO_RUN)
}
"""How a job that ran may end."""

UNREACHABLE_OUTCOMES = {
    "CAN_NOT_SCHEDULE": "it follows from min_clients or mandatory_clients that the connected sites do not meet",
    "FAILED_TO_RUN": "it follows from a definition that cannot be deployed, as one with a false signature",
}
"""Ends that the short form cannot ask for, and where they come from; a stage from SUBMITTED can."""

FIXED_META = frozenset(
    key.value
    for key in (
        JobMetaKey.JOB_ID,
        JobMetaKey.STATUS,
        JobMetaKey.SUBMIT_TIME,
        JobMetaKey.STUDY,
        JobMetaKey.DEPLOY_MAP,
        JobMetaKey.MIN_CLIENTS,
        JobMetaKey.MANDATORY_CLIENTS,
        JobMetaKey.SCHEDULE_COUNT,
        JobMetaKey.SCHEDULE_HISTORY,
        JobMetaKey.LAST_SCHEDULE_TIME,
    )
)
"""What no stage may change: the engine itself goes by it."""

_STATUSES = {status.value: status for status in JobStatus if status is not JobStatus.APPROVED}
_MAX_REPEAT = 1_000_000


class Distribution(enum.Enum):
    """How delays vary."""

    UNIFORM = "uniform"
    """Evenly, from the mean less the jitter to the mean plus the jitter."""
    NORMAL = "normal"
    """Around the mean, with the jitter as standard deviation."""
    EXPONENTIAL = "exponential"
    """As waiting times do: mostly short, some long."""


class Delay(Part):
    """How long a job stays before a stage."""

    mean: Duration
    jitter: Duration = 0.0
    distribution: Distribution = Distribution.UNIFORM
    most: Duration | None = None
    """No delay is longer."""

    @model_validator(mode="after")
    def _possible(self) -> Delay:
        if self.distribution is Distribution.EXPONENTIAL and self.jitter:
            raise ValueError("expected no jitter where the distribution is exponential: the mean says it all")
        return self

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same each time."""
        return not self.jitter and self.distribution is not Distribution.EXPONENTIAL

    @property
    def fixed(self) -> float:
        """The delay that is the same each time, in seconds."""
        return self.mean if self.most is None else min(self.mean, self.most)

    def draw(self, chance: random.Random) -> float:
        """One delay, in seconds."""
        seconds = self.mean
        if self.distribution is Distribution.EXPONENTIAL:
            seconds = chance.expovariate(1.0 / self.mean) if self.mean else 0.0
        elif self.distribution is Distribution.NORMAL:
            seconds = chance.gauss(self.mean, self.jitter)
        elif self.jitter:
            seconds = chance.uniform(self.mean - self.jitter, self.mean + self.jitter)
        return max(0.0, seconds if self.most is None else min(seconds, self.most))


def read_delay(value: object) -> object:
    """A delay as a model takes it: a duration alone is its mean."""
    return value if isinstance(value, (dict, Delay)) else {"mean": read_duration(value)}


AnyDelay = Annotated[Delay, BeforeValidator(read_delay, json_schema_input_type=Delay | float | str)]
"""A delay as it stands in a scenario: a duration, or how it varies."""


def _read_status(value: object) -> object:
    if isinstance(value, JobStatus):
        return value
    if not isinstance(value, str) or value not in _STATUSES:
        raise ValueError(f"expected one of {', '.join(_STATUSES)}, but got {value!r:.60}{hint(value, _STATUSES)}")
    return _STATUSES[value]


_Status = Annotated[JobStatus, BeforeValidator(_read_status)]


class Match(Part):
    """Which jobs a rule is for. All that is said must be so; text is a glob, in which case matters."""

    name: str = "*"
    """A glob on the name of the job, or of its folder where it has no name."""
    submitter: str = "*"
    study: str = "*"
    meta: dict[str, str] = Field(default_factory=dict)
    """Keys of the job's meta, and a glob on the text of each; a key that is not there matches nothing."""
    occurrence: int | None = Field(default=None, ge=1)
    """Only the n-th of the jobs that match otherwise."""

    def fits(self, name: str, submitter: str, study: str, meta: dict[str, Any]) -> bool:
        """Whether a job matches, apart from its occurrence."""
        return (
            fnmatch.fnmatchcase(name, self.name)
            and fnmatch.fnmatchcase(submitter, self.submitter)
            and fnmatch.fnmatchcase(study, self.study)
            and all(key in meta and fnmatch.fnmatchcase(str(meta[key]), glob) for key, glob in self.meta.items())
        )


class Stage(Part):
    """A step in the life of a job: from a status, after a delay, to another, or just something that happens meanwhile.

    Of the stages from the status of a job the first that is not used up is the next.
    """

    origin: _Status = Field(alias="from")
    delay: AnyDelay = Field(default_factory=lambda: Delay(mean=0.0))
    to: _Status | None = None
    """The next status; ``None``: the job stays where it is. A job gets from SUBMITTED to DISPATCHED only once the
    scheduler finds a place and the sites for it."""
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    """Otherwise the stage is passed over, which counts as if it had been taken."""
    repeat: int = Field(default=1, ge=1, le=_MAX_REPEAT)
    """How often a job may take it."""
    meta: dict[str, Any] = Field(default_factory=dict)
    """What is written into the meta of the job."""
    log: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    """Lines for the log of the server's job, or by the names of sites and ``server``."""
    errors: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    """What ``show_errors`` says, by the names of sites and ``server``: texts by component and kind."""
    result: ResultSpec | None = None
    """What is added to the result."""
    saves: bool | None = None
    """Whether the server has the workspace from now on; by default it has it once a job that ran is over. An end with
    ``saves: false`` and a later stage from that status with ``saves: true`` make a workspace that comes late."""

    @field_validator("meta")
    @classmethod
    def _may_change(cls, meta: dict[str, Any]) -> dict[str, Any]:
        raise_faults(
            ((key,), f"expected another key, as {key!r} is the engine's own") for key in meta if key in FIXED_META
        )
        return meta

    @model_validator(mode="after")
    def _legal(self) -> Stage:
        if self.to is None or self.to is self.origin:
            return self
        ways = TRANSITIONS[self.origin] | LATE_WRITES.get(self.origin, frozenset())
        if self.to not in ways:
            known = ", ".join(sorted(way.value for way in ways)) or "nothing"
            text = f"expected a status that follows {self.origin.value} ({known}), but got {self.to.value!r}"
            raise_faults([(("to",), text)])
        return self

    @property
    def target(self) -> JobStatus | None:
        """The status that it leads to, where that is another one."""
        return None if self.to is self.origin else self.to

    @property
    def changes_result(self) -> bool:
        """Whether a workspace that was made before is no longer right."""
        return bool(self.meta or self.log) or self.result is not None

    @property
    def lines(self) -> dict[str, tuple[str, ...]]:
        """The lines of logs, by the names of sites and ``server``."""
        return self.log if isinstance(self.log, dict) else {SERVER_SITE: self.log} if self.log else {}


class Plan(Part):
    """What the engine follows: every stage, and the result that a job has in any case."""

    stages: tuple[Stage, ...]
    result: ResultSpec

    @functools.cached_property
    def by_origin(self) -> dict[JobStatus, tuple[tuple[int, Stage], ...]]:
        """The stages from each status, with their places among all."""
        found: dict[JobStatus, list[tuple[int, Stage]]] = {}
        for index, stage in enumerate(self.stages):
            found.setdefault(stage.origin, []).append((index, stage))
        return {origin: tuple(stages) for origin, stages in found.items()}


DEFAULT_QUEUED = 0.1
DEFAULT_RUNNING = 0.5
_SHORT = ("queued", "running", "outcome")


class JobRule(Part):
    """How the jobs that match fare."""

    match: Match = Field(default_factory=Match)
    queued: Duration = DEFAULT_QUEUED
    """From submission to the first look of the scheduler."""
    running: Duration = DEFAULT_RUNNING
    """From the start to the end."""
    outcome: str = "COMPLETED"
    """The status after ``FINISHED:``."""
    result: ResultSpec = Field(default_factory=ResultSpec)
    stages: tuple[Stage, ...] | None = None
    """Instead of ``queued``, ``running`` and ``outcome``. Where the last of them leaves SUBMITTED or DISPATCHED open,
    the job goes on as usual; a job that no stage leads out of RUNNING runs until somebody stops it."""

    @field_validator("outcome")
    @classmethod
    def _known(cls, outcome: str) -> str:
        if outcome in UNREACHABLE_OUTCOMES:
            raise ValueError(f"expected an end of a job that ran, but got {outcome!r}: {UNREACHABLE_OUTCOMES[outcome]}")
        check_one_of(outcome, OUTCOMES)
        return outcome

    @model_validator(mode="after")
    def _one_form(self) -> JobRule:
        if self.stages is not None:
            both = [name for name in _SHORT if name in self.model_fields_set]
            raise_faults(((name,), "expected it or `stages`, but both are there") for name in both)
        return self

    @property
    def status(self) -> JobStatus:
        """The status in which the job of a short rule ends."""
        return OUTCOMES[self.outcome]

    @functools.cached_property
    def plan(self) -> Plan:
        """The rule as stages."""
        begin = _stage(JobStatus.SUBMITTED, self.queued, JobStatus.DISPATCHED)
        deploy = _stage(JobStatus.DISPATCHED, 0.0, JobStatus.RUNNING)
        if self.stages is None:
            end = _stage(JobStatus.RUNNING, self.running, self.status)
            return Plan(stages=(begin, deploy, end), result=self.result)
        return Plan(stages=(*self.stages, begin, deploy), result=self.result)


def _stage(origin: JobStatus, delay: float, to: JobStatus) -> Stage:
    return Stage.model_validate({"from": origin, "delay": Delay(mean=delay), "to": to})


DEFAULT_RULE = JobRule()
