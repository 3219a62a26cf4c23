"""Which moments a fault is for, and how often it strikes."""

from __future__ import annotations

import dataclasses
import enum
import fnmatch
import random
import threading
from typing import Any

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from mock_server.faults.actions import AnyAction, Close
from mock_server.faults.course import Course, Direction, Moment, Point
from mock_server.transcript.facts import Injected


@dataclass(frozen=True, config=ConfigDict(extra="forbid"), kw_only=True)
class Rule:
    """A fault and when it strikes.

    Attributes:
        action: what it does.
        command: a glob on the name of the command; by default the one that the action is about, or any.
        at: where; by default where the action usually strikes.
        direction: before the server acts or after; by default the usual one of the action.
        user: a glob on the name of the user.
        session: only the session of this number; the first one after the start of the server has number 1.
        file: a glob on the file of a download.
        nth: only the n-th moment that fits.
        from_nth: the n-th moment that fits, and all after it.
        times: at most so often.
        probability: only in this share of the moments.
        seed: makes the same draws again.
    """

    action: AnyAction
    command: str | None = None
    at: Point | None = None
    direction: Direction | None = None
    user: str = "*"
    session: int | None = Field(default=None, ge=1)
    file: str = "*"
    nth: int | None = Field(default=None, ge=1)
    from_nth: int = Field(default=1, ge=1)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    seed: int = 0

    @model_validator(mode="after")
    def _possible(self) -> Rule:
        action, kind = type(self.action), self.action.kind
        if self.at is not None and self.at not in action.points:
            known = ", ".join(point.value for point in action.points)
            raise ValueError(f"expected {kind!r} at {known}, but got {self.at.value!r}")
        if self.direction is not None and self.direction not in action.directions:
            known = ", ".join(direction.value for direction in action.directions)
            raise ValueError(f"expected {kind!r} in direction {known}, but got {self.direction.value!r}")
        if self.point is Point.CONNECT and self.direction is Direction.ANSWER:
            raise ValueError(f"expected direction 'request' at 'connect', but got {self.direction.value!r}")
        if self.nth is not None and self.from_nth != 1:
            raise ValueError(f"expected nth or from_nth, but got both: {self.nth} and {self.from_nth}")
        return self

    @property
    def point(self) -> Point:
        """Where it strikes."""
        return self.at or type(self.action).points[0]

    @property
    def way(self) -> Direction:
        """Which way it strikes."""
        if self.point is Point.CONNECT:
            return Direction.REQUEST  # there is no answer yet
        return self.direction or type(self.action).directions[0]

    @property
    def commands(self) -> str:
        """The glob on commands; other points than commands have no names that a user would know."""
        return self.command if self.command is not None else type(self.action).usual_command

    def match(self) -> dict[str, Any]:
        """When it strikes, as it was written: what differs from the usual."""
        written = {name: getattr(self, name) for name in _WHEN if getattr(self, name) != getattr(_USUAL, name)}
        return {name: value.value if isinstance(value, enum.Enum) else value for name, value in written.items()}

    def fits(self, moment: Moment, session: int) -> bool:
        """Whether a moment is of those that the rule is for.

        Args:
            moment: what is about to happen.
            session: the number of its session.
        """
        return (
            moment.point is self.point
            and (self.session is None or session == self.session)
            and fnmatch.fnmatchcase(moment.command, self.commands)
            and fnmatch.fnmatchcase(moment.user, self.user)
            and fnmatch.fnmatchcase(moment.file, self.file)
        )


_USUAL = Rule(action=Close())
_WHEN = tuple(name for name in Rule.__dataclass_fields__ if name != "action")


class ActiveRule:
    """A rule in force, and how often it struck; on the server's loop, but for reading ``fired``.

    Args:
        rule: the rule.
        number: tells it apart from the others of its server.

    Attributes:
        paused: whether it lets everything pass for now, and counts nothing.
    """

    def __init__(self, rule: Rule, number: int = 0) -> None:
        self.rule = rule
        self.number = number
        self.paused = False
        self.seen = 0
        self.fired = 0
        self._draw = random.Random(rule.seed)  # noqa: S311 - a repeatable one is wanted
        self._struck = threading.Condition()

    def strikes(self, moment: Moment, session: int) -> bool:
        """Whether it strikes now; counts."""
        rule = self.rule
        if self.paused or not rule.fits(moment, session):
            return False
        self.seen += 1
        if self.seen < rule.from_nth or (rule.nth is not None and self.seen != rule.nth):
            return False
        if rule.times is not None and self.fired >= rule.times:
            return False
        if rule.probability < 1.0 and self._draw.random() >= rule.probability:
            return False
        with self._struck:
            self.fired += 1
            self._struck.notify_all()
        return True

    def told(self, moment: Moment) -> Injected:
        """That it strikes now, as the transcript has it: the action, the rule, and what it strikes.

        Nothing of the rule is in the short words, as it may say what only the redactor of the transcript may show.
        """
        rule = self.rule
        strikes = {"command": moment.command, "file": moment.file} if moment.command else {}
        return Injected(
            f"{rule.action.kind} strikes {moment.command or 'a connection'} ({rule.way.value})",
            {
                "action": dataclasses.asdict(rule.action),
                "rule": rule.match(),
                "strikes": {"at": rule.point.value, "direction": rule.way.value, **strikes},
                "fired": self.fired,
            },
        )

    def wait(self, timeout: float, times: int) -> bool:
        """Wait, in another thread, until it has struck so often; say whether it has in time."""
        with self._struck:
            return self._struck.wait_for(lambda: self.fired >= times, timeout)

    def bend(self, course: Course) -> Course:
        """Change a course by the action."""
        return self.rule.action.bend(course, self.rule.way, self._draw)
