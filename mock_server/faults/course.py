"""What is to become of one command, connection or piece of a file: faults in the terms of an endpoint.

Rules decide a course, endpoints follow it. Neither knows the other: a course is plain data, and the few things that
happen to the server itself on the way are functions that take a ``Plant``.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Protocol

from mock_server.transcript.facts import Injected


class Point(str, enum.Enum):
    """Where a fault may strike."""

    CONNECT = "connect"
    """A client opens a connection."""
    COMMAND = "command"
    """A command is whole; so is the upload that belongs to it."""
    UPLOAD = "upload"
    """A piece of an upload came (releases from 2.7 on)."""
    DOWNLOAD = "download"
    """A file of a result is asked for (releases 2.4 to 2.6), or a piece of one (from 2.7 on)."""


class Direction(str, enum.Enum):
    """Which way a fault strikes: before the server acts, or after."""

    REQUEST = "request"
    ANSWER = "answer"


class End(enum.Enum):
    """How something ends that was to go on."""

    SILENCE = enum.auto()
    """The connection stays open, and nothing comes."""
    CLOSE = enum.auto()
    """The connection is closed in good order."""
    RESET = enum.auto()
    """The connection is cut."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """What is about to happen, as rules see it.

    Attributes:
        point: where.
        command: its name; at other points than commands what comes closest.
        user: whose it is; empty where that is not known yet.
        session: the session's token on the server; empty without one.
        file: the file of a download.
    """

    point: Point
    command: str = ""
    user: str = ""
    session: str = ""
    file: str = ""


class Plant(Protocol):
    """What a fault may do to the server itself."""

    def expire_session(self, session: str) -> None:
        """End a session as if it had been idle for too long; its client is told where the wire can."""

    def forget_token(self, session: str) -> None:
        """Know a token no more, and tell nobody."""

    def restart_after(self, down: float) -> None:
        """Stop now, and start again after so many seconds."""

    def skew_clock(self, seconds: float) -> None:
        """Set the clock of the server ahead, or back where negative, against that of its scenario."""


Deed = Callable[[Plant, Moment], None]


@dataclasses.dataclass(frozen=True)
class Passage:
    """One way of a command: to the server, or back.

    Attributes:
        delay: seconds that it takes longer.
        deeds: what happens to the server then.
        end: where it does not arrive.
    """

    delay: float = 0.0
    deeds: tuple[Deed, ...] = ()
    end: End | None = None


@dataclasses.dataclass(frozen=True)
class Form:
    """How an answer leaves.

    Attributes:
        rewrites: what is done to the text of the envelope, in order.
        content: only so many characters of a text, or bytes of a file, are in it.
        corrupt: the place of a byte that is turned; -1 for the first of a text, the middle of a file.
        copies: how often it is sent.
        cut: only so many bytes leave.
        then: what follows after them.
        pace: bytes a second; ``None`` for as fast as can be.
        pieces: in how many portions it leaves, at least.
    """

    rewrites: tuple[Callable[[str], str], ...] = ()
    content: int | None = None
    corrupt: int | None = None
    copies: int = 1
    cut: int | None = None
    then: End = End.CLOSE
    pace: float | None = None
    pieces: int = 1

    def text(self, text: str) -> str:
        """The text of an envelope in this form; a turned byte is the business of whoever encodes it."""
        for rewrite in self.rewrites:
            text = rewrite(text)
        return text if self.content is None else text[: self.content]

    def data(self, data: bytes) -> bytes:
        """The bytes of a piece of a file in this form."""
        data = data if self.content is None else data[: self.content]
        if self.corrupt is None:
            return data
        return turned(data, len(data) // 2 if self.corrupt < 0 else self.corrupt)


PLAIN = Form()
"""An answer as it is."""


def turned(data: bytes, at: int) -> bytes:
    """Turn every bit of one byte; none where there is no such byte."""
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :] if 0 <= at < len(data) else data


@dataclasses.dataclass(frozen=True)
class Welcome:
    """How a server shows itself to a client that connects.

    Attributes:
        certificate: what is wrong with its certificate: ``name``, ``authority`` or ``expired``; empty for nothing.
        old_tls: whether it speaks TLS 1.1 at most.
        wrong_signature: whether the token of a registration bears a wrong signature (releases from 2.7 on).
        acknowledges: whether it acknowledges what it received (releases from 2.7 on).
    """

    certificate: str = ""
    old_tls: bool = False
    wrong_signature: bool = False
    acknowledges: bool = True


USUAL_WELCOME = Welcome()


@dataclasses.dataclass(frozen=True)
class Course:
    """What is to become of something.

    Attributes:
        request: its way to the server.
        acts: whether it is carried out; otherwise the answer is what ``form`` makes of an empty one.
        answer: the way back.
        form: how the answer leaves.
        postponed: seconds that the answer waits for another one to leave before it; ``None``: it does not wait.
        welcome: of a connection.
        struck: the faults that make it so, for the transcript.
    """

    request: Passage = Passage()
    acts: bool = True
    answer: Passage = Passage()
    form: Form = PLAIN
    postponed: float | None = None
    welcome: Welcome = USUAL_WELCOME
    struck: tuple[Injected, ...] = ()

    def with_passage(self, direction: Direction, **changes: object) -> Course:
        """The same course with one way changed."""
        passage = self.request if direction is Direction.REQUEST else self.answer
        changed = dataclasses.replace(passage, **changes)  # type: ignore[arg-type] # names of its own fields
        return dataclasses.replace(self, **{direction.value: changed})  # type: ignore[arg-type] # likewise

    def with_form(self, **changes: object) -> Course:
        """The same course with another form of the answer."""
        return dataclasses.replace(self, form=dataclasses.replace(self.form, **changes))  # type: ignore[arg-type]
