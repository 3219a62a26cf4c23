"""Scenarios: how jobs fare, who the users and sites are, and the limits of the server, as a file of YAML.

A scenario is checked as a whole before anything starts; each fault is reported with its line and its field.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from flare_client.protocol.jobs import SERVER_SITE, JobStatus
from mock_server.jobs.sites import Site
from mock_server.quantities import read_duration, read_size

OFFICIAL_MAX_DOWNLOAD_SIZE = 50 * 1024 * 1024 * 1204
"""The limit of official 2.3 servers; the last factor is theirs (observed: 2.3.12)."""
OFFICIAL_DOWNLOAD_URL = "http://download.server.com/"
OFFICIAL_MAX_JOBS = 4
OFFICIAL_IDLE_TIMEOUT = 3600.0

ROLES = ("project_admin", "org_admin", "lead", "member")

OUTCOMES = {
    status.value.partition(":")[2]: status
    for status in JobStatus
    if status.is_finished and status not in (JobStatus.FINISHED_CANT_SCHEDULE, JobStatus.FINISHED_FAILED_TO_RUN)
}
"""How a job that ran may end. That it is never scheduled, or cannot be deployed, follows from sites and definition."""

Duration = Annotated[float, BeforeValidator(read_duration)]
"""Seconds; written as ``100ms``, ``2s``, ``1h`` or a number."""
Size = Annotated[int, BeforeValidator(read_size)]
"""Bytes; written as ``10MiB``, ``1GB`` or a number."""


class ScenarioError(ValueError):
    """A scenario is unusable; the text lists every fault with source, line and field."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Match(_Model):
    """Which jobs a rule is for."""

    name: str = "*"
    """A glob on the name of the job, or of its folder where it has no name. Case matters."""


class ResultSpec(_Model):
    """What a job leaves in the server's workspace, beside the files of every job."""

    files: dict[str, str] = Field(default_factory=dict)
    """Paths below the workspace, and the text of each."""
    size: Size = 0
    """Bytes of one more file, ``result.bin``."""

    @field_validator("files")
    @classmethod
    def _inside(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            path = PurePosixPath(name)
            if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
                raise ValueError(f"expected paths below the workspace, but got {name!r}")
        return files


class JobRule(_Model):
    """How the jobs that match fare."""

    match: Match = Field(default_factory=Match)
    queued: Duration = 0.1
    """From submission to the first look of the scheduler."""
    running: Duration = 0.5
    """From the start to the end."""
    outcome: str = "COMPLETED"
    """The status after ``FINISHED:``."""
    result: ResultSpec = Field(default_factory=ResultSpec)

    @field_validator("outcome")
    @classmethod
    def _known(cls, outcome: str) -> str:
        if outcome not in OUTCOMES:
            raise ValueError(f"expected one of {', '.join(OUTCOMES)}, but got {outcome!r}")
        return outcome

    @property
    def status(self) -> JobStatus:
        """The status in which the job ends."""
        return OUTCOMES[self.outcome]


class ServerLimits(_Model):
    """The limits of the server."""

    max_download_size: Size = OFFICIAL_MAX_DOWNLOAD_SIZE
    """A larger result is not sent by a release 2.3, but named by its address."""
    download_url: str = OFFICIAL_DOWNLOAD_URL
    """What stands before the job id in that address."""
    max_jobs: int = Field(default=OFFICIAL_MAX_JOBS, ge=1)
    """Jobs that run at the same time."""


class User(_Model):
    """A user who gets a startup kit from ``flare-mock serve``."""

    name: str = Field(min_length=1)
    org: str = Field(default="nvidia", min_length=1)
    role: str = "project_admin"

    @field_validator("role")
    @classmethod
    def _known(cls, role: str) -> str:
        if role not in ROLES:
            raise ValueError(f"expected one of {', '.join(ROLES)}, but got {role!r}")
        return role


class SiteSpec(_Model):
    """A site that is connected."""

    name: str = Field(min_length=1)
    org: str = Field(default="nvidia", min_length=1)


def _unique(names: Sequence[str], what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"expected each {what} once, but {name!r} stands twice")
        seen.add(name)


class Scenario(_Model):
    """Everything about a server that a test may want to choose."""

    jobs: tuple[JobRule, ...] = ()
    """The first rule that matches a job counts; a job that none matches fares as a rule without fields says."""
    limits: ServerLimits = Field(default_factory=ServerLimits)
    users: tuple[User, ...] = ()
    sites: tuple[SiteSpec, ...] | None = None
    idle_timeout: Duration = OFFICIAL_IDLE_TIMEOUT
    """Seconds without a command after which an admin session is over."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Scenario:
        _unique([user.name for user in self.users], "user")
        _unique([site.name for site in self.sites or ()], "site")
        if any(site.name == SERVER_SITE for site in self.sites or ()):
            raise ValueError(f"expected names of sites, but {SERVER_SITE!r} is the server")
        return self

    def rule_for(self, name: str) -> JobRule:
        """The rule for a job of that name."""
        return next((rule for rule in self.jobs if fnmatch.fnmatchcase(name, rule.match.name)), DEFAULT_RULE)

    def sites_or(self, default: list[Site]) -> list[Site]:
        """The sites that the scenario names, or the given ones where it names none."""
        return default if self.sites is None else [Site(site.name, site.org) for site in self.sites]

    @classmethod
    def load(cls, path: Path) -> Scenario:
        """Read a scenario file.

        Raises:
            ScenarioError: the file cannot be read, or is no scenario.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as problem:
            raise ScenarioError(f"{path}: expected a scenario file, but {problem.strerror}") from problem
        except UnicodeDecodeError as problem:
            raise ScenarioError(f"{path}: expected UTF-8 text, but {problem}") from problem
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "<scenario>") -> Scenario:
        """Read a scenario from its text.

        Args:
            text: YAML; an empty text is the scenario of all defaults.
            source: the name for error messages.

        Raises:
            ScenarioError: the text is no scenario.
        """
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            _refuse_duplicates(node, source)
            content = yaml.safe_load(text)
        except yaml.MarkedYAMLError as problem:
            line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
            raise ScenarioError(f"{source}{line}: expected YAML, but {problem.problem}") from problem
        except yaml.YAMLError as problem:
            raise ScenarioError(f"{source}: expected YAML, but {problem}") from problem
        return cls._check({} if content is None else content, source, node)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Scenario:
        """Read a scenario from the content that its file would have.

        Raises:
            ScenarioError: the content is no scenario.
        """
        return cls._check(content, "<scenario>", None)

    @classmethod
    def _check(cls, content: object, source: str, node: yaml.Node | None) -> Scenario:
        if not isinstance(content, dict):
            raise ScenarioError(f"{source}:1: expected a mapping of {_fields(cls)}, but got {type(content).__name__}")
        try:
            return cls.model_validate(content)
        except ValidationError as problem:
            lines = [_describe(error, source, node) for error in problem.errors()]
            raise ScenarioError("\n".join(lines)) from None


DEFAULT_RULE = JobRule()


def _fields(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _refuse_duplicates(node: yaml.Node | None, source: str) -> None:
    """YAML keeps the last of two equal keys and says nothing: a rule would be lost in silence."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ScenarioError(
                    f"{source}:{key.start_mark.line + 1}: {key.value}: expected once, but it stands twice"
                )
            seen.add(key.value)
            _refuse_duplicates(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_duplicates(value, source)


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int | None:
    """The line of the innermost part of a path that is there."""
    if node is None:
        return None
    line: int = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def _describe(error: Any, source: str, node: yaml.Node | None) -> str:
    path = error["loc"]
    line = _line(node, path)
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "scenario"
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = f"expected no such field, but got {error['input']!r:.60}"
    elif not text.startswith("expected"):
        text = f"{text[:1].lower()}{text[1:]}, but got {error['input']!r:.60}"
    return f"{source}{f':{line}' if line else ''}: {field}: {text}"
