"""What every operation has at hand: the server, and how it says what may go wrong."""

from __future__ import annotations

import dataclasses
import http
import threading
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from mock_server.control.problems import PROBLEM_TYPE, ProblemDetails
from mock_server.control.reading import StrictRoute
from mock_server.server import MockServer


@dataclasses.dataclass(frozen=True)
class Desk:
    """What the surface is for.

    Attributes:
        server: what it controls.
        stopping: set once nobody is to wait any more.
        turn: one at a time, for what is made of several steps.
    """

    server: MockServer
    stopping: threading.Event
    turn: threading.Lock = dataclasses.field(default_factory=threading.Lock)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


LOOK_SECONDS = 0.5
"""Of the machine, after which a wait sees whether anybody still waits."""


async def is_given_up(request: Request, desk: Desk) -> bool:
    """Whether nobody is to wait any more: the caller is gone, or the surface stops."""
    return desk.stopping.is_set() or await request.is_disconnected()


def _server(request: Request) -> MockServer:
    return _desk(request).server


AtDesk = Annotated[Desk, Depends(_desk)]
OfServer = Annotated[MockServer, Depends(_server)]


def operations_on(subject: str) -> APIRouter:
    """A router for the operations of a subject.

    Args:
        subject: what they are about, as the document groups them.
    """
    return APIRouter(tags=[subject], route_class=StrictRoute, responses={"default": _said("What is wrong")})


def problems(*statuses: http.HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What an operation may say beside its answer, for the document; what any may say is there without."""
    return {status.value: _said(status.phrase) for status in (http.HTTPStatus.UNAUTHORIZED, *statuses)}


def _said(what: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    return {"description": what, "content": {PROBLEM_TYPE: {"schema": reference}}}


BAD = http.HTTPStatus.UNPROCESSABLE_ENTITY
MISSING = http.HTTPStatus.NOT_FOUND
CONFLICT = http.HTTPStatus.CONFLICT
