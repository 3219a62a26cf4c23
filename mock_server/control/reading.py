"""How bodies are read: strictly, with words about what is wrong that name the field."""

from __future__ import annotations

import functools
import http
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NoReturn, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from mock_server.control.problems import FieldFault, Problem
from mock_server.scenarios.loading import faults_of, field_text

_JSON = "application/json"
_SHOWN = 20
"""Faults that are told; who has more has enough to do."""


class StrictRequest(Request):
    """A request whose body is JSON as others read it, too."""

    async def json(self) -> Any:
        """The content of the body.

        Raises:
            HTTPException: it is no JSON, or has what JSON does not know.
        """
        body = await self.body()
        try:
            content = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
            json.dumps(content, ensure_ascii=False).encode("utf-8")
        except RecursionError:
            _refuse("but it is nested too deeply")
        except UnicodeError:
            _refuse("but there are characters that UTF-8 cannot have")
        except ValueError as problem:
            _refuse(f"but {problem}")
        return content


class StrictRoute(APIRoute):
    """A route of strict requests."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers requests."""
        answer = super().get_route_handler()
        body = get_type_hints(self.endpoint).get("body")

        async def strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if self.body_field is not None and await strict.body():
                _check_type(strict.headers.get("content-type", ""))
            try:
                return await answer(strict)
            except RequestValidationError as error:
                raise problem_of(error, _schema(body)) from None

        return strictly


@functools.cache
def _schema(body: Any) -> dict[str, Any]:
    """The schema of a body, for the names that are known in a place; an empty one where an operation takes none."""
    return TypeAdapter(body).json_schema() if body is not None else {}


def _check_type(given: str) -> None:
    named = given.partition(";")[0].strip().lower()
    if named != _JSON:
        raise Problem(
            http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"expected the Content-Type {_JSON}, but got {given!r:.100}"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field {name!r:.80} stands twice")
        found[name] = value
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _refuse(text: str) -> NoReturn:
    # The one exception that the framework lets through while it reads a body.
    raise HTTPException(http.HTTPStatus.UNPROCESSABLE_ENTITY, f"expected a body of JSON, {text}")


def problem_of(error: RequestValidationError, schema: dict[str, Any]) -> Problem:
    """Put what a model did not accept into words.

    Args:
        error: as the framework tells it.
        schema: of the body, for the names that are known in a place.
    """
    found = [fault for one in error.errors() for fault in _field_faults(one, schema)]
    # A union tells of each of its forms.
    once = list({(fault.field, fault.message): fault for fault in found}.values())
    detail = "; ".join(f"{fault.field}: {fault.message}" for fault in once[:_SHOWN])
    return Problem(http.HTTPStatus.UNPROCESSABLE_ENTITY, detail, once[:_SHOWN])


def _field_faults(error: Any, schema: dict[str, Any]) -> Sequence[FieldFault]:
    where, *path = error["loc"]
    if where != "body":
        name = ".".join(str(step) for step in path) or where
        text = str(error["msg"]).removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            text = "expected no such parameter"
        elif not text.startswith("expected"):
            text = f"expected that {text[:1].lower()}{text[1:]}, but got {error.get('input')!r:.60}"
        return [FieldFault(field=name, message=text)]
    if not path and error["type"] == "missing":
        return [FieldFault(field="body", message="expected a body of JSON, but there is none")]
    faults = faults_of({**error, "loc": tuple(path)}, schema)
    return [FieldFault(field=field_text(place) or "body", message=text) for place, text in faults]
