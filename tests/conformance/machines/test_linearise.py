"""The search for an order: hand-made histories of a register and of a set, and properties of random ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.machines.linearise import Decision, Operation, explain

Event = tuple[str, int]


def register(state: int, event: Event) -> int | None:
    """A register of one number: ``write`` sets it, ``read`` shows it."""
    kind, value = event
    if kind == "write":
        return value
    return state if state == value else None


def decide(*operations: tuple[str, int, float, float]) -> Decision:
    history = [Operation((kind, value), called, answered) for kind, value, called, answered in operations]
    return explain(history, 0, register).decision


def test_nothing_at_all_is_linearisable() -> None:
    assert explain([], 0, register).decision is Decision.LINEARISABLE


def test_a_sequence_is_judged_as_it_is() -> None:
    assert decide(("write", 1, 0, 1), ("read", 1, 2, 3)) is Decision.LINEARISABLE
    assert decide(("write", 1, 0, 1), ("read", 0, 2, 3)) is Decision.IMPOSSIBLE


def test_a_read_during_a_write_may_see_either_value() -> None:
    assert decide(("write", 1, 0, 5), ("read", 0, 1, 2)) is Decision.LINEARISABLE
    assert decide(("write", 1, 0, 5), ("read", 1, 1, 2)) is Decision.LINEARISABLE
    assert decide(("write", 1, 0, 5), ("read", 2, 1, 2)) is Decision.IMPOSSIBLE


def test_a_value_that_was_seen_does_not_go_away_again() -> None:
    # Both reads lie within the write, one after the other: new, then old, is no order.
    assert decide(("write", 1, 0, 9), ("read", 1, 1, 2), ("read", 0, 3, 4)) is Decision.IMPOSSIBLE
    assert decide(("write", 1, 0, 9), ("read", 0, 1, 2), ("read", 1, 3, 4)) is Decision.LINEARISABLE


def test_two_readers_agree_on_the_order_of_two_writes() -> None:
    writes = (("write", 1, 0, 9), ("write", 2, 0, 9))
    one = (("read", 1, 1, 2), ("read", 2, 3, 4))
    other = (("read", 2, 1.5, 2.5), ("read", 1, 3.5, 4.5))
    assert decide(*writes, *one) is Decision.LINEARISABLE
    assert decide(*writes, *other) is Decision.LINEARISABLE
    assert decide(*writes, *one, *other) is Decision.IMPOSSIBLE


def test_an_answer_and_a_call_at_the_same_moment_overlap() -> None:
    assert decide(("write", 1, 0, 1), ("read", 0, 1, 2)) is Decision.LINEARISABLE


def test_the_order_explains_the_history() -> None:
    history = [Operation(("read", 1), 0, 3), Operation(("write", 1), 1, 2)]
    assert explain(history, 0, register).order == (1, 0)


def test_without_an_explanation_the_longest_part_is_told() -> None:
    history = [Operation(("write", 1), 0, 1), Operation(("read", 1), 2, 3), Operation(("read", 7), 4, 5)]
    found = explain(history, 0, register)
    assert (found.decision, found.order) == (Decision.IMPOSSIBLE, (0, 1))


def test_a_search_that_is_given_up_decides_nothing() -> None:
    asked = iter([False, True])
    found = explain([Operation(("write", 1), 0, 1)] * 3, 0, register, lambda: next(asked))
    assert found.decision is Decision.UNDECIDED


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    # Twelve writes at the same time have 12! orders, but few pairs of what was taken and what stands in the register.
    steps = 0

    def counted(state: int, event: Event) -> int | None:
        nonlocal steps
        steps += 1
        return register(state, event)

    history = [Operation(("write", 1), 0.0, 1.0)] * 12 + [Operation(("read", 7), 2.0, 3.0)]
    assert explain(history, 0, counted).decision is Decision.IMPOSSIBLE
    assert steps <= 12 * 2**12


def test_an_answer_before_its_call_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an answer after the call at 2"):
        Operation("read", 2, 1)


def _stretched(events: list[Event], seed: int) -> list[Operation[Event]]:
    """Operations whose moments of effect are 1, 2, 3 ..., each called before and answered after, in any order."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    history = [
        Operation(event, moment - chance.random() * 3, moment + chance.random() * 3)
        for moment, event in enumerate(events, 1)
    ]
    chance.shuffle(history)
    return history


def _run(kinds: list[tuple[str, int]]) -> list[Event]:
    """What a register answers, one call after the other."""
    state, events = 0, []
    for kind, value in kinds:
        state = value if kind == "write" else state
        events.append((kind, state))
    return events


calls = st.lists(st.tuples(st.sampled_from(["write", "read"]), st.integers(1, 3)), max_size=7)


@given(calls, st.integers(0, 2**32))
def test_whatever_happened_in_some_order_is_linearisable(kinds: list[Event], seed: int) -> None:
    assert explain(_stretched(_run(kinds), seed), 0, register).decision is Decision.LINEARISABLE


@given(calls, st.integers(0, 2**32), st.integers(0, 6))
def test_an_answer_that_was_never_possible_is_found(kinds: list[Event], seed: int, where: int) -> None:
    events = _run(kinds)
    events.insert(min(where, len(events)), ("read", 99))
    assert explain(_stretched(events, seed), 0, register).decision is Decision.IMPOSSIBLE
