"""What all bodies and answers have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MAX_LIMIT = 10_000

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class Body(BaseModel):
    """What a caller sends: a field that is not known is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a caller gets."""

    model_config = ConfigDict(frozen=True)
