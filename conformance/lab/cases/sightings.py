"""What clients were seen to do, kept beside the lab's module: by client, the day, the software and every case.

Owns: the form on disk. What a lab sees in a case is a dataclass of its own, below ``Sighting``: what is empty is not
written, and a field that is ``passing`` neither written nor compared.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from conformance.lab.compatibility import RecordError
from conformance.lab.provenance import today, versions

_PASSING = "passing"


def passing(default: Any) -> Any:
    """A field of a sighting that is of the moment: it is for who looks on, neither kept nor compared.

    Args:
        default: its value where there is nothing to say.
    """
    return dataclasses.field(default=default, compare=False, metadata={_PASSING: True})


@dataclasses.dataclass(frozen=True)
class Sighting:
    """What a client did in a case.

    Attributes:
        outcome: the class that it raised, or a word of ``bench``.
    """

    outcome: str

    @property
    def came_about(self) -> bool:
        """Whether the client got into the situation of the case at all."""
        return True

    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        kept = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default and _PASSING not in field.metadata:
                kept[field.name] = round(value, 1) if isinstance(value, float) else value
        return kept


S = TypeVar("S", bound=Sighting)


@dataclasses.dataclass(frozen=True)
class Measured(Generic[S]):
    """What was measured of one client.

    Attributes:
        date: the day.
        versions: of the software that took part, by its name.
        cases: what was seen, by the names of cases.
    """

    date: str
    versions: Mapping[str, str]
    cases: Mapping[str, S]


Sightings = Mapping[str, Measured[S]]
"""By the names of clients."""


NOTHING: Measured[Any] = Measured("", {}, {})
"""What is known of a client that was never measured."""


def measured_now(cases: Mapping[str, S], official: str | None) -> Measured[S]:
    """What is being measured.

    Args:
        cases: what was seen.
        official: the version of the official client, if it is one.

    Raises:
        PeerUnavailable: it cannot be had here.
    """
    return Measured(today(), versions(official), cases)


def load(path: Path, kind: type[S]) -> dict[str, Measured[S]]:
    """Read what was measured; nothing where there is no file.

    Args:
        path: the file.
        kind: what the lab sees in a case.

    Raises:
        RecordError: it is no such file.
    """
    if not path.is_file():
        return {}
    try:
        return {
            client: Measured(one["date"], one["versions"], {name: kind(**seen) for name, seen in one["cases"].items()})
            for client, one in json.loads(path.read_text(encoding="utf-8")).items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise RecordError(
            f"expected {path} to hold date, versions and cases of each client, but: {type(problem).__name__}: {problem}"
        ) from None


def save(path: Path, sightings: Sightings[S]) -> None:
    """Write what was measured."""
    told = {
        client: {
            "date": one.date,
            "versions": dict(one.versions),
            "cases": {name: seen.record() for name, seen in one.cases.items()},
        }
        for client, one in sightings.items()
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
