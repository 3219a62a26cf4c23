"""What a fault does. Each action says where and in which direction it can strike, and bends a course.

Actions are declared alike in Python, ``Delay(2.0)``, and in a scenario, ``{kind: delay, seconds: 2s}``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import random
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mock_server.faults.course import Course, Direction, End, Moment, Plant, Point
from mock_server.quantities import Duration, Size

_STRICT = ConfigDict(extra="forbid")
_FULL_DISK = "OSError: [Errno 28] No space left on device"


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


_EVERYWHERE = (Point.COMMAND, Point.CONNECT, Point.UPLOAD, Point.DOWNLOAD)
_BOTH = (Direction.REQUEST, Direction.ANSWER)
_BOTH_FROM_THE_END = (Direction.ANSWER, Direction.REQUEST)


# --- what happens to connections ---------------------------------------------------------------------------------


@dataclass(frozen=True, config=_STRICT)
class Silence(Action):
    """The connection stays open, and no answer comes; the request is lost, or in direction ``answer`` the answer."""

    points = _EVERYWHERE
    directions = _BOTH
    kind: Literal["silence"] = dataclasses.field(default="silence", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.SILENCE)


@dataclass(frozen=True, config=_STRICT)
class Close(Action):
    """The connection is closed: before the server acts, or in direction ``answer`` after, instead of the answer."""

    points = _EVERYWHERE
    directions = _BOTH
    kind: Literal["close"] = dataclasses.field(default="close", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.CLOSE)


@dataclass(frozen=True, config=_STRICT)
class Reset(Action):
    """The connection is cut, with a TCP reset where the scheme allows: before the server acts, or after."""

    points = _EVERYWHERE
    directions = _BOTH
    kind: Literal["reset"] = dataclasses.field(default="reset", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.RESET)


@dataclass(frozen=True, config=_STRICT)
class Refuse(Action):
    """A connection is reset as soon as it is open. That nobody listens at all is what ``Restart`` does."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    kind: Literal["refuse"] = dataclasses.field(default="refuse", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_passage(direction, end=End.RESET)


@dataclass(frozen=True, config=_STRICT)
class Delay(Action):
    """It takes longer: until the answer leaves, or in direction ``request`` until the server acts."""

    points = _EVERYWHERE
    directions = _BOTH_FROM_THE_END
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


# --- what happens to answers -------------------------------------------------------------------------------------


@dataclass(frozen=True, config=_STRICT)
class Throttle(Action):
    """The answer leaves slowly; from 2.7 on frame by frame."""

    rate: Size = Field(gt=0)
    """Bytes a second."""
    kind: Literal["throttle"] = dataclasses.field(default="throttle", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(pace=float(self.rate))


@dataclass(frozen=True, config=_STRICT)
class Truncate(Action):
    """The answer is too short, and ends as if it were whole; files of releases to 2.6 end with the connection."""

    keep: Size = 20
    """Characters of a text, or bytes of a file, that are left."""
    kind: Literal["truncate"] = dataclasses.field(default="truncate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(content=self.keep)


@dataclass(frozen=True, config=_STRICT)
class Cut(Action):
    """The connection ends in the middle of the answer; from 2.7 on between two frames."""

    keep: Size = 20
    """Bytes that leave before."""
    reset: bool = False
    kind: Literal["cut"] = dataclasses.field(default="cut", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(cut=self.keep, then=End.RESET if self.reset else End.CLOSE)


@dataclass(frozen=True, config=_STRICT)
class Stall(Action):
    """Nothing more comes from the middle of the answer on; the connection stays. From 2.7 on between two frames."""

    keep: Size = 20
    """Bytes that leave before."""
    kind: Literal["stall"] = dataclasses.field(default="stall", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(cut=self.keep, then=End.SILENCE)


@dataclass(frozen=True, config=_STRICT)
class Corrupt(Action):
    """Every bit of one byte of the answer is turned."""

    at: Size | None = None
    """Which byte; the first of a text, one in the middle of a file by default."""
    kind: Literal["corrupt"] = dataclasses.field(default="corrupt", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(corrupt=-1 if self.at is None else self.at)


@dataclass(frozen=True, config=_STRICT)
class Duplicate(Action):
    """The answer comes more than once."""

    copies: int = Field(default=2, ge=2, le=100)
    kind: Literal["duplicate"] = dataclasses.field(default="duplicate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return course.with_form(copies=self.copies)


@dataclass(frozen=True, config=_STRICT)
class Postpone(Action):
    """The answer leaves after the next one of the server, so that two change places."""

    at_most: Duration = 5.0
    """Seconds after which it leaves in any case."""
    kind: Literal["postpone"] = dataclasses.field(default="postpone", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return dataclasses.replace(course, postponed=self.at_most)


# --- what answers say --------------------------------------------------------------------------------------------


def _rewritten(course: Course, rewrite: Callable[[str], str], *, acts: bool = True) -> Course:
    bent = course.with_form(rewrites=(*course.form.rewrites, rewrite))
    return dataclasses.replace(bent, acts=course.acts and acts)


def _change(text: str, change: Callable[[dict[str, Any]], None]) -> str:
    envelope = json.loads(text)
    change(envelope)
    return json.dumps(envelope)


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
class ReplyText(Action):
    """The answer is a text that need not be an envelope."""

    points = (Point.COMMAND,)
    text: str
    acts: bool = True
    """Whether the server carries the command out."""
    kind: Literal["text"] = dataclasses.field(default="text", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _rewritten(course, lambda _: self.text, acts=self.acts)


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


@dataclass(frozen=True, config=_STRICT)
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


# --- what happens to the server ----------------------------------------------------------------------------------


def _with_deed(course: Course, direction: Direction, deed: Callable[[Plant, Moment], None]) -> Course:
    passage = course.request if direction is Direction.REQUEST else course.answer
    return course.with_passage(direction, deeds=(*passage.deeds, deed))


@dataclass(frozen=True, config=_STRICT)
class ExpireSession(Action):
    """The session ends: before the command is carried out, or in direction ``answer`` after.

    From 2.7 on the client is told at once, as by official servers.
    """

    directions = _BOTH
    kind: Literal["expire_session"] = dataclasses.field(default="expire_session", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, moment: plant.expire_session(moment.session))


@dataclass(frozen=True, config=_STRICT)
class ForgetToken(Action):
    """The server does not know the session's token any more, whoever signed it, and tells nobody."""

    directions = _BOTH
    kind: Literal["forget_token"] = dataclasses.field(default="forget_token", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, moment: plant.forget_token(moment.session))


@dataclass(frozen=True, config=_STRICT)
class Restart(Action):
    """The server restarts, instead of the answer or of all; meanwhile nobody listens."""

    points = (Point.COMMAND, Point.UPLOAD, Point.DOWNLOAD)
    directions = _BOTH
    down: Duration = 0.0
    """Seconds until it serves again."""
    kind: Literal["restart"] = dataclasses.field(default="restart", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        bent = _with_deed(course, direction, lambda plant, _: plant.restart_after(self.down))
        return bent.with_passage(direction, end=End.SILENCE)


@dataclass(frozen=True, config=_STRICT)
class ClockSkew(Action):
    """The clock of the server goes wrong, from this moment on."""

    directions = (Direction.REQUEST,)
    seconds: float = Field(ge=-1e9, le=1e9, allow_inf_nan=False)
    """How far it is set ahead; negative: back."""
    kind: Literal["clock_skew"] = dataclasses.field(default="clock_skew", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _with_deed(course, direction, lambda plant, _: plant.skew_clock(self.seconds))


# --- how a server shows itself -----------------------------------------------------------------------------------


def _welcomed(course: Course, **changes: Any) -> Course:
    return dataclasses.replace(course, welcome=dataclasses.replace(course.welcome, **changes))


@dataclass(frozen=True, config=_STRICT)
class WrongCertificate(Action):
    """The server shows another certificate: of another name, another authority, or one that expired."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    wrong: Literal["name", "authority", "expired"]
    kind: Literal["certificate"] = dataclasses.field(default="certificate", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, certificate=self.wrong)


@dataclass(frozen=True, config=_STRICT)
class OldTls(Action):
    """The server speaks TLS 1.1 at most."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    kind: Literal["old_tls"] = dataclasses.field(default="old_tls", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, old_tls=True)


@dataclass(frozen=True, config=_STRICT)
class WrongSignature(Action):
    """The token that a registered cell gets bears a signature that is not the server's (releases from 2.7 on)."""

    points = (Point.CONNECT,)
    directions = (Direction.REQUEST,)
    needs_cells = True
    kind: Literal["wrong_signature"] = dataclasses.field(default="wrong_signature", kw_only=True, repr=False)

    def bend(self, course: Course, direction: Direction, draw: random.Random) -> Course:
        return _welcomed(course, wrong_signature=True)


@dataclass(frozen=True, config=_STRICT)
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


AnyAction = Annotated[
    Silence
    | Close
    | Reset
    | Refuse
    | Delay
    | Throttle
    | Truncate
    | Cut
    | Stall
    | Corrupt
    | Duplicate
    | Postpone
    | ReplyWith
    | ReplyText
    | UnknownItem
    | ExtraFields
    | RefuseLogin
    | LoseCommand
    | FullDisk
    | ExpireSession
    | ForgetToken
    | Restart
    | ClockSkew
    | WrongCertificate
    | OldTls
    | WrongSignature
    | LoseAcknowledgements,
    Field(discriminator="kind"),
]
"""Every action, told apart by ``kind``."""


def kind_of(action: type[Action]) -> str:
    """The kind of an action, which tells it apart from others."""
    return str(action.__dataclass_fields__["kind"].default)  # type: ignore[attr-defined] # each is a dataclass


@functools.cache
def kinds() -> dict[str, type[Action]]:
    """Every action by its kind."""
    return {kind_of(action): action for action in Action.__subclasses__()}
