"""Logging in over sockets: the token, the commands that the server announces, one command at a time."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from flare_client import errors
from flare_client.connection import RETRY_SECONDS, Connection, LoggedIn, is_refusal, now_text
from flare_client.hci.transport import CONNECT_SECONDS, IDLE_SECONDS, SocketTransport
from flare_client.kit import StartupKit
from flare_client.protocol.commands import read_announcement, recognise_release
from flare_client.protocol.envelope import Envelope, ItemType, Json, request
from flare_client.protocol.hci.client import Answer, ClientEvent, ReplyReceived
from flare_client.protocol.hci.text import encode_text
from flare_client.protocol.kit import INSECURE_PASSWORD, INSECURE_USER
from flare_client.protocol.releases import Dialect
from flare_client.protocol.statuses import LOGIN_ACCEPTED, LOGIN_REJECTED

_logger = logging.getLogger("flare_client")


class _Refused(Exception):
    """The server or a certificate says no; trying again would not help."""


class SocketConnection(Connection):
    """A user's session with a server of releases to 2.6; safe to use from several threads.

    Args:
        transport: where the server is.
        user: the name to log in with.
        secure: whether the certificate vouches for the user; otherwise the fixed password does.
    """

    dialect = Dialect.HCI

    def __init__(self, transport: SocketTransport, user: str, *, secure: bool) -> None:
        super().__init__(user)
        self._transport = transport
        self._secure = secure

    @property
    def signs_jobs(self) -> bool:
        """See ``Connection.signs_jobs``; official clients do in secure mode."""
        return self._secure

    def send(
        self, line: str, blocks: Iterable[bytes], *, needs_meta: bool = True
    ) -> tuple[Envelope, Mapping[str, Json]]:
        """Send a request that is already in bytes and judge the text reply.

        Args:
            line: for messages.
            blocks: the request.
            needs_meta: whether a reply without meta is an error.
        """
        session = self._require_login()
        return self._judge(line, self._exchange(blocks), session, needs_meta=needs_meta)

    def receive(self, line: str, consume: Callable[[ClientEvent], None], answer: Answer) -> None:
        """Send a command line and hand the events of a file answer to a consumer.

        A text reply that comes instead is judged like any other before the consumer gets it.
        """
        session = self._require_login()

        def judged(event: ClientEvent) -> None:
            if isinstance(event, ReplyReceived):
                self._judge(line, event.envelope, session, needs_meta=False)
            consume(event)

        self._transport.exchange([encode_text(self.envelope(line))], judged, answer=answer)

    def upload(
        self, line: str, quoted: str, archive: BinaryIO, size: int, meta: Mapping[str, Json] | None = None
    ) -> Mapping[str, Json]:
        """See ``Connection.upload``."""
        from flare_client.hci import transfer  # noqa: PLC0415 - a program that moves no files need not load it

        return transfer.upload(self, line, quoted, archive, size, meta)

    def download(self, kit: StartupKit, name: str, job_id: str) -> str:
        """See ``Connection.download``."""
        from flare_client.hci import transfer  # noqa: PLC0415 - likewise

        return transfer.download(self, kit, name, job_id)

    def log_in(self, timeout: float, tries: int | None = None) -> None:
        """See ``Connection.log_in``."""
        deadline = time.monotonic() + timeout
        last: Exception | None = None
        attempts = itertools.count() if tries is None else range(tries)
        for _ in attempts:
            if time.monotonic() >= deadline:
                break
            try:
                logged_in = self._try_log_in(deadline)
            except _Refused as problem:
                raise errors.LoginRejected(
                    f"cannot connect to FLARE as {self._user!r} at {self._transport.endpoint}: {problem}"
                ) from problem.__cause__
            except (errors.InternalError, OSError) as problem:
                last = problem
                time.sleep(max(0.0, min(RETRY_SECONDS, deadline - time.monotonic())))
            else:
                self._admit(logged_in)
                return
        reason = f": {last}" if last else ""
        raise errors.NoConnection(f"cannot connect to FLARE in {timeout} seconds{reason}") from last

    def log_out(self, timeout: float) -> None:
        """Tell the server that the session is over, so that it need not wait for the timeout.

        Official clients never do; a server that cannot be told forgets the session by itself.
        """
        if not self._dismiss():
            return
        try:
            self._exchange([encode_text(self.envelope("_logout"))], timeout)
        except (errors.InternalError, OSError) as problem:
            _logger.debug("logout of %s was not confirmed: %s", self._user, problem)

    def _ask(self, envelope: Envelope) -> Envelope | None:
        return self._exchange([encode_text(envelope)])

    def _exchange(self, blocks: Iterable[bytes], timeout: float | None = None) -> Envelope | None:
        replies: list[Envelope | None] = []

        def consume(event: ClientEvent) -> None:
            if isinstance(event, ReplyReceived):
                replies.append(event.envelope)

        self._transport.exchange(
            blocks,
            consume,
            connect_timeout=timeout if timeout is not None else CONNECT_SECONDS,
            idle_timeout=timeout if timeout is not None else IDLE_SECONDS,
        )
        return replies[-1] if replies else None

    def _try_log_in(self, deadline: float) -> LoggedIn:
        credentials = f"_cert_login {self._user}" if self._secure else f"_login {INSECURE_USER} {INSECURE_PASSWORD}"
        try:
            reply = self._exchange([encode_text(request(credentials, None, None, now_text()))], _left(deadline))
        except errors.ServerUnreachable as problem:
            if is_refusal(problem.__cause__):
                raise _Refused(str(problem.__cause__)) from problem.__cause__
            raise
        token = reply.first(ItemType.TOKEN) if reply else None
        words = reply.all(ItemType.STRING) if reply else []
        if LOGIN_REJECTED in words:
            raise _Refused("the server rejects the login (user name and certificate must agree)")
        if not isinstance(token, str) or LOGIN_ACCEPTED not in words:
            raise errors.MalformedReply(
                f"expected {LOGIN_ACCEPTED!r} and a token from the login, but got {words!r:.200}"
            )
        reply = self._exchange([encode_text(request("_commands", token, None, now_text()))], _left(deadline))
        rows = reply.first(ItemType.TABLE) if reply else None
        if not rows:
            raise errors.MalformedReply("expected the table of commands after the login, but the reply has none")
        announced = read_announcement(rows)
        profile = recognise_release(announced)
        if profile is None or profile.dialect is not self.dialect:
            profile = self._latest()
        return LoggedIn(token, announced, profile)


def _left(deadline: float) -> float:
    # A timeout of 0 would make the socket non-blocking.
    return max(0.001, deadline - time.monotonic())
