"""A part of a selection, for one of several machines."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TypeVar

_One = TypeVar("_One")
_FORM = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")


@dataclasses.dataclass(frozen=True)
class Shard:
    """Every so many-th contract of a selection: neighbours, which take alike long, go to different machines.

    Attributes:
        number: which one, from 1.
        count: how many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``2/8``, the second of eight.

        Raises:
            ValueError: it is something else.
        """
        match = _FORM.fullmatch(text)
        if match is None or int(match[1]) > int(match[2]):
            raise ValueError(f"expected a shard as 2/8, the second of eight, but got {text!r}")
        return cls(int(match[1]), int(match[2]))

    def of(self, selection: Sequence[_One]) -> list[_One]:
        """Its part of a selection.

        Raises:
            ValueError: nothing is left for it.
        """
        part = list(selection[self.number - 1 :: self.count])
        if not part:
            raise ValueError(
                f"expected at most as many shards as contracts, but of {len(selection)} none is left for "
                f"{self.number}/{self.count}"
            )
        return part
