"""What ``Session`` needs of a server, whichever wire leads there, and what both wires share above their bytes.

Owns the state of a login: the token, the commands that the server announced, whether the session is still good. Each
dialect is a subclass that knows how a request travels and how files do: ``hci.login`` (releases to 2.6) and
``cellnet.login`` (from 2.7 on). ``open_connection`` chooses by the kit.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import datetime
import logging
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import BinaryIO, ClassVar

from flare_client import errors
from flare_client.kit import StartupKit
from flare_client.progress import Progress
from flare_client.protocol.cellnet.kit import CellKitConfig
from flare_client.protocol.commands import AnnouncedCommand
from flare_client.protocol.envelope import Envelope, Json, request
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.releases import PROFILES, Dialect, ReleaseProfile
from flare_client.protocol.statuses import MetaKey, RequestMetaKey, says_goodbye
from flare_client.replies import check_reply

_logger = logging.getLogger("flare_client")
RETRY_SECONDS = 0.1
"""Between two tries to log in while the server does not answer."""

_FINAL_TLS_ALERTS = ("CERT", "UNKNOWN_CA", "ACCESS_DENIED")


@dataclasses.dataclass(frozen=True)
class LoggedIn:
    """What a login yields.

    Attributes:
        token: proves the session in each command.
        announced: the server's commands, by name.
        profile: the server's release.
    """

    token: str
    announced: Mapping[str, AnnouncedCommand]
    profile: ReleaseProfile


@dataclasses.dataclass(frozen=True)
class _Kinds:
    """A reply for a log: its kinds of items and its status. What is in it may be secret, as the tokens of sites."""

    reply: Envelope

    def __str__(self) -> str:
        kinds = ", ".join(item.type.value for item in self.reply.items) or "no item"
        return f"{kinds}; status {self.reply.meta.get(MetaKey.STATUS.value)}"


class Connection(abc.ABC):
    """A user's session with a server; safe to use from several threads.

    Args:
        user: the name to log in with.

    Attributes:
        progress: is told how far files have come; ``None``: nobody wants to know.
    """

    dialect: ClassVar[Dialect]
    """The wire generation."""

    def __init__(self, user: str) -> None:
        self.progress: Progress | None = None
        self._user = user
        self._logged_in: LoggedIn | None = None
        self._usable = False
        self._ended: errors.SessionClosed | None = None
        self._expired: str | None = None
        self._timeout: float | None = None
        self._lock = threading.Lock()
        self._heard = threading.local()

    @property
    def ready(self) -> bool:
        """Whether there is a token that the server has not refused yet."""
        return self._usable

    @property
    @abc.abstractmethod
    def signs_jobs(self) -> bool:
        """Whether a job definition is signed before it is sent."""

    @property
    def profile(self) -> ReleaseProfile:
        """The release of the server; before the first login the latest of the dialect."""
        return self._logged_in.profile if self._logged_in else self._latest()

    @property
    def has_token(self) -> bool:
        """Whether there is a token that the server has not refused yet, whatever became of the connection."""
        return self._usable

    @property
    def knows_release(self) -> bool:
        """Whether somebody logged in, so that ``profile`` is the server's."""
        return self._logged_in is not None

    @property
    def announced(self) -> Mapping[str, AnnouncedCommand]:
        """The server's commands by name; none before the first login."""
        return self._logged_in.announced if self._logged_in else {}

    @property
    def has_ended(self) -> bool:
        """Whether the server ended the session for good, or said that it expired."""
        return self._ended is not None or self._expired is not None

    @property
    def timeout(self) -> float | None:
        """How long commands may take, in seconds; ``None``: as is usual on each side."""
        return self._timeout

    def require_open(self) -> None:
        """Check that the server has not ended the session for good.

        Raises:
            SessionClosed: the server took its leave with a ``shutdown`` item.
        """
        if self._ended is not None:
            # A new one each time: several threads may raise it, each with a trace of its own.
            raise type(self._ended)(*self._ended.args)

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

    def set_timeout(self, seconds: float | None) -> None:
        """Set how long commands may take, here and on the server; ``None`` for the usual time of each side."""
        self._timeout = seconds

    def envelope(self, line: str, meta: Mapping[str, Json] | None = None) -> Envelope:
        """The request for a command line, with the token and the timeout.

        Raises:
            NotConnected: nobody logged in yet.
        """
        _logger.debug("sending %s", line)
        timeout: dict[str, Json] = {} if self._timeout is None else {RequestMetaKey.CMD_TIMEOUT.value: self._timeout}
        return request(line, self._require_login().token, {**timeout, **(meta or {})}, now_text())

    def execute(
        self,
        line: str,
        *,
        needs_meta: bool = True,
        meta: Mapping[str, Json] | None = None,
        quoted: str | None = None,
    ) -> tuple[Envelope, Mapping[str, Json]]:
        """Send one command line and judge the reply.

        Args:
            line: the command line.
            needs_meta: whether a reply without meta is an error.
            meta: of the request.
            quoted: the line as messages quote it, where that is another.

        Raises:
            SessionExpired: the server does not know the token any more.
            ConnectionError: no answer could be had; the class tells why.
            Exception: whatever ``check_reply`` makes of the reply.
        """
        session = self._require_login()
        reply = self._ask(self.envelope(line, meta))
        return self._judge(quoted or line, reply, session, needs_meta=needs_meta)

    def ask(self, line: str, meta: Mapping[str, Json] | None = None) -> Envelope | None:
        """Send one command line and return the reply as it came, whatever it says.

        Args:
            line: the command line.
            meta: of the request.

        Returns:
            The reply; ``None`` where the server's message holds none.

        Raises:
            ConnectionError: no answer could be had; the class tells why.
        """
        reply = self._ask(self.envelope(line, meta))
        self._note(reply)
        return reply

    @contextlib.contextmanager
    def hearing(self) -> Iterator[list[Envelope]]:
        """Collect the replies that this thread's calls get meanwhile, as they came."""
        before = getattr(self._heard, "replies", None)
        replies: list[Envelope] = []
        self._heard.replies = replies
        try:
            yield replies
        finally:
            self._heard.replies = before

    @abc.abstractmethod
    def log_in(self, timeout: float, tries: int | None = None) -> None:
        """Log in, trying again while the server does not answer.

        Args:
            timeout: seconds until it gives up.
            tries: how often it tries before it gives up, whatever time is left; ``None``: as often as it can.

        Raises:
            LoginRejected: the user or a certificate is refused.
            NoConnection: no login within time and tries; ``__cause__`` has the last reason.
        """

    @abc.abstractmethod
    def log_out(self, timeout: float) -> None:
        """Tell the server that the session is over, and let go of everything that was opened for it.

        Args:
            timeout: seconds to wait for the server to confirm; one that does not is not waited for any longer.
        """

    @abc.abstractmethod
    def upload(
        self, line: str, quoted: str, archive: BinaryIO, size: int, meta: Mapping[str, Json] | None = None
    ) -> Mapping[str, Json]:
        """Send a command with an archive, and judge the reply.

        Args:
            line: the command line, as it travels.
            quoted: the line that a user of the official console would have typed, for messages.
            archive: read from where it stands to its end, block by block.
            size: bytes of the archive.
            meta: of the request.

        Returns:
            The meta of the reply.
        """

    @abc.abstractmethod
    def download(self, kit: StartupKit, name: str, job_id: str) -> str:
        """Send a command whose reply is files, and fetch them.

        Args:
            kit: whose download folder takes them.
            name: the command.
            job_id: of the files.

        Returns:
            The path of the result, or the address at which a too large one lies (release 2.3).

        Raises:
            UnsafeArchive: the result would write outside its folder, or is a bomb. Nothing is kept.
        """

    @abc.abstractmethod
    def _ask(self, envelope: Envelope) -> Envelope | None:
        """Send a request and return the reply, ``None`` where the server's message holds none."""

    def _require_login(self) -> LoggedIn:
        session = self._logged_in
        if self._expired is not None:
            raise errors.SessionExpired(self._expired)
        if session is None:
            raise errors.NotConnected("the session is closed on server: not logged in, call try_connect first")
        return session

    def _judge(
        self, line: str, reply: Envelope | None, session: LoggedIn, *, needs_meta: bool
    ) -> tuple[Envelope, Mapping[str, Json]]:
        self._note(reply)
        try:
            return check_reply(line, reply, session.profile, needs_meta=needs_meta)
        except errors.SessionExpired:
            with self._lock:
                # Only if nobody logged in again meanwhile.
                if self._logged_in is session:
                    self._usable = False
            raise

    def _note(self, reply: Envelope | None) -> None:
        if reply is None:
            return
        _logger.debug("received %s", _Kinds(reply))
        replies = getattr(self._heard, "replies", None)
        if replies is not None:
            replies.append(reply)
        if says_goodbye(reply.items):
            self._end(errors.SessionClosed("session closed"))

    def _end(self, why: errors.SessionClosed) -> None:
        with self._lock:
            self._ended = self._ended or why
            self._usable = False

    def _expire(self, reason: str) -> None:
        """Note that the server said so, unasked: every call fails with the reason until the next login."""
        with self._lock:
            self._expired = reason
            self._usable = False

    @classmethod
    def _latest(cls) -> ReleaseProfile:
        return [profile for profile in PROFILES.values() if profile.dialect is cls.dialect][-1]

    def _admit(self, logged_in: LoggedIn) -> None:
        _logger.debug("logged in as %s to a server of release %s", self._user, logged_in.profile)
        with self._lock:
            self._logged_in = logged_in
            self._expired = None
            self._usable = True

    def _dismiss(self) -> bool:
        """Use the token no more, and say whether it was good."""
        with self._lock:
            usable, self._usable = self._usable, False
        return usable


def open_connection(kit: StartupKit, user: str, study: str, *, secure: bool) -> Connection:
    """Make the connection that a kit asks for; nothing is sent yet.

    Args:
        kit: names the server and holds the certificates.
        user: the name to log in with.
        study: the study to work in.
        secure: whether to speak TLS, in the socket dialect. In the other the kit says so itself; there it means
            that the caller's name counts, and not the certificate's.

    Raises:
        InvalidArgumentError: a study is asked for, but the kit is of a release that knows none.
        ConfigError: the kit's certificate and key are missing, no PEM, encrypted, or do not fit each other.
    """
    try:
        if isinstance(kit.config, CellKitConfig):
            from flare_client.cellnet.login import CellConnection  # noqa: PLC0415 - only one of both is needed

            config = kit.config if secure else dataclasses.replace(kit.config, user_from_certificate=True)
            return CellConnection(kit, config, user, study)
        if study != DEFAULT_STUDY:
            raise errors.InvalidArgumentError(f"study {study!r}: the kit is of a release to 2.6, which know no studies")
        from flare_client.hci.login import SocketConnection  # noqa: PLC0415 - likewise
        from flare_client.hci.transport import SocketTransport  # noqa: PLC0415 - likewise

        return SocketConnection(SocketTransport(kit, kit.config, secure=secure), user, secure=secure)
    except (ssl.SSLError, OSError) as problem:
        raise errors.KitCredentialsUnusable(
            f"expected a certificate and its key in {kit.root / 'startup'}, but: {problem}"
        ) from problem


def is_refusal(problem: BaseException | None) -> bool:
    """Whether TLS failed over a certificate, so that trying again would not help.

    Either this side refused the other's (``CERTIFICATE_VERIFY_FAILED``), or an alert tells that the other did.
    """
    return isinstance(problem, ssl.SSLError) and any(word in str(problem.reason) for word in _FINAL_TLS_ALERTS)


def now_text() -> str:
    """The time as envelopes carry it."""
    return str(datetime.datetime.now())  # noqa: DTZ005 - the wire carries local time without a zone
