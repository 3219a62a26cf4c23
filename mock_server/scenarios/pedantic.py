"""How pedantic the server of a scenario is: ``pedantic: true``, a seed, or a mapping that says what is varied."""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from mock_server.scenarios.base import Part, check_one_of
from mock_server.variation.pedantry import SEEDS, Pedantry
from mock_server.variation.registry import VARIATIONS


class PedanticSpec(Part):
    """What the server varies on purpose; each name is that of a variation."""

    seed: int | None = Field(default=None, ge=0)
    """Makes the same draws again; one is drawn by default."""
    only: tuple[str, ...] = ()
    """These variations; all of them by default."""
    without: tuple[str, ...] = ()
    """All but these."""
    share: float | None = Field(default=None, ge=0.0, le=1.0)
    """In which part of the moments each strikes; its own share by default."""

    @field_validator("only", "without")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            check_one_of(name, VARIATIONS)
        return names

    def pedantry(self) -> Pedantry:
        """The same for a server; draws the seed where there is none."""
        seed = secrets.randbelow(SEEDS) if self.seed is None else self.seed
        return Pedantry(seed, self.only, self.without, self.share)


def _read(value: object) -> object:
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, int):
        return {"seed": value}
    if value is not None and not isinstance(value, (dict, PedanticSpec)):
        raise ValueError(
            f"expected true, a seed, or a mapping with seed, only, without or share, but got {value!r:.60}"
        )
    return value


PedanticField = Annotated[
    PedanticSpec | None, BeforeValidator(_read, json_schema_input_type=bool | int | PedanticSpec | None)
]
"""As it stands in a scenario."""
