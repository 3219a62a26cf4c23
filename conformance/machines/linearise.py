"""Whether a history of overlapping operations can be explained by a sequential model: a search for an order.

Each operation takes effect at one moment between its call and its answer. A history is linearisable if there is an
order of these moments in which the model gives every answer that was seen. The search tries, again and again, every
operation that may come next: one that was called before any other remaining one was answered. What has been taken and
the state it led to are remembered, so that no such pair is looked at twice.

After Wing and Gong (Testing and verifying concurrent objects, 1993) with the memory of Lowe (Testing for
linearizability, 2017). Knows nothing of jobs: the model is a function.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

Event = TypeVar("Event")
StateT = TypeVar("StateT", bound=Hashable)


@dataclasses.dataclass(frozen=True)
class Operation(Generic[Event]):
    """A call and its answer.

    Attributes:
        event: what was asked and what came.
        called: when it was called, on any clock that all operations share.
        answered: when the answer was there.
    """

    event: Event
    called: float
    answered: float

    def __post_init__(self) -> None:
        if self.answered < self.called:
            raise ValueError(f"expected an answer after the call at {self.called}, but got one at {self.answered}")


class Decision(enum.Enum):
    """What the search found."""

    LINEARISABLE = "linearisable"
    IMPOSSIBLE = "not linearisable"
    UNDECIDED = "not decided in time"


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What came of a search.

    Attributes:
        decision: what it found.
        order: the positions of operations in an order that explains them all, or else as many as possible.
    """

    decision: Decision
    order: tuple[int, ...]


def explain(
    history: Sequence[Operation[Event]],
    initial: StateT,
    step: Callable[[StateT, Event], StateT | None],
    give_up: Callable[[], bool] = lambda: False,
) -> Explanation:
    """Look for an order.

    Args:
        history: the operations, in any order.
        initial: the state of the model before them.
        step: gives the state after an event, or ``None`` where the event is impossible.
        give_up: is asked again and again whether to stop without a decision.
    """
    everything = (1 << len(history)) - 1
    best: tuple[int, ...] = ()
    seen = {(0, initial)}
    path: list[int] = []
    stack = [(0, initial, _next(history, 0))]
    while stack:
        if give_up():
            return Explanation(Decision.UNDECIDED, best)
        taken, state, candidates = stack[-1]
        if taken == everything:
            return Explanation(Decision.LINEARISABLE, tuple(path))
        number = next(candidates, None)
        if number is None:
            stack.pop()
            if path:
                path.pop()
            continue
        following = step(state, history[number].event)
        reached = taken | 1 << number
        if following is None or (reached, following) in seen:
            continue
        seen.add((reached, following))
        path.append(number)
        best = max(best, tuple(path), key=len)
        stack.append((reached, following, _next(history, reached)))
    return Explanation(Decision.IMPOSSIBLE, best)


def _next(history: Sequence[Operation[Event]], taken: int) -> Iterator[int]:
    """The operations that may come next, those that were answered first first."""
    left = [number for number in range(len(history)) if not taken >> number & 1]
    first_answer = min((history[number].answered for number in left), default=0.0)
    ready = [number for number in left if history[number].called <= first_answer]
    return iter(sorted(ready, key=lambda number: history[number].answered))
