"""The clock."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mock_server.clock import LATEST
from mock_server.control.models.base import Answer, Body
from mock_server.quantities import Duration


class ClockView(Answer):
    """The time of the server."""

    kind: Literal["real", "scaled", "virtual", "own"]
    """``own``: a clock that its maker wrote."""
    time: float
    iso: str
    """The same in ISO form, UTC."""
    speed: float
    """Seconds that pass in a second of the machine; 0 for a virtual clock."""
    skew: float
    """Seconds that the server is ahead of its clock, by a fault."""
    next_event: float | None
    """When something will happen by itself; null: nothing will."""


class Advance(Body):
    """How far to move a virtual clock: one of the three."""

    by: Duration | None = None
    to: float | None = Field(default=None, allow_inf_nan=False, le=LATEST)
    """Seconds since the epoch; a clock never goes back."""
    to_next_event: bool = False
    """To the moment at which something happens by itself next."""

    @model_validator(mode="after")
    def _one(self) -> Advance:
        given = [self.by is not None, self.to is not None, self.to_next_event]
        if sum(given) != 1:
            raise ValueError(f"expected one of by, to and to_next_event, but got {sum(given)} of them")
        return self
