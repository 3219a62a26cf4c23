"""How a server shows itself to whoever connects."""

from __future__ import annotations

import dataclasses
import random
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from mock_server.faults.actions.action import STRICT, Action
from mock_server.faults.course import Course, Direction, Point


def _welcomed(course: Course, **changes: Any) -> Course:
    return dataclasses.replace(course, welcome=dataclasses.replace(course.welcome, **changes))


@dataclass(frozen=True, config=STRICT)
class WrongCertificate(Action):
    """The server shows another certificate: of another name, another authority, or one that expired."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    wrong: Literal["name", "authority", "expired"]
    kind: Literal["certificate"] = dataclasses.field(default="certificate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, certificate=self.wrong)


@dataclass(frozen=True, config=STRICT)
class OldTls(Action):
    """The server speaks TLS 1.1 at most."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    kind: Literal["old_tls"] = dataclasses.field(default="old_tls", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, old_tls=True)


@dataclass(frozen=True, config=STRICT)
class WrongSignature(Action):
    """The token that a registered cell gets bears a signature that is not the server's (releases from 2.7 on)."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    needs_cells = True
    kind: Literal["wrong_signature"] = dataclasses.field(default="wrong_signature", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, wrong_signature=True)


@dataclass(frozen=True, config=STRICT)
class LoseAcknowledgements(Action):
    """No acknowledgement of a stream reaches the client on this connection (releases from 2.7 on)."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    needs_cells = True
    kind: Literal["lose_acknowledgements"] = dataclasses.field(
        default="lose_acknowledgements", kw_only=True, repr=False
    )

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, acknowledges=False)
