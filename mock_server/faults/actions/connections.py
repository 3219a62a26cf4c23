"""What happens to connections."""

from __future__ import annotations

import dataclasses
import random
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mock_server.faults.actions.action import BOTH, BOTH_FROM_THE_END, EVERYWHERE, STRICT, Action
from mock_server.faults.course import Course, Direction, End, Point
from mock_server.quantities import Duration


@dataclass(frozen=True, config=STRICT)
class Silence(Action):
    """The connection stays open, and no answer comes; the request is lost, or in direction ``answer`` the answer."""

    points = EVERYWHERE
    directions = BOTH
    kind: Literal["silence"] = dataclasses.field(default="silence", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.SILENCE)


@dataclass(frozen=True, config=STRICT)
class Close(Action):
    """The connection is closed: before the server acts, or in direction ``answer`` after, instead of the answer."""

    points = EVERYWHERE
    directions = BOTH
    kind: Literal["close"] = dataclasses.field(default="close", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.CLOSE)


@dataclass(frozen=True, config=STRICT)
class Reset(Action):
    """The connection is cut, with a TCP reset where the scheme allows: before the server acts, or after."""

    points = EVERYWHERE
    directions = BOTH
    kind: Literal["reset"] = dataclasses.field(default="reset", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.RESET)


@dataclass(frozen=True, config=STRICT)
class Refuse(Action):
    """A connection is reset as soon as it is open. That nobody listens at all is what ``Restart`` does."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    kind: Literal["refuse"] = dataclasses.field(default="refuse", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.RESET)


@dataclass(frozen=True, config=STRICT)
class Delay(Action):
    """It takes longer: until the answer leaves, or in direction ``request`` until the server acts."""

    points = EVERYWHERE
    directions = BOTH_FROM_THE_END
    seconds: Duration
    """At least so much."""
    jitter: Duration = 0.0
    """Up to so much more, evenly."""
    tail: Duration = 0.0
    """So much more on top, in a few cases."""
    tail_share: float = Field(default=0.05, ge=0.0, le=1.0)
    """How few."""
    kind: Literal["delay"] = dataclasses.field(default="delay", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        more = self.seconds + draw.random() * self.jitter
        more += self.tail if self.tail and draw.random() < self.tail_share else 0.0
        before = course.request if direction is Direction.REQUEST else course.answer
        return course.with_passage(direction, delay=before.delay + more)
