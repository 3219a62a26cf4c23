"""How pedantic a server is to be: what somebody asked for, read."""

from __future__ import annotations

import dataclasses
import difflib
import secrets
from collections.abc import Collection

from flare_client.protocol.releases import ReleaseProfile
from mock_server.variation.declared import Variation
from mock_server.variation.registry import VARIATIONS

SEEDS = 2**31
"""Seeds that are drawn are below it."""


@dataclasses.dataclass(frozen=True)
class Pedantry:
    """What is to be varied, and by which chance.

    Attributes:
        seed: makes the same draws again.
        only: the names of the variations; all of them where none is named.
        without: the names of those that are left out.
        share: in which part of the moments each strikes; its own share by default.

    Raises:
        ValueError: there is no such variation, or no such share.
    """

    seed: int
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    share: float | None = None

    def __post_init__(self) -> None:
        check_names((*self.only, *self.without))
        if self.share is not None and not 0.0 <= self.share <= 1.0:
            raise ValueError(f"expected a share from 0 to 1, but got {self.share:g}")

    def variations(self, profile: ReleaseProfile) -> tuple[Variation, ...]:
        """Those that a server of a release does, in the order in which they are applied."""
        return tuple(
            one
            for one in VARIATIONS.values()
            if one.is_of(profile) and one.name not in self.without and (not self.only or one.name in self.only)
        )


def check_names(names: Collection[str]) -> None:
    """Check that variations of these names exist.

    Raises:
        ValueError: one does not; the text has those that do, and the nearest.
    """
    for name in names:
        if name not in VARIATIONS:
            near = difflib.get_close_matches(name, VARIATIONS, n=1)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"expected a variation of {', '.join(VARIATIONS)}, but got {name!r}{meant}")


def read_pedantry(given: object) -> Pedantry | None:
    """How pedantic a server is to be, from what its maker gave.

    Args:
        given: ``True`` for a seed that is drawn, a number for that one, a ``Pedantry``; ``None`` or ``False`` for not.

    Raises:
        ValueError: it is none of these.
    """
    if given is None or given is False:
        return None
    if isinstance(given, Pedantry):
        return given
    if given is True:
        return Pedantry(secrets.randbelow(SEEDS))
    if isinstance(given, int):
        return Pedantry(given)
    raise ValueError(f"expected pedantic to be True, a seed, or a Pedantry, but got {given!r:.60}")
