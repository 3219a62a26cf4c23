"""Admin sessions: tokens, who they belong to, and when they expire. Knows nothing of the wire."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator

from flare_client.protocol.formats import DEFAULT_STUDY
from mock_server.clock import Clock


@dataclasses.dataclass
class AdminSession:
    """A logged-in user.

    Attributes:
        token: what the client sends with each command.
        user: the name in the certificate.
        org: the organisation in the certificate.
        role: the role in the certificate; ``None`` for the certificate of a site.
        last_used: when the last command was accepted, in seconds since the epoch.
        study: the study that the user works in; ``default`` where releases know none.
        started: when the user logged in, or the server took the session up again.
        ends_at: when the session ends however it is used, in seconds since the epoch; ``None``: never.
        number: the how-manieth session of the server it is, from 1 on.
    """

    token: str
    user: str
    org: str
    role: str | None
    last_used: float
    study: str = DEFAULT_STUDY
    started: float = 0.0
    ends_at: float | None = None
    number: int = 0


class AdminSessions:
    """All sessions of a server.

    Args:
        clock: tells how long a session has been idle.
        idle_timeout: seconds without a command after which a session is over.
        new_token: makes tokens; version 4 UUIDs by default.
    """

    def __init__(
        self, clock: Clock, idle_timeout: float, new_token: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._clock = clock
        self._new_token = new_token
        self.idle_timeout = idle_timeout
        self._sessions: dict[str, AdminSession] = {}
        self._opened = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[AdminSession]:
        self._sweep()
        return iter(list(self._sessions.values()))

    def open(
        self, user: str, org: str, role: str | None, study: str = DEFAULT_STUDY, ends_at: float | None = None
    ) -> AdminSession:
        """Start a session; a user may have several."""
        return self.restore(self._new_token(), user, org, role, study, ends_at)

    def restore(
        self,
        token: str,
        user: str,
        org: str,
        role: str | None,
        study: str = DEFAULT_STUDY,
        ends_at: float | None = None,
    ) -> AdminSession:
        """Start a session again under the token that it had, as CellNet servers do for a token that they signed."""
        self._sweep()
        now = self._clock.time()
        self._opened += 1
        session = AdminSession(token, user, org, role, now, study, now, ends_at, self._opened)
        self._sessions[token] = session
        return session

    def find(self, token: str) -> AdminSession | None:
        """The live session of a token, or ``None``. Looking does not refresh it."""
        session = self._sessions.get(token)
        if session is None:
            return None
        if self._is_over(session):
            del self._sessions[token]
            return None
        return session

    def refresh(self, session: AdminSession) -> None:
        """Note that a command was accepted."""
        session.last_used = self._clock.time()

    def close(self, token: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(token, None)

    def close_all(self) -> None:
        """Forget every session, as a restarted server does."""
        self._sessions.clear()

    def _is_over(self, session: AdminSession) -> bool:
        now = self._clock.time()
        ends_at = session.ends_at
        return now - session.last_used > self.idle_timeout or (ends_at is not None and now >= ends_at)

    def is_past(self, moment: float | None) -> bool:
        """Whether a moment is there, in seconds since the epoch."""
        return moment is not None and self._clock.time() >= moment

    def _sweep(self) -> None:
        # Official clients never log out: without a sweep a long-lived server would keep every token it ever gave.
        for token in [token for token, session in self._sessions.items() if self._is_over(session)]:
            del self._sessions[token]
