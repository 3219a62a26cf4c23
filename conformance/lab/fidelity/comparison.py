"""Whether the mock did what the official server did: same outcome, same shape, same value.

- Same outcome: both returned, or both raised an exception of the same class.
- Same shape: beside that, the same types in the same places: keys of dicts, attributes of objects, what lists hold,
  whether a text is empty or has more than one line; of an exception the classes that it is of.
- Same value: beside that, the same in every detail, the order of keys, what the client printed and what a callback was
  given included, after the rules of ``normalisation.py``.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from conformance.lab.fidelity.peer import Seen

NOT_MADE = Seen(raised=("not made",), text="the job that it is about was not there")
"""What stands for a probe that one server had no occasion for; one that neither had is left out."""


class Likeness(enum.IntEnum):
    """How like two outcomes are; each grade includes the ones before."""

    DIFFERENT = 0
    SAME_OUTCOME = 1
    SAME_SHAPE = 2
    SAME_VALUE = 3


@dataclasses.dataclass(frozen=True)
class Compared:
    """One probe on both servers.

    Attributes:
        key: the probe's.
        method: its method.
        likeness: what came of the comparison.
        official: what came on the official server, normalised.
        mock: what came on the mock, likewise.
    """

    key: str
    method: str
    likeness: Likeness
    official: str
    mock: str


def likeness(official: Seen, mock: Seen) -> Likeness:
    """How like what came on two servers is; both are normalised."""
    if official.raised[:1] != mock.raised[:1]:
        return Likeness.DIFFERENT
    if official.raised != mock.raised or shape(official.value) != shape(mock.value):
        return Likeness.SAME_OUTCOME
    return Likeness.SAME_VALUE if written(official) == written(mock) else Likeness.SAME_SHAPE


def written(seen: Seen) -> str:
    """What came, as a text that is equal where it is."""
    return json.dumps(dataclasses.asdict(seen))


def shape(value: Any) -> Any:
    """The types of a value, and where they stand."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        kinds = sorted({json.dumps(shape(item), sort_keys=True) for item in value})
        return ["list", *kinds]
    if isinstance(value, str):
        return "empty text" if not value else "text" if "\n" not in value.strip("\n") else "lines"
    return type(value).__name__


def compare(methods: Mapping[str, str], official: Mapping[str, Seen], mock: Mapping[str, Seen]) -> tuple[Compared, ...]:
    """Compare every probe.

    Args:
        methods: the method of each probe, by its key.
        official: what came on the official server, by the same keys, normalised.
        mock: what came on the mock, likewise.
    """
    return tuple(
        _compared(key, method, official.get(key, NOT_MADE), mock.get(key, NOT_MADE))
        for key, method in methods.items()
        if key in official or key in mock
    )


def _compared(key: str, method: str, official: Seen, mock: Seen) -> Compared:
    return Compared(key, method, likeness(official, mock), shown(official), shown(mock))


def shown(seen: Seen) -> str:
    """What came, for readers."""
    parts = [f"{seen.raised[0]}: {seen.text}" if seen.raised else f"returned {json.dumps(seen.value)}"]
    parts += [f"printed {seen.printed!r}"] if seen.printed else []
    parts += [f"the callback was given {json.dumps(seen.given)}"] if seen.given else []
    return "; ".join(parts)
