"""What all parts of a scenario have in common: their strictness, and how they tell what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

FAULTS = "faults"
"""The type of an error of several faults, and the name of what holds them."""

Place = tuple["int | str", ...]
"""The way to a field: names and indices."""


class ScenarioError(ValueError):
    """A scenario is unusable; the text lists every fault with source, line and field."""


class Part(BaseModel):
    """A part of a scenario: what it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def raise_faults(faults: Iterable[tuple[Place, str]]) -> None:
    """Raise the faults found inside a field, each with its place there, unless there are none."""
    found = list(faults)
    if found:
        text = "; ".join(text for _, text in found)
        raise PydanticCustomError(FAULTS, "{text}", {"text": text, FAULTS: found})


def hint(given: object, known: Collection[str]) -> str:
    """The name that was meant, as words to append, or nothing where none is near."""
    names = {name.upper(): name for name in known}
    wanted = str(given).upper()
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.6)
    if not near and len(wanted) > 2:
        near = [name for name in names if name.startswith(wanted)]
    return f" (did you mean {names[near[0]]!r}?)" if near else ""


def check_one_of(given: str, known: Iterable[str]) -> None:
    """Check that a name is known.

    Raises:
        ValueError: it is not; the text names those that are, and the nearest.
    """
    names = list(known)
    if given not in names:
        raise ValueError(f"expected one of {', '.join(names)}, but got {given!r}{hint(given, names)}")


def first_fault(problem: ValueError) -> str:
    """What is wrong with a value, in the words of the first fault that was found in it."""
    errors = getattr(problem, "errors", None)
    return str(errors()[0]["msg"]).removeprefix("Value error, ") if callable(errors) else str(problem)
