"""Scenarios: how jobs fare, who the users and sites are, and the limits of the server, as a file of YAML.

A scenario is checked as a whole before anything starts; each fault is reported with its line and its field.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from flare_client.protocol.formats import DEFAULT_STUDY, is_study_name
from flare_client.protocol.jobs import SERVER_SITE, JobStatus
from mock_server.faults.rules import Rule
from mock_server.quantities import Duration, Size
from mock_server.sites import Site
from mock_server.studies import Studies, Study

OFFICIAL_MAX_DOWNLOAD_SIZE = 50 * 1024 * 1024 * 1204
"""The limit of official 2.3 servers; the last factor is theirs (observed: 2.3.12)."""
OFFICIAL_DOWNLOAD_URL = "http://download.server.com/"
OFFICIAL_MAX_JOBS = 4

ROLES = ("project_admin", "org_admin", "lead", "member")

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
"""Ends that no rule can ask for, and where they come from."""

BIG_FILE = "result.bin"
"""The file of a result that has the size a rule asks for."""

_FAULTS = "faults"


class ScenarioError(ValueError):
    """A scenario is unusable; the text lists every fault with source, line and field."""


def _raise(faults: Iterable[tuple[tuple[int | str, ...], str]]) -> None:
    """Raise the faults found inside a field, each with its place there, unless there are none."""
    found = list(faults)
    if found:
        text = "; ".join(text for _, text in found)
        raise PydanticCustomError(_FAULTS, "{text}", {"text": text, _FAULTS: found})


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
        _raise(((name,), text) for name, text in _path_faults(list(files)))
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
        if outcome in UNREACHABLE_OUTCOMES:
            raise ValueError(f"expected an end of a job that ran, but got {outcome!r}: {UNREACHABLE_OUTCOMES[outcome]}")
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

    name: str = Field(min_length=1, max_length=64)
    """As in the certificate, and the name of the kit's folder."""
    org: str = Field(default="nvidia", min_length=1, max_length=64)
    role: str = "project_admin"

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if name in (".", "..") or not name.isprintable() or "/" in name or "\\" in name:
            raise ValueError(f"expected a name that a folder can have, but got {name!r}")
        return name

    @field_validator("role")
    @classmethod
    def _known(cls, role: str) -> str:
        if role not in ROLES:
            raise ValueError(f"expected one of {', '.join(ROLES)}, but got {role!r}")
        return role


class SiteSpec(_Model):
    """A site that is connected."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Of the characters that official clients take in the name of a site."""
    org: str = Field(default="nvidia", min_length=1, max_length=64)

    @field_validator("name")
    @classmethod
    def _is_no_server(cls, name: str) -> str:
        if name == SERVER_SITE:
            raise ValueError(f"expected the name of a site, but {SERVER_SITE!r} is the server")
        return name


class StudySpec(_Model):
    """A study that is there from the start, on releases that have studies (from 2.8 on)."""

    name: str
    sites: dict[str, tuple[str, ...]] = {}
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


def _path_faults(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that cannot stand for files below a workspace beside each other, each with what is wrong."""
    paths: dict[PurePosixPath, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
            yield name, f"expected a path below the workspace, but got {name!r}"
        elif path == PurePosixPath(BIG_FILE):
            yield name, f"expected another name, as {BIG_FILE!r} is the file that `size` makes"
        elif path in paths:
            yield name, f"expected each file once, but {paths[path]!r} and {name!r} are the same"
        paths.setdefault(path, name)
    for path, name in paths.items():
        above = next((parent for parent in path.parents if parent in paths and parent.parts), None)
        if above is not None:
            yield name, f"expected a path below a folder, but {paths[above]!r} is a file"


def _twice(names: Iterable[str]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield (index, "name"), f"expected each name once, but {name!r} stands twice"
        seen.add(name)


class Scenario(_Model):
    """Everything about a server that a test may want to choose."""

    jobs: tuple[JobRule, ...] = ()
    """The first rule that matches a job counts; a job that none matches fares as a rule without fields says."""
    limits: ServerLimits = Field(default_factory=ServerLimits)
    users: tuple[User, ...] = ()
    sites: tuple[SiteSpec, ...] | None = None
    studies: tuple[StudySpec, ...] = ()
    faults: tuple[Rule, ...] = ()
    """What goes wrong, and when."""
    idle_timeout: Duration | None = None
    """Seconds without a command after which an admin session is over; that of the release by default."""

    @field_validator("users")
    @classmethod
    def _users_once(cls, users: tuple[User, ...]) -> tuple[User, ...]:
        _raise(_twice(user.name for user in users))
        return users

    @field_validator("sites")
    @classmethod
    def _sites_once(cls, sites: tuple[SiteSpec, ...] | None) -> tuple[SiteSpec, ...] | None:
        _raise(_twice(site.name for site in sites or ()))
        return sites

    @field_validator("studies")
    @classmethod
    def _studies_once(cls, studies: tuple[StudySpec, ...]) -> tuple[StudySpec, ...]:
        _raise(_twice(study.name for study in studies))
        return studies

    def rule_for(self, name: str) -> JobRule:
        """The rule for a job of that name."""
        return next((rule for rule in self.jobs if fnmatch.fnmatchcase(name, rule.match.name)), DEFAULT_RULE)

    def sites_or(self, default: list[Site]) -> list[Site]:
        """The sites that the scenario names, or the given ones where it names none."""
        return default if self.sites is None else [Site(site.name, site.org) for site in self.sites]

    def first_studies(self) -> Studies:
        """The studies of a server that has just started."""
        return Studies(
            {
                study.name: Study({org: list(sites) for org, sites in study.sites.items()}, list(study.users))
                for study in self.studies
            }
        )

    @classmethod
    def load(cls, path: str | Path) -> Scenario:
        """Read a scenario file.

        Raises:
            ScenarioError: the file cannot be read, or is no scenario.
        """
        path = Path(path)
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
            content = yaml.safe_load(text)
        except yaml.MarkedYAMLError as problem:
            line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
            raise ScenarioError(f"{source}{line}: expected YAML, but {problem.problem}") from problem
        except (yaml.YAMLError, RecursionError) as problem:
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
        faults = [_fault(source, line, path, "expected once, but it stands twice") for line, path in _doubles(node)]
        if not isinstance(content, dict):
            expected = f"expected a mapping of {', '.join(cls.model_fields)}, but got {content!r:.60}"
            raise ScenarioError(_fault(source, _line(node, ()), (), expected))
        try:
            scenario = cls.model_validate(content)
        except ValidationError as problem:
            faults += [fault for error in problem.errors() for fault in _describe(error, source, node)]
        if faults:
            raise ScenarioError("\n".join(faults))
        return scenario


DEFAULT_RULE = JobRule()


_Path = tuple["int | str", ...]


def _doubles(root: yaml.Node | None) -> Iterator[tuple[int, _Path]]:
    """Find keys that stand twice: YAML keeps the last and says nothing, so that a rule would be lost in silence."""
    seen: set[int] = set()
    waiting: list[tuple[yaml.Node | None, _Path]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if node is None or id(node) in seen:
            continue  # an alias: what it stands for was looked at where it is written
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(element, (*path, index)) for index, element in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in keys:
                    yield key.start_mark.line + 1, (*path, name)
                keys.add(name)
                waiting.append((value, (*path, name)))


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


def _fault(source: str, line: int | None, path: Sequence[int | str], text: str) -> str:
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "scenario"
    return f"{source}{f':{line}' if line else ''}: {field}: {text}"


def _describe(error: Any, source: str, node: yaml.Node | None) -> Iterator[str]:
    """Put an error of the model into words, one line a fault."""
    path = tuple(error["loc"])
    if error["type"] == _FAULTS:
        for inner, text in error["ctx"][_FAULTS]:
            yield _fault(source, _line(node, (*path, *inner)), (*path, *inner), text)
        return
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        text = f"expected no such field, but got {error['input']!r:.60}"
    elif error["type"] == "missing":
        text = "expected this field, but it is not there"
    elif error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        known = error["ctx"].get("expected_tags", "a name")
        text = f"expected a kind of {known}, but got {error['input']!r:.60}"
    elif text.startswith("Input should be "):
        text = f"expected {text.removeprefix('Input should be ')}, but got {error['input']!r:.60}"
    elif not text.startswith("expected"):
        text = f"expected that {text[:1].lower()}{text[1:]}, but got {error['input']!r:.60}"
    yield _fault(source, _line(node, path), path, text)
