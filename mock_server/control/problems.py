"""What is wrong with a request, as JSON that a program and a person can read (RFC 9457)."""

from __future__ import annotations

import http
import json
import math
from collections.abc import Sequence
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

PROBLEM_TYPE = "application/problem+json"


class FieldFault(BaseModel):
    """What is wrong with one field."""

    field: str
    """Where it is, as ``jobs[0].running``."""
    message: str
    """What was expected, and what came."""


class ProblemDetails(BaseModel):
    """What is wrong with a request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    """What was expected, and what came."""
    errors: list[FieldFault] = []
    """Each field that is wrong, where fields are."""


class Problem(Exception):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        detail: what was expected, and what came.
        errors: the fields that are wrong.
        headers: what the answer bears beside.
    """

    def __init__(
        self,
        status: http.HTTPStatus,
        detail: str,
        errors: Sequence[FieldFault] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers

    def response(self) -> JSONResponse:
        """The answer."""
        details = ProblemDetails(
            title=self.status.phrase, status=self.status.value, detail=self.detail, errors=self.errors
        )
        return PlainJson(
            details.model_dump(exclude=None if self.errors else {"errors"}),
            self.status.value,
            self.headers,
            PROBLEM_TYPE,
        )


def not_found(what: str, wanted: object, known: Sequence[object] = ()) -> Problem:
    """A problem: there is no such thing.

    Args:
        what: kind of thing.
        wanted: its name.
        known: the names that there are, where they are few.
    """
    there = f" of {', '.join(map(str, known))}" if known else " that is there"
    return Problem(http.HTTPStatus.NOT_FOUND, f"expected a {what}{there}, but got {str(wanted)!r:.100}")


class PlainJson(JSONResponse):
    """JSON that any parser reads: without lone surrogates and numbers that are none, which clients may have sent."""

    def render(self, content: Any) -> bytes:
        """The bytes of an answer."""
        try:
            text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        except ValueError:
            text = json.dumps(_without_nan(content), allow_nan=False, separators=(",", ":"))
        return text.encode("ascii")


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
