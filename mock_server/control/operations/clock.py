"""The time of the server."""

from __future__ import annotations

import http

from mock_server.clock import ManualClock
from mock_server.control.models.clock import Advance, ClockView
from mock_server.control.operations.asking import BAD, CONFLICT, OfServer, operations_on, problems
from mock_server.control.problems import Problem
from mock_server.control.views import clock_view
from mock_server.server import MockServer

router = operations_on("clock")


@router.get("/clock", responses=problems(CONFLICT))
def read_clock(server: OfServer) -> ClockView:
    """What time it is, and when something happens next."""
    return clock_view(server)


@router.post("/clock/advance", responses=problems(CONFLICT, BAD))
def advance_clock(server: OfServer, body: Advance) -> ClockView:
    """Move a virtual clock on; all that is due by then happens, in order."""
    clock = server.clock
    if not isinstance(clock, ManualClock):
        found = clock_view(server).kind
        raise Problem(
            http.HTTPStatus.CONFLICT,
            f"expected a virtual clock, which one can move, but this server has a {found} one: "
            'reset with {"clock": "virtual"}',
        )
    try:
        _move(server, clock, body)
    except ValueError as problem:
        raise Problem(http.HTTPStatus.CONFLICT, str(problem)) from None
    return clock_view(server)


def _move(server: MockServer, clock: ManualClock, body: Advance) -> None:
    """Move a clock.

    Raises:
        ValueError: it would be later than clocks show.
    """
    if body.by is not None:
        clock.advance(body.by)
    elif body.to is not None:
        if body.to < clock.time():
            raise Problem(
                http.HTTPStatus.CONFLICT,
                f"expected a time from {clock.time():.3f} on, as a clock never goes back, but got {body.to:.3f}",
            )
        clock.advance_to(body.to)
    else:
        following = server.call(lambda context: context.engine.next_event_at())
        if following is None:
            raise Problem(http.HTTPStatus.CONFLICT, "expected something to come, but nothing will happen by itself")
        clock.advance_to(following)
