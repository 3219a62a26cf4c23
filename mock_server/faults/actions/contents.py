"""What answers say."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any, Literal

from pydantic.dataclasses import dataclass

from mock_server.faults.actions.action import STRICT, Action
from mock_server.faults.course import Course, Direction, Point

_FULL_DISK = "OSError: [Errno 28] No space left on device"


def _rewritten(course: Course, rewrite: Callable[[str], str], *, acts: bool = True) -> Course:
    bent = course.with_form(rewrites=(*course.form.rewrites, rewrite))
    return dataclasses.replace(bent, acts=course.acts and acts)


def _change(text: str, change: Callable[[dict[str, Any]], None]) -> str:
    envelope = json.loads(text)
    change(envelope)
    return json.dumps(envelope)


@dataclass(frozen=True, config=STRICT)
class ReplyWith(Action):
    """Another answer comes: a status, an error text, or items and a meta of one's own."""

    points = (Point.COMMAND,)
    status: str = ""
    """Of the meta; empty for that of the error item, or none."""
    info: str = ""
    """Of the meta."""
    error: str = ""
    """The text of an error item; empty for none."""
    items: tuple[dict[str, Any], ...] = ()
    """Further items, as they stand in the envelope."""
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Further fields of the meta."""
    acts: bool = False
    """Whether the server carries the command out all the same."""
    kind: Literal["reply"] = dataclasses.field(default="reply", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(course, self._write, acts=self.acts)

    def _write(self, text: str) -> str:
        items = [{"type": "error", "data": self.error}] if self.error else []
        meta = {"status": self.status, "info": self.info} if self.status else {}
        if self.error and not self.status:
            meta = {"status": "error", "info": self.error}  # what the writer of official servers puts there
        return _change(text, lambda envelope: envelope.update(data=[*items, *self.items], meta={**meta, **self.meta}))


@dataclass(frozen=True, config=STRICT)
class ReplyText(Action):
    """The answer is a text that need not be an envelope."""

    points = (Point.COMMAND,)
    text: str
    acts: bool = True
    """Whether the server carries the command out."""
    kind: Literal["text"] = dataclasses.field(default="text", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(course, lambda _: self.text, acts=self.acts)


@dataclass(frozen=True, config=STRICT)
class UnknownItem(Action):
    """One more item is in the answer, of a type that nobody knows."""

    points = (Point.COMMAND,)
    type: str = "hologram"
    data: str = "from a later release"
    kind: Literal["unknown_item"] = dataclasses.field(default="unknown_item", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(
            course, lambda text: _change(text, lambda e: e["data"].append({"type": self.type, "data": self.data}))
        )


@dataclass(frozen=True, config=STRICT)
class ExtraFields(Action):
    """The envelope, its items and a meta have more fields than anybody knows."""

    points = (Point.COMMAND,)
    fields: dict[str, Any] = dataclasses.field(default_factory=lambda: {"added_later": [1, {"deep": None}]})
    kind: Literal["extra_fields"] = dataclasses.field(default="extra_fields", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(course, lambda text: _change(text, self._add))

    def _add(self, envelope: dict[str, Any]) -> None:
        for part in (*envelope["data"], *([envelope["meta"]] if envelope["meta"] else []), envelope):
            part.update({name: value for name, value in self.fields.items() if name not in part})


@dataclass(frozen=True, config=STRICT)
class RefuseLogin(Action):
    """The login is refused."""

    points = (Point.COMMAND,)
    usual_command = "_*login"
    code: str = ""
    """The reason's code (releases from 2.8 on)."""
    reason: str = ""
    kind: Literal["refuse_login"] = dataclasses.field(default="refuse_login", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        word = f"REJECT: {self.code}: {self.reason}" if self.code else "REJECT"
        items = [{"type": "string", "data": word}]
        return _rewritten(course, lambda text: _change(text, lambda e: e.update(data=items, meta={})), acts=False)


@dataclass(frozen=True, config=STRICT)
class LoseCommand(Action):
    """One command is missing in the list that a client gets at login, as on a server without that module."""

    points = (Point.COMMAND,)
    usual_command = "_commands"
    name: str
    kind: Literal["lose_command"] = dataclasses.field(default="lose_command", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(course, lambda text: _change(text, self._lose))

    def _lose(self, envelope: dict[str, Any]) -> None:
        for item in envelope["data"]:
            if item["type"] == "table":
                item["rows"] = [row for row in item["rows"] if self.name not in row]


@dataclass(frozen=True, config=STRICT)
class FullDisk(Action):
    """The server cannot store what was sent; its command fails as an official one does where it cannot write."""

    points = (Point.COMMAND,)
    usual_command = "submit_job"
    kind: Literal["full_disk"] = dataclasses.field(default="full_disk", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        reply = ReplyWith(
            error=f"Exception occurred trying to submit job: {_FULL_DISK}",
            status="internal_error",
            info="exception <class 'OSError'> occurred",
        )
        return reply.bend(course, direction, draw)
