"""The session with a server: logging in, the token, the commands the server announced, one command at a time."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from flare_client import errors
from flare_client.kit import StartupKit
from flare_client.protocol.commands import AnnouncedCommand, read_announcement, recognise_release
from flare_client.protocol.envelope import Envelope, ItemType, Json, request
from flare_client.protocol.hci.client import Answer, ClientEvent, ReplyReceived
from flare_client.protocol.hci.text import encode_text
from flare_client.protocol.kit import INSECURE_PASSWORD, INSECURE_USER
from flare_client.protocol.releases import LATEST, ReleaseProfile
from flare_client.protocol.statuses import LOGIN_ACCEPTED, LOGIN_REJECTED, says_goodbye
from flare_client.replies import check_reply
from flare_client.transport import CONNECT_SECONDS, IDLE_SECONDS, SocketTransport

_logger = logging.getLogger("flare_client")

RETRY_SECONDS = 0.1
"""Between two tries to log in while the server does not answer."""

_FINAL_TLS_ALERTS = ("CERT", "UNKNOWN_CA", "ACCESS_DENIED")


@dataclasses.dataclass(frozen=True)
class LoggedIn:
    """What a login yields."""

    token: str
    announced: Mapping[str, AnnouncedCommand]
    profile: ReleaseProfile


class _Refused(Exception):
    """The server or a certificate says no; trying again would not help."""


def _is_refusal(problem: BaseException | None) -> bool:
    # A certificate that this side refuses (CERTIFICATE_VERIFY_FAILED) or an alert about one that the server refused.
    return isinstance(problem, ssl.SSLError) and any(word in str(problem.reason) for word in _FINAL_TLS_ALERTS)


class AdminConnection:
    """A user's session with a server; safe to use from several threads.

    Args:
        transport: where the server is.
        user: the name to log in with.
        secure: whether the certificate vouches for the user; otherwise the fixed password does.
    """

    def __init__(self, transport: SocketTransport, user: str, *, secure: bool) -> None:
        self._transport = transport
        self._user = user
        self._secure = secure
        self._logged_in: LoggedIn | None = None
        self._usable = False
        self._dismissed = False
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether there is a token that the server has not refused yet."""
        return self._usable

    @property
    def dismissed(self) -> bool:
        """Whether the server took its leave with a ``shutdown`` item: the session is over for good then."""
        return self._dismissed

    @property
    def profile(self) -> ReleaseProfile:
        """The release of the server; the latest known before the first login."""
        return self._logged_in.profile if self._logged_in else LATEST

    def command(self, name: str) -> AnnouncedCommand:
        """The command as the server announced it.

        Raises:
            NotConnected: nobody logged in yet.
            NotInRelease: the server announced no such command.
        """
        session = self._require_login()
        if name not in session.announced:
            raise errors.NotInRelease(
                f"protocol error: ERROR_SYNTAX: the server (release {session.profile}) announced no command {name!r}"
            )
        return session.announced[name]

    def execute(
        self, line: str, *, needs_meta: bool = True, meta: Mapping[str, Json] | None = None
    ) -> tuple[Envelope, Mapping[str, Json]]:
        """Send one command line and judge the reply.

        Raises:
            SessionExpired: the server does not know the token any more.
            ServerUnreachable: no answer could be had.
            Exception: whatever ``check_reply`` makes of the reply.
        """
        return self.send(line, self.request_blocks(line, meta), needs_meta=needs_meta)

    def request_blocks(self, line: str, meta: Mapping[str, Json] | None = None) -> list[bytes]:
        """A command line as a text message with the token."""
        return [encode_text(self.envelope(line, meta))]

    def envelope(self, line: str, meta: Mapping[str, Json] | None = None) -> Envelope:
        """The request for a command line, with the token.

        Raises:
            NotConnected: nobody logged in yet.
        """
        return request(line, self._require_login().token, meta, _now())

    def send(
        self, line: str, blocks: Iterable[bytes], *, needs_meta: bool = True
    ) -> tuple[Envelope, Mapping[str, Json]]:
        """Send a request that is already in bytes and judge the text reply."""
        session = self._require_login()
        return self._judge(line, self._ask(blocks), session, needs_meta=needs_meta)

    def receive(self, line: str, consume: Callable[[ClientEvent], None], answer: Answer) -> None:
        """Send a command line and hand the events of a file answer to a consumer.

        A text reply that comes instead is judged like any other before the consumer gets it.
        """
        session = self._require_login()

        def judged(event: ClientEvent) -> None:
            if isinstance(event, ReplyReceived):
                self._judge(line, event.envelope, session, needs_meta=False)
            consume(event)

        self._transport.exchange(self.request_blocks(line), judged, answer=answer)

    def _judge(
        self, line: str, reply: Envelope | None, session: LoggedIn, *, needs_meta: bool
    ) -> tuple[Envelope, Mapping[str, Json]]:
        if reply is not None and says_goodbye(reply.items):
            with self._lock:
                self._dismissed = True
                self._usable = False
        try:
            return check_reply(line, reply, session.profile, needs_meta=needs_meta)
        except errors.SessionExpired:
            with self._lock:
                # Only if nobody logged in again meanwhile.
                if self._logged_in is session:
                    self._usable = False
            raise

    def log_in(self, timeout: float) -> None:
        """Log in, trying again while the server does not answer.

        Args:
            timeout: seconds until it gives up.

        Raises:
            LoginRejected: the user or a certificate is refused.
            NoConnection: no login within the time; ``__cause__`` has the last reason.
        """
        deadline = time.monotonic() + timeout
        last: Exception | None = None
        while time.monotonic() < deadline:
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
                with self._lock:
                    self._logged_in = logged_in
                    self._usable = True
                return
        reason = f": {last}" if last else ""
        raise errors.NoConnection(f"cannot connect to FLARE in {timeout} seconds{reason}") from last

    def log_out(self, timeout: float) -> None:
        """Tell the server that the session is over, so that it need not wait for the timeout.

        Official clients never do; a server that cannot be told forgets the session by itself.
        """
        if not self._usable:
            return
        blocks = self.request_blocks("_logout")
        with self._lock:
            self._usable = False
        try:
            self._ask(blocks, timeout)
        except (errors.InternalError, OSError) as problem:
            _logger.debug("logout of %s was not confirmed: %s", self._user, problem)

    def _require_login(self) -> LoggedIn:
        session = self._logged_in
        if session is None:
            raise errors.NotConnected("the session is closed on server: not logged in, call try_connect first")
        return session

    def _ask(self, blocks: Iterable[bytes], timeout: float | None = None) -> Envelope | None:
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
            reply = self._ask([encode_text(request(credentials, None, None, _now()))], _left(deadline))
        except errors.ServerUnreachable as problem:
            if _is_refusal(problem.__cause__):
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
        reply = self._ask([encode_text(request("_commands", token, None, _now()))], _left(deadline))
        rows = reply.first(ItemType.TABLE) if reply else None
        if not rows:
            raise errors.MalformedReply("expected the table of commands after the login, but the reply has none")
        announced = read_announcement(rows)
        return LoggedIn(token, announced, recognise_release(announced) or LATEST)


def open_connection(kit: StartupKit, user: str, *, secure: bool) -> AdminConnection:
    """Make the connection that a kit asks for; nothing is sent yet.

    Args:
        kit: names the server and holds the certificates.
        user: the name to log in with.
        secure: whether to speak TLS.

    Raises:
        ConfigError: the kit's certificate and key are missing, no PEM, encrypted, or do not fit each other.
    """
    try:
        transport = SocketTransport(kit, secure=secure)
    except (ssl.SSLError, OSError) as problem:
        raise errors.ConfigError(
            f"expected a certificate and its key in {kit.root / 'startup'}, but: {problem}"
        ) from problem
    return AdminConnection(transport, user, secure=secure)


def _left(deadline: float) -> float:
    # A timeout of 0 would make the socket non-blocking.
    return max(0.001, deadline - time.monotonic())


def _now() -> str:
    return str(datetime.datetime.now())  # noqa: DTZ005 - the wire carries local time without a zone
