"""What happens to answers on their way."""

from __future__ import annotations

import dataclasses
import random
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from mock_server.faults.actions.action import STRICT, Action
from mock_server.faults.course import Course, Direction, End
from mock_server.quantities import Duration, Size


@dataclass(frozen=True, config=STRICT)
class Throttle(Action):
    """The answer leaves slowly; from 2.7 on frame by frame."""

    rate: Size = Field(gt=0)
    """Bytes a second."""
    kind: Literal["throttle"] = dataclasses.field(default="throttle", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(pace=float(self.rate))


@dataclass(frozen=True, config=STRICT)
class Truncate(Action):
    """The answer is too short, and ends as if it were whole; files of releases to 2.6 end with the connection."""

    keep: Size = 20
    """Characters of a text, or bytes of a file, that are left."""
    kind: Literal["truncate"] = dataclasses.field(default="truncate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(content=self.keep)


@dataclass(frozen=True, config=STRICT)
class Cut(Action):
    """The connection ends in the middle of the answer; from 2.7 on between two frames."""

    keep: Size = 20
    """Bytes that leave before."""
    reset: bool = False
    kind: Literal["cut"] = dataclasses.field(default="cut", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(cut=self.keep, then=End.RESET if self.reset else End.CLOSE)


@dataclass(frozen=True, config=STRICT)
class Stall(Action):
    """Nothing more comes from the middle of the answer on; the connection stays. From 2.7 on between two frames."""

    keep: Size = 20
    """Bytes that leave before."""
    kind: Literal["stall"] = dataclasses.field(default="stall", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(cut=self.keep, then=End.SILENCE)


@dataclass(frozen=True, config=STRICT)
class Corrupt(Action):
    """Every bit of one byte of the answer is turned."""

    at: Size | None = None
    """Which byte; the first of a text, one in the middle of a file by default."""
    kind: Literal["corrupt"] = dataclasses.field(default="corrupt", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(corrupt=-1 if self.at is None else self.at)


@dataclass(frozen=True, config=STRICT)
class Duplicate(Action):
    """The answer comes more than once."""

    copies: int = Field(default=2, ge=2, le=100)
    kind: Literal["duplicate"] = dataclasses.field(default="duplicate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(copies=self.copies)


@dataclass(frozen=True, config=STRICT)
class Postpone(Action):
    """The answer leaves after the next one of the server, so that two change places."""

    at_most: Duration = 5.0
    """Seconds after which it leaves in any case."""
    kind: Literal["postpone"] = dataclasses.field(default="postpone", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return dataclasses.replace(course, postponed=self.at_most)
