"""What every action is, and where most of them strike."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from pydantic import ConfigDict

from mock_server.faults.course import Course, Direction, Point

STRICT = ConfigDict(extra="forbid")
"""A field that an action does not have is refused."""

EVERYWHERE = (Point.COMMAND, Point.CONNECT, Point.UPLOAD, Point.DOWNLOAD)
BOTH = (Direction.REQUEST, Direction.ANSWER)
BOTH_FROM_THE_END = (Direction.ANSWER, Direction.REQUEST)


class Action:
    """Something that goes wrong.

    Attributes:
        points: where it can strike; the first is the usual one.
        directions: which ways it can strike; the first is the usual one.
        usual_command: the command that it is about, where no rule says another.
        needs_cells: whether only releases from 2.7 on have what it strikes.
    """

    points: ClassVar[tuple[Point, ...]] = (Point.COMMAND, Point.UPLOAD, Point.DOWNLOAD)
    directions: ClassVar[tuple[Direction, ...]] = (Direction.ANSWER,)
    usual_command: ClassVar[str] = "*"
    needs_cells: ClassVar[bool] = False
    kind: Any
    """What tells it apart from others."""

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        """Change a course.

        Args:
            course: what was decided so far.
            direction: one of its own.
            draw: the chance of the rule, which a seed repeats.
        """
        raise NotImplementedError
