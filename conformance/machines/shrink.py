"""From the calls that showed a fault to the few that are needed: by playing them again with some left out.

Calls are numbered when they are played, and name jobs by the number of the call that made them; so what is left out
takes along only the calls that cannot do without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from conformance.machines.calls import Call, CallOnJob, ListJobs, MonitorJob, Steps, SubmitJob
from conformance.verdicts import Violation

_PLAIN_TAIL = "a"


@dataclasses.dataclass(frozen=True)
class Failure:
    """Calls that show a fault.

    Attributes:
        steps: the calls that were made, the last of which had the answer that it cannot have.
        violation: what was expected and what came.
    """

    steps: Steps
    violation: Violation


def shrink(failure: Failure, replay: Callable[[Steps], Failure | None], go_on: Callable[[], bool]) -> Failure:
    """Leave out calls, then arguments, as long as what is left shows a fault, twice: once may be a matter of time.

    Args:
        failure: what was found.
        replay: plays calls again, and returns the failure that they show, or ``None``.
        go_on: is asked before each play whether there may be another.

    Returns:
        The smallest failure that was found.
    """
    while True:
        smaller = _first(_smaller(failure.steps), replay, go_on)
        if smaller is None:
            return failure
        failure = smaller


def _first(
    candidates: Iterator[Steps], replay: Callable[[Steps], Failure | None], go_on: Callable[[], bool]
) -> Failure | None:
    for steps in candidates:
        if not go_on():
            return None
        found = replay(steps)
        if found is not None and (again := replay(found.steps)) is not None:
            return again
    return None


def _smaller(steps: Steps) -> Iterator[Steps]:
    """Smaller sequences: long parts are left out first, then short ones, then single arguments."""
    size = len(steps) // 2
    while size:
        # The last call shows the fault, so the calls just before it are the last to go.
        for start in range(0, len(steps) - 1, size):
            yield steps[:start] + steps[min(start + size, len(steps) - 1) :]
        size //= 2
    for place, (number, call) in enumerate(steps):
        for plain in _plainer(call, steps[0][1].session):
            yield (*steps[:place], (number, plain), *steps[place + 1 :])


def _plainer(call: Call, session: str) -> Iterator[Call]:
    """A call with one argument less, or a plainer one."""
    if isinstance(call, ListJobs):
        plain = (
            dataclasses.replace(call, detailed=False),
            dataclasses.replace(call, reverse=False),
            dataclasses.replace(call, limit=None),
            dataclasses.replace(call, id_prefix=None),
            dataclasses.replace(call, token=None),
        )
        yield from (one for one in plain if one != call)
    if isinstance(call, SubmitJob) and call.definition.tail != _PLAIN_TAIL:
        yield dataclasses.replace(call, definition=dataclasses.replace(call.definition, tail=_PLAIN_TAIL))
    if isinstance(call, SubmitJob) and call.token is not None:
        yield dataclasses.replace(call, token=None)
    if isinstance(call, (CallOnJob, MonitorJob, ListJobs, SubmitJob)) and call.session != session and session:
        yield dataclasses.replace(call, session=session)
