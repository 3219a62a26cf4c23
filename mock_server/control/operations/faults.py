"""What goes wrong on purpose."""

from __future__ import annotations

import http
import inspect
import time

import anyio.to_thread
from fastapi import Request
from pydantic import TypeAdapter

from mock_server.control.models.faults import Cleared, FaultChange, FaultKind, FaultView, FaultWait
from mock_server.control.operations.asking import (
    BAD,
    CONFLICT,
    LOOK_SECONDS,
    MISSING,
    AtDesk,
    OfServer,
    is_given_up,
    operations_on,
    problems,
)
from mock_server.control.problems import Problem, not_found
from mock_server.control.views import fault_view
from mock_server.faults.actions import Action, kinds
from mock_server.faults.injection import Fault
from mock_server.faults.rules import Rule
from mock_server.server import MockServer
from mock_server.settings import check_kind

router = operations_on("faults")


@router.get("/faults", responses=problems(CONFLICT))
def list_faults(server: OfServer) -> list[FaultView]:
    """List the faults, oldest first: those that were injected, and those of the scenario."""
    return [fault_view(fault) for fault in server.faults.all]


@router.post("/faults", status_code=http.HTTPStatus.CREATED, responses=problems(CONFLICT, BAD))
def inject_fault(server: OfServer, body: Rule) -> FaultView:
    """Put a fault in force: what it does, and when it strikes, as in a scenario."""
    try:
        return fault_view(server.faults.add(body))
    except ValueError as problem:
        raise Problem(http.HTTPStatus.CONFLICT, str(problem)) from None


@router.delete("/faults", responses=problems(CONFLICT))
def clear_faults(server: OfServer) -> Cleared:
    """End every fault, those of the scenario among them."""
    cleared = len(server.faults.all)
    server.faults.clear()
    return Cleared(cleared=cleared)


@router.get("/faults/{number}", responses=problems(MISSING, CONFLICT, BAD))
def look_at_fault(server: OfServer, number: int) -> FaultView:
    """Look at a fault: how often it struck."""
    return fault_view(_fault(server, number))


@router.patch("/faults/{number}", responses=problems(MISSING, CONFLICT, BAD))
def change_fault(server: OfServer, number: int, body: FaultChange) -> FaultView:
    """Pause a fault, or let it go on."""
    fault = _fault(server, number)
    if body.paused:
        fault.pause()
    else:
        fault.resume()
    return fault_view(fault)


@router.post("/faults/{number}/wait", responses=problems(MISSING, CONFLICT, BAD))
async def wait_for_fault(request: Request, desk: AtDesk, number: int, body: FaultWait | None = None) -> FaultView:
    """Wait until a fault has struck; it is a conflict if it does not in time."""
    body = body or FaultWait()
    deadline = time.monotonic() + body.timeout
    while True:
        seconds = min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
        found = await anyio.to_thread.run_sync(_wait, desk.server, number, body.times, seconds)
        if found.fired >= body.times:
            return found
        if time.monotonic() >= deadline or await is_given_up(request, desk):
            expected = f"expected fault {number} to have struck {body.times} times within {body.timeout:g} s"
            raise Problem(http.HTTPStatus.CONFLICT, f"{expected}, but got {found.fired}")


def _wait(server: MockServer, number: int, times: int, seconds: float) -> FaultView:
    fault = _fault(server, number)
    fault.wait(seconds, times)
    return fault_view(fault)


@router.delete("/faults/{number}", responses=problems(MISSING, CONFLICT, BAD))
def remove_fault(server: OfServer, number: int) -> Cleared:
    """End a fault."""
    _fault(server, number).remove()
    return Cleared(cleared=1)


@router.get("/fault-kinds", responses=problems())
def list_fault_kinds(server: OfServer) -> list[FaultKind]:
    """List what can go wrong."""
    return [_kind(server, name, action) for name, action in sorted(kinds().items())]


def _fault(server: MockServer, number: int) -> Fault:
    try:
        return server.faults.find(number)
    except KeyError:
        raise not_found("fault", number, [fault.number for fault in server.faults.all][:20]) from None


def _kind(server: MockServer, name: str, action: type[Action]) -> FaultKind:
    summary, _, _ = (inspect.getdoc(action) or "").partition("\n\n")
    return FaultKind(
        kind=name,
        summary=" ".join(summary.replace("``", "").split()),
        at=[point.value for point in action.points],
        directions=[direction.value for direction in action.directions],
        usual_command=action.usual_command,
        possible=_is_possible(server, action),
        fields=TypeAdapter(action).json_schema(),
    )


def _is_possible(server: MockServer, action: type[Action]) -> bool:
    try:
        check_kind(action, server.profile, server.scheme)
    except ValueError:
        return False
    return True
