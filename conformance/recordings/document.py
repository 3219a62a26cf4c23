"""The form of a recording on disk: a folder of two files.

``scenario.yaml`` is a scenario like any other, for the mock; ``recording.yaml`` says where it came from, what each call
returned, and what of that is not compared.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from conformance.contract import RELEASES
from conformance.recordings.probes import FIRST, LOOKS, OWN_JOBS, WATCH
from mock_server import Scenario, ScenarioError
from mock_server.scenarios import loading
from mock_server.scenarios.base import check_one_of

FORMAT = "flare-conformance recording"
VERSION = 1
SCENARIO_FILE = "scenario.yaml"
RECORDING_FILE = "recording.yaml"

_SCENARIO_HEADER = (
    "# What a server answered, as a scenario for the mock; recording.yaml beside it says which and when.\n"
)
_HEADER = (
    "# What a server answered; see docs/guides/recording.md. `flare-conformance record check` plays it on the mock.\n"
)


class RecordingError(ValueError):
    """A recording is unusable; a line for each fault, with the file, the line and the field."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


_Many = Field(default=(), strict=False)


class Raised(_Model):
    """An exception that a call raised."""

    kind: str = Field(min_length=1)
    text: str


class Seen(_Model):
    """A status that a watch saw, from when to when."""

    status: str = Field(min_length=1)
    first: float = Field(ge=0, strict=False)
    last: float = Field(ge=0, strict=False)


_METHODS = frozenset(probe.method for probe in (*FIRST, *LOOKS, *OWN_JOBS))
"""What is ever asked for; whatever else a file names is not called."""


class Entry(_Model):
    """A call, and what came of it: it returned something, raised something, or saw statuses."""

    call: str
    args: Annotated[tuple[Any, ...], _Many]
    options: dict[str, Any] = Field(default_factory=dict)
    at: float = Field(ge=0, strict=False)
    """Seconds since the first call."""
    returned: Any = None
    raised: Raised | None = None
    seen: Annotated[tuple[Seen, ...] | None, Field(strict=False)] = None
    only_end: bool = False
    """Whether only the last status counts."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Entry:
        there = [name for name in ("returned", "raised", "seen") if name in self.model_fields_set]
        if len(there) != 1:
            raise ValueError(f"expected one of returned, raised and seen, but got {', '.join(there) or 'none'}")
        if self.seen is not None and not self.seen:
            raise ValueError("expected a status at least in seen, but it is empty")
        if self.call == WATCH and (self.seen is None or len(self.args) != 1):
            raise ValueError(f"expected seen, and a job in args, of the call {WATCH}, but got {there[0]}, {self.args}")
        if self.call != WATCH and self.seen is not None:
            raise ValueError(f"expected returned or raised of the call {self.call}, but got seen")
        return self

    @field_validator("call")
    @classmethod
    def _is_asked_for(cls, call: str) -> str:
        check_one_of(call, sorted(_METHODS))
        return call


class Missing(_Model):
    """A call that was not made, or came to nothing, and why."""

    call: str
    reason: str


class Gap(_Model):
    """Fields of a job that are not compared, because no scenario can say them."""

    job: str
    fields: Annotated[tuple[str, ...], Field(strict=False)]
    reason: str


class NotCompared(_Model):
    """What of all answers is not compared."""

    what: str
    shown: str
    reason: str


class User(_Model):
    """Who asked."""

    name: str = Field(min_length=1)
    org: str
    role: str


class Made(_Model):
    """Where a recording came from."""

    date: str
    command: str
    release: str
    """The release line of the server."""
    server: str
    """What was recorded, and in which version, as far as that was told."""
    hosts: Annotated[tuple[str, ...], _Many]
    """The names of hosts that were left in."""
    user: User
    versions: dict[str, str]
    seconds: float = Field(ge=0, strict=False)
    own_jobs: bool


class Recording(_Model):
    """A whole recording."""

    format: Literal["flare-conformance recording"]
    version: Literal[1]
    made: Made
    complete: bool
    missing: Annotated[tuple[Missing, ...], _Many]
    gaps: Annotated[tuple[Gap, ...], _Many]
    not_compared: Annotated[tuple[NotCompared, ...], _Many]
    transcript: Annotated[tuple[Entry, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _in_order(self) -> Recording:
        for before, after in itertools.pairwise(self.transcript):
            if after.at < before.at:
                raise ValueError(f"expected calls in the order of time, but {after.at:g} s follows {before.at:g} s")
        return self


def read(folder: Path) -> tuple[Recording, Scenario]:
    """Read a recording.

    Args:
        folder: what ``record`` wrote.

    Raises:
        RecordingError: it cannot be read, or is no recording, or is of another version of this package.
    """
    path = folder / RECORDING_FILE
    try:
        content, node = loading.read_yaml(path.read_text(encoding="utf-8"), str(path))
        doubles = [
            loading.fault_text(str(path), line, place, "expected once, but it stands twice")
            for line, place in loading.doubles(node)
        ]
    except OSError as problem:
        raise RecordingError(f"{path}: expected a recording, but {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise RecordingError(f"{path}: expected UTF-8 text, but {problem}") from problem
    except ScenarioError as problem:
        raise RecordingError(str(problem)) from problem
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RecordingError(f"{path}:1: format: expected {FORMAT!r}, but got {_format_of(content)!r:.60}")
    if content.get("version") != VERSION:
        line = loading.line_of(node, ("version",))
        raise RecordingError(f"{path}:{line}: version: expected {VERSION}, but got {content.get('version')!r:.60}")
    if doubles:
        raise RecordingError("\n".join(doubles))
    try:
        recording = Recording.model_validate(content)
    except ValidationError as problem:
        faults = (_describe(error, path, node) for error in problem.errors())
        raise RecordingError("\n".join(dict.fromkeys(faults))) from None
    if recording.made.release not in RELEASES:
        line = loading.line_of(node, ("made", "release"))
        expected = f"expected one of {', '.join(RELEASES)}, but got {recording.made.release!r}"
        raise RecordingError(f"{path}:{line}: made.release: {expected}")
    try:
        return recording, Scenario.load(folder / SCENARIO_FILE)
    except ScenarioError as problem:
        raise RecordingError(str(problem)) from problem


def check_folder(folder: Path) -> None:
    """Check that a recording can be written to a folder, before it is made.

    Raises:
        ValueError: nothing can be written there.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(f"{folder}: expected a folder to write to, but {there} is none")


def write(folder: Path, recording: Recording, scenario: dict[str, Any]) -> None:
    """Write a recording; files of an earlier one are replaced.

    Args:
        folder: made where there is none.
        recording: the facts and the transcript.
        scenario: the content of the scenario.

    Raises:
        ScenarioError: the scenario is none, which is a fault of this package.
        OSError: a file cannot be written.
    """
    text = _SCENARIO_HEADER + _yaml(scenario)
    Scenario.parse(text, str(folder / SCENARIO_FILE))
    folder.mkdir(parents=True, exist_ok=True)
    content = recording.model_dump(exclude_unset=True)
    (folder / SCENARIO_FILE).write_text(text, encoding="utf-8")
    (folder / RECORDING_FILE).write_text(_HEADER + _yaml(content), encoding="utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes each value where it stands, and texts of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the form of the library
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text and all(line == line.rstrip() for line in text.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_list(list(value)))


def _yaml(content: dict[str, Any]) -> str:
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def _format_of(content: object) -> object:
    return content.get("format") if isinstance(content, dict) else content


def _describe(error: Any, path: Path, node: yaml.Node | None) -> str:
    place: Sequence[int | str] = error["loc"]
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = f"expected no such field, but got {error['input']!r:.60}"
    elif error["type"] == "missing":
        text = "expected this field, but it is not there"
    elif not text.startswith("expected"):
        text = f"expected {text.removeprefix('Input should be ')}, but got {error['input']!r:.60}"
    return loading.fault_text(str(path), loading.line_of(node, place), place, text)
