"""A user's conversation with a server: what all methods of a session have in common before they differ.

Owns who talks, with which kit, whether the session is closed here, how words become a line, and which commands are sent
again. ``Session`` holds one; the functions of ``flare_client.operations`` are given it. What is asked, and what is made
of an answer, is theirs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flare_client import errors
from flare_client.kit import StartupKit
from flare_client.protocol.command_line import join_quoted_words
from flare_client.protocol.releases import ReleaseProfile

if TYPE_CHECKING:
    from flare_client.protocol.envelope import Envelope, Json

_logger = logging.getLogger("flare_client")

_RETRY_PAUSES = (0.5, 1.0)
"""Seconds before a command is sent again that may be, as official clients of 2.8 and 2.9 do."""
_LOG_OUT_SECONDS = 1.0
"""How long ``close`` waits for the server to confirm; a server that hangs must not hang its users."""


class Conversation:
    """What one user and one server have to say to each other; safe to use from several threads.

    Args:
        username: who logs in.
        kit: names the server and holds the certificates.
        secure: see ``Session``.
        study: the study to work in.

    Attributes:
        kit: likewise.
        connection: leads to the server.
        closed: whether the session was closed on this side.
        login_tries: how often a login is tried; ``None``: until its time is over.
    """

    def __init__(self, username: str, kit: StartupKit, *, secure: bool, study: str) -> None:
        # A program that offers sessions among other things should not wait for sockets and TLS when it starts.
        from flare_client.connection import open_connection  # noqa: PLC0415

        self.kit = kit
        self.connection = open_connection(kit, username, study, secure=secure)
        self.closed = False
        self.login_tries: int | None = None
        self._who = (username, secure, study)

    @property
    def profile(self) -> ReleaseProfile:
        """The release of the server; before the first login the latest of the kit's dialect."""
        return self.connection.profile

    def again(self) -> Conversation:
        """Begin another conversation of the same user with the same server; nothing is sent yet."""
        username, secure, study = self._who
        return Conversation(username, self.kit, secure=secure, study=study)

    def require_open(self) -> None:
        """Check that the session was closed neither here nor by the server.

        Raises:
            SessionClosed: it was.
        """
        self.connection.require_open()
        if self.closed:
            raise errors.SessionClosed("session closed")

    def require_release(self, what: str, releases: tuple[str, ...]) -> None:
        """Check that the server is of a release that has something; before the first login nobody knows.

        Raises:
            NotInRelease: it is not.
            SessionClosed: likewise, and the session is closed.
        """
        release = self.profile.release
        if release in releases or not self.connection.knows_release:
            return
        self.require_open()
        which = f"release {releases[0]}" if len(releases) == 1 else f"releases {releases[0]} to {releases[-1]}"
        raise errors.NotInRelease(f"{what} is of {which}, but the server is of {release}")

    def log_in(self, timeout: float) -> None:
        """Log in, where that is not done yet; see ``Session.try_connect``."""
        self.require_open()
        if not self.connection.ready:
            self.connection.log_in(timeout, self.login_tries)

    def close(self) -> None:
        """Say goodbye. Closing twice is fine."""
        if not self.closed:
            self.closed = True
            self.connection.log_out(_LOG_OUT_SECONDS)

    def line(self, *words: str) -> str:
        """Make a command line of words, in quotes where the release has them.

        Official clients to 2.7 glue words together, so that one with a blank becomes two.
        """
        return join_quoted_words(list(words)) if self.profile.quotes_words else " ".join(words)

    def ask(
        self, line: str, *, needs_meta: bool = True, meta: Mapping[str, Json] | None = None
    ) -> tuple[Envelope, dict[str, Json]]:
        """Send a command line and judge the reply.

        Args:
            line: the command line.
            needs_meta: whether a reply without meta is an error.
            meta: of the request.

        Returns:
            The reply and its meta.

        Raises:
            SessionClosed: the session is closed.
            NotInRelease: the server announced no such command.
            Exception: what ``Connection.execute`` raises.
        """
        self.require_open()
        name = line.split(" ", 1)[0]
        self.connection.command(name)
        if name in self.profile.retried_commands:
            for pause in _RETRY_PAUSES:
                try:
                    return self._execute(line, needs_meta, meta)
                except errors.ServerUnreachable as problem:
                    _logger.debug("sending %s again: %s", name, problem)
                    time.sleep(pause)
        return self._execute(line, needs_meta, meta)

    def _execute(
        self, line: str, needs_meta: bool, meta: Mapping[str, Json] | None
    ) -> tuple[Envelope, dict[str, Json]]:
        reply, reply_meta = self.connection.execute(line, needs_meta=needs_meta, meta=meta)
        return reply, dict(reply_meta)
