"""``server.faults``: faults at run time, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from mock_server.faults.actions import Action, kinds
from mock_server.faults.desk import FaultDesk
from mock_server.faults.rules import ActiveRule, Rule

OnDesk = Callable[[Callable[[FaultDesk], Any]], Any]
"""Runs a function on the server's loop; does nothing where the server is gone."""


class Fault:
    """A fault that was injected; as a context manager it ends with the block.

    Args:
        active: the rule in force.
        on_desk: reaches the server.
    """

    def __init__(self, active: ActiveRule, on_desk: OnDesk) -> None:
        self._active = active
        self._on_desk = on_desk

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def rule(self) -> Rule:
        """What was injected."""
        return self._active.rule

    @property
    def number(self) -> int:
        """Tells it apart from the other faults of its server, those of before among them."""
        return self._active.number

    @property
    def is_paused(self) -> bool:
        """Whether it lets everything pass for now."""
        return self._active.paused

    @property
    def fired(self) -> int:
        """How often it struck so far."""
        return self._active.fired

    @property
    def seen(self) -> int:
        """How many moments fitted so far, whether it struck or not."""
        return self._active.seen

    def wait(self, timeout: float, times: int = 1) -> bool:
        """Wait until it has struck.

        Args:
            timeout: seconds, at most.
            times: how often.

        Returns:
            Whether it has.
        """
        return self._active.wait(timeout, times)

    def pause(self) -> None:
        """Let everything pass for now; what passes meanwhile is not counted."""
        self._on_desk(lambda _: setattr(self._active, "paused", True))

    def resume(self) -> None:
        """Go on where it was paused."""
        self._on_desk(lambda _: setattr(self._active, "paused", False))

    def remove(self) -> None:
        """End it; what it delays or withholds already stays so. Twice is fine."""

        def remove(desk: FaultDesk) -> None:
            if self._active in desk.rules:
                desk.rules.remove(self._active)

        self._on_desk(remove)


class Faults:
    """The faults of one server.

    Args:
        on_desk: reaches the server.
        check: raises ``ValueError`` for a rule that the server cannot follow.
    """

    def __init__(self, on_desk: OnDesk, check: Callable[[Rule], None]) -> None:
        self._on_desk = on_desk
        self._check = check

    def inject(self, action: Action | str, **how: Any) -> Fault:
        """Put a fault in force.

        Args:
            action: what it does, as ``Delay(2.0)``; or its kind, with its fields among the others.
            **how: when it strikes: ``command``, ``at``, ``direction``, ``user``, ``session``, ``file``, ``nth``,
                ``from_nth``, ``times``, ``probability``, ``seed``. See ``Rule``.

        Returns:
            The fault, which a ``with`` block ends.

        Raises:
            ValueError: there is no such fault, or this server cannot have it.
        """
        return self.add(_rule(action, how))

    def add(self, rule: Rule) -> Fault:
        """Put a rule in force, as ``inject`` does.

        Raises:
            ValueError: this server cannot have it.
        """
        self._check(rule)
        return self._put(rule)

    def _put(self, rule: Rule) -> Fault:
        added: list[ActiveRule] = []
        self._on_desk(lambda desk: added.append(desk.add(rule)))
        # Where the server is gone there is nothing to put it in force on, and nothing that it could strike.
        return Fault(added[0] if added else ActiveRule(rule), self._on_desk)

    def clear(self) -> None:
        """End every fault, those of the scenario among them."""
        self._on_desk(lambda desk: desk.rules.clear())

    @property
    def rules(self) -> list[Rule]:
        """The rules in force, oldest first."""
        return [fault.rule for fault in self.all]

    @property
    def all(self) -> list[Fault]:
        """Every fault, oldest first: those that were injected, paused ones among them, and those of the scenario."""
        found: list[ActiveRule] = []
        self._on_desk(lambda desk: found.extend(desk.rules))
        return [Fault(active, self._on_desk) for active in found]

    def find(self, number: int) -> Fault:
        """The fault of that number.

        Raises:
            KeyError: there is none, or none any more.
        """
        found = next((fault for fault in self.all if fault.number == number), None)
        if found is None:
            raise KeyError(number)
        return found


_MATCH = frozenset(Rule.__dataclass_fields__) - {"action"}


def _rule(action: Action | str, how: dict[str, Any]) -> Rule:
    if isinstance(action, str):
        if action not in kinds():
            raise ValueError(f"expected a fault of {', '.join(sorted(kinds()))}, but got {action!r}")
        fields = {name: value for name, value in how.items() if name not in _MATCH}
        how = {name: value for name, value in how.items() if name in _MATCH}
        action = _checked(action, lambda kind: kinds()[kind](**fields))
    made: Any = action
    rule: Rule = _checked(made.kind, lambda _: Rule(action=made, **how))
    return rule


def _checked(kind: str, make: Callable[[str], Any]) -> Any:
    try:
        return make(kind)
    except ValidationError as problem:
        faults = [_words(error) for error in problem.errors()]
        raise ValueError(f"fault {kind!r}: {'; '.join(faults)}") from problem


def _words(error: Any) -> str:
    where = ".".join(str(step) for step in error["loc"] if not isinstance(step, type))
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {text}" if where else text
