"""What a variation is: something that a server may do in several ways, and the fact that makes all of them right.

A variation is legal where every official client works under it unchanged; ``tests/interop/test_pedantic.py`` has each
client work under each.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

from flare_client.protocol.releases import Dialect, ReleaseProfile

Draw = random.Random
"""The chance of one variation at one moment; the same for the same seed."""

EVERY_DIALECT = frozenset(Dialect)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variation:
    """Something that a server may do otherwise.

    Attributes:
        name: as on the command line and in scenarios.
        varies: what, in a sentence.
        legal: why a client must take it, in a sentence.
        source: where that is seen.
        share: in which part of the moments that it fits it strikes.
        dialects: the wires that have it.
        fits: whether a release has it, beside that.
    """

    name: str
    varies: str
    legal: str
    source: str
    share: float = 0.5
    dialects: frozenset[Dialect] = EVERY_DIALECT
    fits: Callable[[ReleaseProfile], bool] = lambda _: True

    def is_of(self, profile: ReleaseProfile) -> bool:
        """Whether a server of a release can do it."""
        return profile.dialect in self.dialects and self.fits(profile)


@dataclasses.dataclass
class Written:
    """The answer to a command on its way out.

    Attributes:
        command: its name.
        envelope: what it says.
        text: how it is written; made of the envelope once nothing of that is changed any more.
        always: a chance that is the same for every answer of the server.
    """

    command: str
    envelope: dict[str, Any]
    always: Draw
    text: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfReply(Variation):
    """A variation of what an answer says.

    Attributes:
        vary: changes the envelope, and says whether there was anything to change.
    """

    vary: Callable[[Written, Draw], bool]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfState(OfReply):
    """A variation of what the server knows: every answer tells it alike, also one that a fault strikes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfText(Variation):
    """A variation of how an answer is written; the text before and the text after mean the same.

    Attributes:
        write: gives the text; the same one where there is nothing to vary.
    """

    write: Callable[[Written, Draw], str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfIdentifier(Variation):
    """A variation of what the server makes up to name things.

    Attributes:
        make: makes a name that nothing else has.
    """

    make: Callable[[Draw], str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfWire(Variation):
    """A variation of when and in which portions an answer leaves.

    Attributes:
        delay: seconds that it takes longer.
        pieces: how many portions it leaves in.
    """

    delay: Callable[[Draw], float] = lambda _: 0.0
    pieces: Callable[[Draw], int] = lambda _: 1
