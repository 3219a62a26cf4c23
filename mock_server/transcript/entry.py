"""An entry of the transcript: one thing that happened, in a form to read, to write down and to check."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Direction(str, enum.Enum):
    """Which way it went."""

    IN = "in"
    """From the client."""
    OUT = "out"
    NONE = "none"
    """It is no message."""


class Kind(str, enum.Enum):
    """What it is."""

    CONNECTION = "connection"
    HANDSHAKE = "handshake"
    MESSAGE = "message"
    COMMAND = "command"
    DECISION = "decision"
    FAULT = "fault"
    VARIATION = "variation"


_ARROWS = {Direction.IN: "->", Direction.OUT: "<-", Direction.NONE: "  "}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        number: counts from 1 over the life of a server.
        time: when, on the server's clock, in ISO form.
        connection: the number of the connection; 0 for what happened on none.
        user: who is at the other end, once that is known.
        session: the session of the last command on the connection, as a mark that tells sessions apart.
        direction: which way it went.
        kind: what it is.
        summary: in one line.
        detail: all of it, as plain data of bounded size, without secrets.
    """

    number: int
    time: str
    connection: int
    user: str
    session: str
    direction: Direction
    kind: Kind
    summary: str
    detail: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The entry as plain data, as a line of a JSONL file holds it."""
        return {
            "number": self.number,
            "time": self.time,
            "connection": self.connection,
            "user": self.user,
            "session": self.session,
            "direction": self.direction.value,
            "kind": self.kind.value,
            "summary": self.summary,
            "detail": dict(self.detail),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Entry:
        """Read an entry back from plain data.

        Raises:
            ValueError: a field is missing, or is none of an entry.
        """
        try:
            return cls(**{**value, "direction": Direction(value["direction"]), "kind": Kind(value["kind"])})
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"expected an entry of a transcript, but {problem}: {dict(value)!r:.200}") from problem

    def __str__(self) -> str:
        """One line for people."""
        who = f"{self.user} " if self.user else ""
        kind = "" if self.kind is Kind.MESSAGE else f"{self.kind.value}: "
        where = f"{self.number:5} {self.time[11:26]} #{self.connection:<3} {_ARROWS[self.direction]}"
        return f"{where} {who}{kind}{self.summary}"
