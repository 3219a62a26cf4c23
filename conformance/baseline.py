"""Known failures of a client: a file that lists them with a reason each, so that a run fails for new ones alone.

An entry that is wrong is an error, not a silence: a contract that passes though it is listed makes the run fail, and
an entry that matches no contract is refused.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import glob
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.contract import RELEASES, Contract
from conformance.results import Result, Verdict

_HEADER = "# Known failures; see docs/guides/running.md. An entry whose contract passes makes the run fail.\n"


class BaselineError(ValueError):
    """A file is no baseline for this catalogue; a line for each fault, with the line of the file and the field."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Entry(_Model):
    """A known failure."""

    id: str = Field(min_length=1)
    """The id of a contract, or a glob."""
    reason: str = Field(min_length=1)
    """Why it fails, for people."""
    release: str | None = None
    """Only in runs of this release line."""
    client: str | None = None
    """Only in runs of clients whose name matches this glob."""

    def applies(self, release: str, client: str) -> bool:
        """Whether it is about runs of a release and a client."""
        return self.release in (None, release) and (self.client is None or fnmatch.fnmatchcase(client, self.client))


class _File(_Model):
    known_failures: Annotated[tuple[Entry, ...], Field(strict=False)]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The known failures of a run.

    Attributes:
        entries: in the order of the file; the first one that matches a contract gives the reason.
    """

    entries: tuple[Entry, ...] = ()

    def judge(self, result: Result, release: str, client: str) -> Result:
        """A result in the light of what is known.

        Args:
            result: of a contract.
            release: the release line of the run.
            client: the name of the client, as the run names it.
        """
        matching = (
            entry
            for entry in self.entries
            if entry.applies(release, client) and fnmatch.fnmatchcase(result.contract, entry.id)
        )
        entry = next(matching, None)
        if entry is None:
            return result
        if result.verdict is Verdict.FAILED:
            message = f"known: {entry.reason}; {result.message}"
            return dataclasses.replace(result, verdict=Verdict.EXPECTED_FAILURE, message=message)
        if result.verdict is Verdict.PASSED:
            message = f"the baseline says that it fails ({entry.id}: {entry.reason}): remove or narrow the entry"
            return dataclasses.replace(result, verdict=Verdict.UNEXPECTED_PASS, message=message)
        return result


NOTHING_KNOWN = Baseline()
"""The baseline of a client without known failures."""


def read(path: Path, catalogue: Sequence[Contract]) -> Baseline:
    """Read a baseline, YAML or JSON.

    Args:
        path: the file.
        catalogue: every contract there is.

    Raises:
        BaselineError: the file cannot be read, is no baseline, or names what is not there.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except OSError as problem:
        raise BaselineError(f"{path}: expected a baseline, but {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise BaselineError(f"{path}: expected UTF-8 text, but {problem}") from problem
    except yaml.MarkedYAMLError as problem:
        line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise BaselineError(f"{path}{line}: expected YAML or JSON, but {problem.problem}") from problem
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        raise BaselineError(f"{path}: expected YAML or JSON, but {problem}") from problem
    if not isinstance(content, dict):
        raise BaselineError(f"{path}:1: expected a mapping with known_failures, but got {content!r:.60}")
    if doubles := [f"{path}{line}: {field}: expected once, but it stands twice" for line, field in _doubles(node)]:
        raise BaselineError("\n".join(doubles))
    try:
        entries = _File.model_validate(content).known_failures
    except ValidationError as problem:
        raise BaselineError("\n".join(_describe(error, path, node) for error in problem.errors())) from None
    faults = [
        f"{path}{_place(node, ('known_failures', number, field))}: {text}"
        for number, entry in enumerate(entries)
        for field, text in _strangers(entry, catalogue)
    ]
    if faults:
        raise BaselineError("\n".join(faults))
    return Baseline(entries)


def _strangers(entry: Entry, catalogue: Sequence[Contract]) -> Iterator[tuple[str, str]]:
    """What an entry names that is not there: the field, and what is wrong."""
    if entry.release is not None and entry.release not in RELEASES:
        yield "release", f"expected one of the releases {', '.join(RELEASES)}, but got {entry.release!r}"
        return
    # An entry without a release may be about a contract of any.
    ids = [one.id for one in catalogue if entry.release is None or entry.release in one.releases]
    if not any(fnmatch.fnmatchcase(one, entry.id) for one in ids):
        where = f" of release {entry.release}" if entry.release is not None else ""
        yield "id", f"expected the id of a contract{where}, or a glob that matches one, but got {entry.id!r}"


def write(path: Path, results: Iterable[Result], release: str, client: str) -> int:
    """Write the failures of a run as a baseline, JSON where the name of the file ends so.

    Args:
        path: the file.
        results: of the run; those that failed, expected or not, become entries.
        release: the release line of the run.
        client: the name of the client.

    Returns:
        How many entries there are.

    Raises:
        OSError: the file cannot be written.
    """
    failed = [one for one in results if one.verdict in (Verdict.FAILED, Verdict.EXPECTED_FAILURE)]
    entries = [
        {"id": one.contract, "reason": _reason(one), "release": release, "client": glob.escape(client)}
        for one in failed
    ]
    content = {"known_failures": entries}
    if path.suffix == ".json":
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
        path.write_text(_HEADER + text, encoding="utf-8")
    return len(entries)


def _reason(result: Result) -> str:
    """The reason of an entry, kept as it is where the failure was known."""
    if result.verdict is Verdict.EXPECTED_FAILURE:
        return result.message.removeprefix("known: ").split("; ", 1)[0]
    return (result.message.splitlines() or ["failed"])[0][:200]


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int | None:
    """The line of the innermost part of a path that is there."""
    line = node.start_mark.line + 1 if node is not None else None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _doubles(node: yaml.Node | None, field: str = "") -> Iterator[tuple[str, str]]:
    """Keys that stand twice: YAML keeps the last and says nothing, so an entry would be lost in silence."""
    if isinstance(node, yaml.SequenceNode):
        for number, element in enumerate(node.value):
            yield from _doubles(element, f"{field}[{number}]")
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            inner = f"{field}.{key.value}".lstrip(".")
            if key.value in seen:
                yield f":{key.start_mark.line + 1}", inner
            seen.add(key.value)
            yield from _doubles(value, inner)


def _place(node: yaml.Node | None, path: Sequence[int | str]) -> str:
    line = _line(node, path)
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return f"{f':{line}' if line else ''}: {field or 'baseline'}"


def _describe(error: Any, path: Path, node: yaml.Node | None) -> str:
    text = str(error["msg"])
    if error["type"] == "extra_forbidden":
        text = f"expected no such field, but got {error['input']!r:.60}"
    elif error["type"] == "missing":
        text = "expected this field, but it is not there"
    else:
        text = f"expected {text.removeprefix('Input should be ').lower()}, but got {error['input']!r:.60}"
    return f"{path}{_place(node, error['loc'])}: {text}"
