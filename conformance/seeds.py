"""What a run draws by chance, each from the seed of the run and the contract alone.

So neither the selection, nor the order, nor workers and shards change what a contract draws.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import random
import uuid
from collections.abc import Iterator
from typing import Any


def derived(seed: int, *words: str) -> int:
    """A seed for one purpose: the same for the same seed and words on every machine.

    Args:
        seed: that of the run.
        *words: whose it is, as the id of a contract.

    Returns:
        A number of 64 bits.
    """
    text = "\0".join((str(seed), *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class Names:
    """Draws names that nothing else has, the same ones for the same seed.

    Args:
        seed: as from ``derived``.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - names, no secrets

    def identifier(self) -> str:
        """A UUID, in the form of a job id."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def word(self) -> str:
        """Eight hexadecimal digits."""
        return self.identifier()[:8]


@contextlib.contextmanager
def only_given_constants() -> Iterator[None]:
    """Keep Hypothesis from drawing the constants of whatever modules are loaded just now.

    It likes to draw numbers and texts that stand in the code under test. Which modules count as that depends on what
    ran before in this process and on how the package is installed, so a seed alone would not draw the same again.
    """
    providers: Any = importlib.import_module("hypothesis.internal.conjecture.providers")
    usual = getattr(providers, "_get_local_constants", None)
    constants = getattr(providers, "Constants", None)
    if usual is None or constants is None:  # a version that has no such habit
        yield
        return
    nothing = constants()
    providers.CONSTANTS_CACHE.cache.clear()
    providers._get_local_constants = lambda: nothing
    try:
        yield
    finally:
        providers._get_local_constants = usual
        providers.CONSTANTS_CACHE.cache.clear()
