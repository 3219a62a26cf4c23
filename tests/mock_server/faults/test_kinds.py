"""Every action that is declared can be asked for: by its kind in a scenario, by its name in Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from mock_server import faults
from mock_server.faults import actions
from mock_server.faults.actions import Action, kinds


def _declared(action: type[Action] = Action) -> Iterator[type[Action]]:
    for one in action.__subclasses__():
        if "kind" in {field.name for field in dataclasses.fields(one)}:
            yield one
        yield from _declared(one)


def test_every_action_has_a_kind_and_a_name_in_both_modules() -> None:
    # A dataclass with slots is a class made anew, whose first form may still be there: they are told apart by name.
    names = {one.__name__ for one in _declared()}
    assert names == {one.__name__ for one in kinds().values()}
    assert names - set(actions.__all__) == set()
    assert names - set(faults.__all__) == set()
