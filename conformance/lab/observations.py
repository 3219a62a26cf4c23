"""What a call did, made comparable between servers, runs and machines.

Owns: the normalisation, and the comparison of two records. What is left out of the comparison stands here and nowhere
else: ids, times, durations, addresses and folders become words, and lists without an order are sorted.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

from conformance.adapters.base import ClientError, ReturnCode

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d)?")
_ADDRESS = re.compile(r"\b(?:localhost|127\.0\.0\.1)(?::\d+)*\b(?: on \d+)?")
_PATH = re.compile(r"(?:/[\w.@+-]+){2,}")
_TIMES = frozenset(
    {"submit_time", "submit_time_iso", "start_time", "duration", "last_schedule_time", "last_connect_time"}
)
_NO_TIMES = ("", "N/A")
_COUNTS = frozenset({"schedule_count"})
_UNORDERED = frozenset({"job_deploy_detail", "client_info"})
_COLLECTED = frozenset({"schedule_history"})


@dataclasses.dataclass(frozen=True)
class Observation:
    """The outcome of one step.

    Attributes:
        step: what was done.
        value: what was returned, normalised; ``None`` where something was raised.
        kinds: the classes of what was raised, most special first; empty where something was returned.
        message: its text, normalised.
    """

    step: str
    value: Any = None
    kinds: tuple[str, ...] = ()
    message: str = ""

    def __str__(self) -> str:
        return f"{self.kinds[0]}: {self.message}" if self.kinds else f"returned {self.value!r}"


@dataclasses.dataclass(frozen=True)
class Difference:
    """A step that went otherwise than expected."""

    step: str
    expected: str
    came: str

    def __str__(self) -> str:
        return f"{self.step}: expected {self.expected}; came {self.came}"


class Recorder:
    """Collects the outcomes of a run; the same id gets the same word throughout."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self._ids: dict[str, str] = {}

    def observe(self, step: str, call: Callable[[], Any]) -> Any:
        """Make a call, record its outcome, and return what it returned, or ``None`` where it raised."""
        try:
            value = call()
        except ClientError as problem:
            self.observations.append(Observation(step, None, problem.types, self._text(problem.text)))
            return None
        self.observations.append(Observation(step, self._value(value)))
        return value

    def _value(self, value: Any, key: str = "") -> Any:
        if key in _TIMES:
            return value if value in _NO_TIMES else f"<{type(value).__name__} of time>"
        if key in _COUNTS:
            return "<count>"
        if isinstance(value, ReturnCode):
            return value.name
        if isinstance(value, dict):
            # A clone takes over its keys in an order that changes with every start of an official server.
            items = sorted(value.items()) if "cloned_from" in value else value.items()
            return {self._text(name): self._value(item, name) for name, item in items}
        if isinstance(value, list):
            members = [self._value(item) for item in value]
            if key in _COLLECTED:
                return sorted(set(members))
            return sorted(members, key=repr) if key in _UNORDERED else members
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        text = _UUID.sub(lambda match: self._ids.setdefault(match[0].lower(), f"<id{len(self._ids) + 1}>"), text)
        for job_id, word in self._ids.items():
            text = text.replace(job_id[:8], f"<part of {word}>")
        text = _ADDRESS.sub("<address>", _MOMENT.sub("<time>", text))
        return _PATH.sub(lambda match: f"<path>/{match[0].rsplit('/', 1)[1]}", text)


def compare(expected: list[Observation], came: list[Observation]) -> list[Difference]:
    """Return the steps that went otherwise.

    A raised exception is as expected if its class is the expected one or one below it; the texts are compared only
    where the class is the same: a class below exists because its text says more.
    """
    found = {one.step: one for one in came}
    differences = []
    for wanted in expected:
        one = found.get(wanted.step)
        if one is None:
            differences.append(Difference(wanted.step, str(wanted), "nothing: the step was not reached"))
        elif not _is_as(wanted, one):
            differences.append(Difference(wanted.step, str(wanted), str(one)))
    return differences


def _is_as(expected: Observation, came: Observation) -> bool:
    if not expected.kinds:
        # As JSON, because the order of the keys of a meta is part of what users see.
        return not came.kinds and json.dumps(expected.value) == json.dumps(came.value)
    if expected.kinds[0] not in came.kinds:
        return False
    return expected.kinds[0] != came.kinds[0] or expected.message == came.message
