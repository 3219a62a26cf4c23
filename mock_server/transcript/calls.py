"""The commands that a server was given, for assertions: which, with what, by whom, and how they went."""

from __future__ import annotations

import collections
import dataclasses
import threading
from collections.abc import Callable, Iterator

from flare_client.protocol.releases import ReleaseProfile
from mock_server.commands.words import split_words
from mock_server.transcript.facts import Commanded
from mock_server.transcript.redaction import Redactor

_MOST = 10_000
"""Calls that are kept; older ones are counted alone."""
_MOST_LINE = 4096
"""Characters of a command line that are kept: that of release 2.3 holds a whole job."""
_SHOWN = 20
"""Calls that the text of a failure lists."""
_LOGIN = "_login"


class CallError(AssertionError):
    """The calls of a server are not those that were required; the text lists what came."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One command that came.

    Attributes:
        name: of the command, without its scope.
        args: the words after it, as the server split them; a password is not among them.
        user: who asked, as far as the server knew.
        session: the session, as a mark that tells sessions apart; empty for a login.
        answer: the form of the answer: ``reply``, ``file``, ``empty`` or ``silence``; ``silence``, ``close`` or
            ``reset`` for what a fault did instead of carrying the command out. What a fault does to the answer of a
            command that was carried out is in the transcript alone.
        status: the status in the meta of the reply; ``None`` where it has none.
        error: the text of the reply's error, or nothing.
        upload_size: bytes of the file that came with it; ``None`` where none did.
    """

    name: str
    args: tuple[str, ...]
    user: str
    session: str
    answer: str
    status: str | None
    error: str
    upload_size: int | None

    @property
    def is_refused(self) -> bool:
        """Whether the reply has an error."""
        return bool(self.error)

    def __str__(self) -> str:
        words = " ".join((self.name, *self.args))
        upload = f" with {self.upload_size:,} bytes" if self.upload_size is not None else ""
        return f"{words}{upload} by {self.user or 'nobody'}: {self.error or self.status or self.answer}"


class Calls:
    """The commands of a server's life, oldest first; safe to read from any thread, also after the server stopped.

    Args:
        profile: says how a command line is split.
        redactor: takes the secrets out; that of the transcript, so that sessions have the same marks.
    """

    def __init__(self, profile: ReleaseProfile, redactor: Redactor) -> None:
        self._profile = profile
        self._redactor = redactor
        self._facts: collections.deque[Commanded] = collections.deque(maxlen=_MOST)
        self._lock = threading.Lock()

    def add(self, fact: Commanded) -> None:
        """Take note of a command; on the server's loop."""
        if fact.token:
            self._redactor.learn(fact.token, "session")
        if len(fact.line) > _MOST_LINE:
            fact = dataclasses.replace(fact, line=fact.line[:_MOST_LINE])
        with self._lock:
            self._facts.append(fact)

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._facts.clear()

    # --- to look at -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            facts = list(self._facts)
        return iter([self._call(fact) for fact in facts])

    def __len__(self) -> int:
        return len(self._facts)

    def of(self, command: str, *args: str, user: str | None = None) -> list[Call]:
        """The calls of a command.

        Args:
            command: its name, as ``submit_job``.
            *args: words that must be its first ones.
            user: only those of this user.
        """
        return [
            call
            for call in self
            if call.name == command and call.args[: len(args)] == args and user in (None, call.user)
        ]

    # --- to assert ----------------------------------------------------------------------------------------------------

    def require(self, command: str, *args: str, user: str | None = None, times: int | None = None) -> list[Call]:
        """Demand that a command came; see ``of``.

        Args:
            command: its name.
            *args: words that must be its first ones.
            user: whose.
            times: how often; at least once by default.

        Returns:
            The calls.

        Raises:
            CallError: it did not come so.
        """
        found = self.of(command, *args, user=user)
        if len(found) != times if times is not None else not found:
            wanted = " ".join((command, *args)) + (f" by {user}" if user is not None else "")
            often = "at least once" if times is None else "once" if times == 1 else f"{times} times"
            raise CallError(f"expected {wanted} {often}, but it came {len(found)} times; {self._listed(command)}")
        return found

    def require_once(self, command: str, *args: str, user: str | None = None) -> Call:
        """Demand that a command came exactly once, and return it; see ``require``."""
        return self.require(command, *args, user=user, times=1)[0]

    def require_none(self, command: str, *args: str, user: str | None = None) -> None:
        """Demand that a command never came; see ``require``."""
        self.require(command, *args, user=user, times=0)

    def require_order(self, *commands: str) -> list[Call]:
        """Demand that commands came in this order; others may lie between.

        Args:
            *commands: their names.

        Returns:
            The first calls that fit.

        Raises:
            CallError: they did not.
        """
        left = iter(list(self))
        found: list[Call] = []
        for command in commands:
            call = next((one for one in left if one.name == command), None)
            if call is None:
                after = f" after {commands[len(found) - 1]}" if found else ""
                raise CallError(f"expected {command}{after}, but it did not come; {self._listed(command)}")
            found.append(call)
        return found

    def require_that(self, holds: Callable[[Call], bool], what: str) -> None:
        """Demand something of every call.

        Args:
            holds: tells whether a call is as it should be.
            what: is demanded, for the text of the failure.

        Raises:
            CallError: one is not.
        """
        for call in self:
            if not holds(call):
                raise CallError(f"expected {what} of every command, but got: {call}")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listed(self, command: str) -> str:
        calls = list(self)
        same = [call for call in calls if call.name == command]
        shown = same or calls
        if not shown:
            return "no command came at all"
        lines = "".join(f"\n  {call}" for call in shown[-_SHOWN:])
        return f"the last {min(len(shown), _SHOWN)} of {len(shown)} calls{' of it' if same else ''}:{lines}"

    def _call(self, fact: Commanded) -> Call:
        try:
            words = split_words(fact.line, self._profile)
        except ValueError:
            words = fact.line.split(" ")
        name = words[0].rpartition(".")[2]
        args = words[1:2] if name == _LOGIN else words[1:]
        text = self._redactor.text
        return Call(
            text(name),
            tuple(map(text, args)),
            text(fact.user),
            str(self._redactor.mark(fact.token, "session")) if fact.token else "",
            fact.answer,
            fact.status,
            text(fact.error),
            fact.upload_size,
        )
