"""What happens to the server."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mock_server.faults.actions.action import BOTH, STRICT, Action
from mock_server.faults.course import Course, Direction, End, Moment, Plant, Point
from mock_server.quantities import Duration


def _with_deed(course: Course, direction: Direction, deed: Callable[[Plant, Moment], None]) -> Course:
    passage = course.request if direction is Direction.REQUEST else course.answer
    return course.with_passage(direction, deeds=(*passage.deeds, deed))


@dataclass(frozen=True, config=STRICT)
class ExpireSession(Action):
    """The session ends: before the command is carried out, or in direction ``answer`` after.

    From 2.7 on the client is told at once, as by official servers.
    """

    directions = BOTH
    kind: Literal["expire_session"] = dataclasses.field(default="expire_session", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, moment: plant.expire_session(moment.session))


@dataclass(frozen=True, config=STRICT)
class ForgetToken(Action):
    """The server does not know the session's token any more, whoever signed it, and tells nobody."""

    directions = BOTH
    kind: Literal["forget_token"] = dataclasses.field(default="forget_token", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, moment: plant.forget_token(moment.session))


@dataclass(frozen=True, config=STRICT)
class Restart(Action):
    """The server restarts, instead of the answer or of all; meanwhile nobody listens."""

    points = (Point.COMMAND, Point.UPLOAD, Point.DOWNLOAD)
    directions = BOTH
    down: Duration = 0.0
    """Seconds until it serves again."""
    kind: Literal["restart"] = dataclasses.field(default="restart", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        bent = _with_deed(course, direction, lambda plant, _: plant.restart_after(self.down))
        return bent.with_passage(direction, end=End.SILENCE)


@dataclass(frozen=True, config=STRICT)
class ClockSkew(Action):
    """The clock of the server goes wrong, from this moment on."""

    directions = (Direction.REQUEST,)
    seconds: float = Field(ge=-1e9, le=1e9, allow_inf_nan=False)
    """How far it is set ahead; negative: back."""
    kind: Literal["clock_skew"] = dataclasses.field(default="clock_skew", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, _: plant.skew_clock(self.seconds))
