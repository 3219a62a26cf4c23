"""Differences that stay, and why: ``explanations.yaml``, keyed by probes, releases and what differs.

Owns: reading that file, finding what explains a difference, and finding explanations that explain nothing any more.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from conformance.lab.fidelity.comparison import Compared, Likeness
from conformance.lab.fidelity.probe import EVERY_RELEASE

FILE = Path(__file__).with_name("explanations.yaml")

DIFFERS = {
    "outcome": Likeness.DIFFERENT,
    "shape": Likeness.SAME_OUTCOME,
    "value": Likeness.SAME_SHAPE,
}
"""What differs first, in the words of the file."""
_FIELDS = {"probes", "releases", "differs", "reason", "sometimes"}


class ExplanationError(Exception):
    """The file of explanations is not as it should be; the text says where and why."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why some differences are there.

    Attributes:
        reason: in words for readers.
        probes: the keys of the probes; ``*`` stands for anything.
        differs: what differs first: one or more of ``outcome``, ``shape`` and ``value``.
        releases: the release lines.
        sometimes: whether the official server is at times one way and at times the other, so that a run may show
            nothing to explain.
    """

    reason: str
    probes: tuple[str, ...]
    differs: tuple[str, ...]
    releases: tuple[str, ...]
    sometimes: bool = False

    def explains(self, release: str, one: Compared) -> bool:
        """Whether a difference is among those that it is for."""
        return (
            release in self.releases
            and one.likeness in {DIFFERS[word] for word in self.differs}
            and any(_pattern(glob).fullmatch(one.key) for glob in self.probes)
        )


def load(path: Path = FILE) -> tuple[Explanation, ...]:
    """Read the explanations.

    Raises:
        ExplanationError: the file cannot be read, or an entry lacks something or has something unknown.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise ExplanationError(f"{path}: {problem}") from problem
    if not isinstance(entries, list):
        raise ExplanationError(f"{path}: expected a list of explanations, but got {type(entries).__name__}")
    return tuple(_explanation(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, 1))


def _explanation(entry: Any, where: str) -> Explanation:
    if not isinstance(entry, dict) or set(entry) - _FIELDS or not {"probes", "reason", "differs"} <= set(entry):
        raise ExplanationError(
            f"{where}: expected {sorted(_FIELDS)} (releases and sometimes may be left out), but got {entry!r:.200}"
        )
    found = Explanation(
        str(entry["reason"]).strip(),
        _words(entry["probes"]),
        _words(entry["differs"]),
        _words(entry.get("releases", list(EVERY_RELEASE))),
        entry.get("sometimes", False),
    )
    if not isinstance(found.sometimes, bool):
        raise ExplanationError(f"{where}: expected sometimes as true or false, but got {found.sometimes!r}")
    for given, known in ((found.differs, DIFFERS), (found.releases, EVERY_RELEASE)):
        unknown = [word for word in given if word not in known]
        if unknown:
            raise ExplanationError(f"{where}: expected some of {', '.join(known)}, but got {', '.join(unknown)}")
    if not found.reason or not found.probes:
        raise ExplanationError(f"{where}: expected a reason and at least one probe")
    return found


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, glob.split("*"))), re.DOTALL)


def explanation_of(release: str, one: Compared, explanations: Iterable[Explanation]) -> Explanation | None:
    """What explains a difference: the first that does; ``None`` where there is none."""
    return next((explanation for explanation in explanations if explanation.explains(release, one)), None)


def stale(explanations: Iterable[Explanation], compared: Mapping[str, Sequence[Compared]]) -> tuple[Explanation, ...]:
    """Explanations that explain nothing.

    Args:
        explanations: all of them.
        compared: what was compared, by release line. Explanations of releases that were not run all are not judged,
            nor are those of what is so at times alone.
    """
    return tuple(
        one
        for one in explanations
        if not one.sometimes
        and set(one.releases) <= set(compared)
        and not any(one.explains(release, found) for release in one.releases for found in compared[release])
    )
