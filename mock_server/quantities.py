"""Durations and sizes as people write them: ``100ms``, ``2h``, ``10MiB``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

_NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*$")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


def _read(value: object, units: dict[str, float], plain: float, what: str, example: str) -> float:
    expected = f"expected a {what} as {example} or a number from 0 on"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{expected}, but got {value!r}")
    if isinstance(value, (int, float)):
        if value < 0 or not math.isfinite(value):
            raise ValueError(f"{expected}, but got {value!r}")
        return float(value) * plain
    match = _NUMBER.match(value)
    if match is None or (match[2] and match[2] not in units):
        raise ValueError(f"{expected} (units: {', '.join(units)}), but got {value!r}")
    return float(match[1]) * (units[match[2]] if match[2] else plain)


def read_duration(value: object) -> float:
    """Read a duration, in seconds.

    Args:
        value: a text with a unit (ms, s, m, h, d), or a number of seconds.

    Raises:
        ValueError: the value is no duration; the text says what was expected and what came.
    """
    return _read(value, _SECONDS, 1.0, "duration", "`100ms`, `2s`, `1.5h`")


def read_size(value: object) -> int:
    """Read a size, in bytes.

    Args:
        value: a text with a unit (KiB, MiB, kB, MB ...), or a number of bytes.

    Raises:
        ValueError: the value is no size; the text says what was expected and what came.
    """
    return int(_read(value, {k: float(v) for k, v in _BYTES.items()}, 1.0, "size", "`512KiB`, `10MiB`, `1GB`"))


_MAX_NUMBER = 1e15
"""Seconds or bytes; more cannot be meant."""

_T = TypeVar("_T")


def _finite(read: Callable[[object], _T]) -> Callable[[object], _T]:
    """Refuse numbers that are too large to count with."""

    def checked(value: object) -> _T:
        try:
            result = read(value)
        except OverflowError:
            result = None
        if result is None or (isinstance(result, (int, float)) and result > _MAX_NUMBER):
            raise ValueError(f"expected a number up to {_MAX_NUMBER:g}, but got {value!r:.60}")
        return result

    return checked


Duration = Annotated[float, BeforeValidator(_finite(read_duration), json_schema_input_type=float | str)]
"""Seconds, in a model; written as ``100ms``, ``2s``, ``1h`` or a number."""
Size = Annotated[int, BeforeValidator(_finite(read_size), json_schema_input_type=int | str)]
"""Bytes, in a model; written as ``10MiB``, ``1GB`` or a number."""
