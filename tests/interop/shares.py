"""What CI tries of long tables: everything once, each time with another release. `make official` tries all of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")

WHOLE = bool(os.environ.get("FLARE_WHOLE"))
"""Whether everything is tried with every release."""


def share(number: int, choices: Sequence[_T]) -> Sequence[_T]:
    """The releases with which a row of a table is tried.

    Args:
        number: of the row.
        choices: the releases that it holds for.
    """
    return choices if WHOLE or not choices else [choices[number % len(choices)]]
