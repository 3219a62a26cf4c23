"""A simple mutator with a fixed seed: what runs in `make test`, where no coverage guides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

_TELLING = (0, 1, 2, 3, 4, 0x22, 0x5B, 0x5C, 0x7B, 0x7F, 0x80, 0xC1, 0xDD, 0xDF, 0xFF)
_MOST = 1 << 15
"""Bytes that a mutated input may have."""


def mutations(seeds: Sequence[bytes], count: int, seed: int = 1) -> Iterator[bytes]:
    """Change seeds at random, the same way in every run.

    Args:
        seeds: what to change; must not be empty.
        count: how many inputs to make.
        seed: of the random numbers.
    """
    source = random.Random(seed)  # noqa: S311 - no secret depends on it
    for _ in range(count):
        data = bytearray(source.choice(seeds))
        for _ in range(source.choice((1, 1, 2, 3, 8))):
            _change(data, seeds, source)
        yield bytes(data[:_MOST])


def _change(data: bytearray, seeds: Sequence[bytes], source: random.Random) -> None:
    start = source.randint(0, len(data))
    end = min(len(data), start + source.choice((1, 2, 4, 16, 200)))
    kind = source.randrange(8)
    if kind == 0:
        data[start:end] = b""
    elif kind == 1:
        del data[start:]
    elif kind == 2:
        data[start:start] = data[start:end] * source.choice((1, 2, 30))
    elif kind == 3:
        data[start:start] = source.randbytes(source.choice((1, 2, 8)))
    elif kind == 4:
        other = source.choice(seeds)
        data[start:] = other[source.randint(0, len(other)) :]
    elif start < len(data):
        if kind == 5:
            data[start] ^= 1 << source.randrange(8)
        elif kind == 6:
            data[start] = source.choice(_TELLING)
        else:
            data[start] = (data[start] + source.choice((-1, 1))) & 0xFF
