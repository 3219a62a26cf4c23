"""Logging in over CellNet: a cell that is registered, a user's token, and requests over the one connection."""

from __future__ import annotations

import itertools
import logging
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from flare_client import errors
from flare_client.cellnet.link import Link, RegistrationFailed, connect
from flare_client.cellnet.schemes import FrameCodec, make_codec
from flare_client.connection import RETRY_SECONDS, Connection, LoggedIn, is_refusal, now_text
from flare_client.kit import StartupKit
from flare_client.protocol.cellnet import commands
from flare_client.protocol.cellnet.cell import ReturnCode
from flare_client.protocol.cellnet.client import AdminIdentity, AnswerReceived, ClientPeer, Pushed
from flare_client.protocol.cellnet.kit import PROXY_CA_CERT_FILE, CellKitConfig, Security
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.cellnet.recognition import recognise_cell_release
from flare_client.protocol.commands import read_announcement
from flare_client.protocol.envelope import Envelope, ItemType, Json, request
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.limits import DEFAULT_LIMITS
from flare_client.protocol.releases import Dialect
from flare_client.protocol.statuses import LOGIN_ACCEPTED, LOGIN_REJECTED
from flare_client.tls import mutual_tls, one_way_tls

_logger = logging.getLogger("flare_client")

COMMAND_SECONDS = 5.0
"""How long a server may take to answer, unless ``set_timeout`` says otherwise; that of official clients."""
CONNECT_SECONDS = 10.0
"""How long it may take to open a lost connection again."""
_TRY_SECONDS = 3.0
"""How long one try to connect and register may take: a server that is still starting may never answer it."""
_BYE_SECONDS = 0.5
"""How long official clients wait for the answer to their goodbye."""


class _Rejected(Exception):
    """The server does not let the user in."""

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code


class CellConnection(Connection):
    """A user's session with a server of releases from 2.7 on; safe to use from several threads.

    The connection is opened at login and kept. One that broke is opened again by the next command: the user's token
    proves the session on any connection, as long as the server knows its own signature.

    Args:
        kit: holds the certificates.
        config: what the kit says.
        user: the name to log in with; the kit may say that the certificate's counts.
        study: the study to work in (releases from 2.8).

    Raises:
        ssl.SSLError: the kit's certificate and key do not fit each other, or are no PEM.
        OSError: one cannot be read.
    """

    dialect = Dialect.CELLNET

    def __init__(self, kit: StartupKit, config: CellKitConfig, user: str, study: str) -> None:
        self._config = config
        self._context = _tls_context(kit, config)
        certificate_pem = _read(kit.client_cert)
        try:
            signer = Signer(_read(kit.client_key))
            name = Verifier(certificate_pem).common_name
        except (ValueError, NotProven) as problem:
            raise ssl.SSLError(str(problem)) from None
        super().__init__(name if config.user_from_certificate else user)
        self._identity = AdminIdentity(
            user=self._user,
            project=config.project,
            server_identity=config.server_identity,
            ca_pem=_read(kit.ca_cert),
            certificate_pem=certificate_pem,
            signer=signer,
            address=socket.gethostname(),
        )
        self._study = study
        self._cell: str | None = None
        self._link: Link | None = None
        self._opening = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether there is a token that the server has not refused yet, and a connection to use it on."""
        link = self._link
        return super().ready and link is not None and link.is_open

    @property
    def signs_jobs(self) -> bool:
        """See ``Connection.signs_jobs``."""
        return True

    @property
    def user(self) -> str:
        """Who logs in."""
        return self._user

    @property
    def command_seconds(self) -> float:
        """How long an answer may take."""
        return self._timeout if self._timeout is not None else COMMAND_SECONDS

    def log_in(self, timeout: float, tries: int | None = None) -> None:
        """See ``Connection.log_in``.

        Raises:
            ValueError: there is no time at all; official clients of these releases refuse that.
        """
        if timeout <= 0:
            raise ValueError(f"timeout must be a number > 0 but got {timeout}")
        deadline = time.monotonic() + timeout
        last: Exception | None = None
        where = f"{self._config.host}:{self._config.port}"
        attempts = itertools.count() if tries is None else range(tries)
        for _ in attempts:
            if time.monotonic() >= deadline:
                break
            try:
                self._admit(self._try_log_in(deadline))
            except RegistrationFailed as problem:
                if not problem.not_ready:
                    raise errors.RegistrationRejected(
                        f"error:client_registration: {self._user!r} at {where}: {problem}"
                    ) from problem
                last = problem
            except _Rejected as problem:
                raise errors.LoginRejected(
                    f"cannot log in as {self._user!r} at {where}: {problem}", auth_code=problem.code
                ) from None
            except (errors.InternalError, OSError) as problem:
                if is_refusal(problem.__cause__):
                    raise errors.RegistrationRejected(
                        f"cannot connect to server as {self._user!r} at {where}: {problem.__cause__}"
                    ) from problem
                last = problem
            else:
                return
            time.sleep(max(0.0, min(RETRY_SECONDS, deadline - time.monotonic())))
        reason = f": {last}" if last else ""
        raise errors.ServerNotReached(f"cannot connect to server for {timeout} seconds{reason}") from last

    def log_out(self, timeout: float) -> None:
        """See ``Connection.log_out``."""
        self._end(errors.SessionClosed("session closed"))
        with self._opening:
            link, self._link = self._link, None
        if link is None:
            return
        if self._logged_in is not None and self._expired is None and link.is_open:
            try:
                text = commands.encode_command(self.envelope("_logout"))
                link.ask_last(commands.CHANNEL, commands.COMMAND_TOPIC, text, timeout)
            except errors.ServerUnreachable as problem:
                _logger.debug("logout of %s was not confirmed: %s", self._user, problem)
        link.close(min(timeout, _BYE_SECONDS))

    def upload(
        self, line: str, quoted: str, archive: BinaryIO, size: int, meta: Mapping[str, Json] | None = None
    ) -> Mapping[str, Json]:
        """See ``Connection.upload``."""
        from flare_client.cellnet import transfer  # noqa: PLC0415 - a program that moves no files need not load it

        return transfer.upload(self, line, quoted, archive, size, meta)

    def download(self, kit: StartupKit, name: str, job_id: str) -> str:
        """See ``Connection.download``."""
        from flare_client.cellnet import transfer  # noqa: PLC0415 - likewise

        return transfer.download(self, kit, name, job_id)

    def live_link(self) -> Link:
        """The connection, opened again where it was lost.

        Raises:
            ConnectionLost: it cannot be opened.
        """
        link = self._link
        if link is not None and link.is_open:
            return link
        try:
            return self._open(time.monotonic() + CONNECT_SECONDS)
        except RegistrationFailed as problem:
            raise errors.ConnectionLost(f"cannot connect to server: {problem}") from problem

    def judge(self, line: str, content: object) -> tuple[Envelope, Mapping[str, Json]]:
        """Judge the reply to a command.

        Args:
            line: for messages.
            content: the reply, as it came.
        """
        return self._judge(line, _read_reply(content), self._require_login(), needs_meta=True)

    def _ask(self, envelope: Envelope) -> Envelope | None:
        text = commands.encode_command(envelope)
        try:
            return _reply(self.live_link().ask(commands.CHANNEL, commands.COMMAND_TOPIC, text, self.command_seconds))
        except errors.ServerUnreachable:
            self._require_login()  # the session may have expired meanwhile, which is the better reason
            raise

    def _open(self, deadline: float) -> Link:
        with self._opening:
            # A command of another thread may come here after the goodbye.
            self.require_open()
            if self._link is not None and self._link.is_open:
                return self._link  # another thread was faster
            if self._link is not None:
                self._link.close()
                self._link = None
            peer = self._peer()
            self._link = connect(
                (self._config.host, self._config.port),
                self._context,
                self._codec(),
                peer,
                self._take_push,
                deadline - time.monotonic(),
            )
            # A connection that is opened again takes the name of the first: what the server has to say goes there.
            self._cell = peer.name
            return self._link

    def _peer(self) -> ClientPeer:
        """What speaks the protocol on a new connection; one that is opened again keeps the cell's name."""
        return ClientPeer(self._identity, time.time(), name=self._cell)

    def _codec(self) -> FrameCodec:
        config = self._config
        try:
            codec = make_codec(
                config.scheme, config.host, config.port, is_secure=self._context is not None, limits=DEFAULT_LIMITS
            )
        except ImportError as problem:
            raise errors.ConfigError(
                f"expected the packages of the scheme {config.scheme.value!r}, which the kit asks for (pip install "
                f"'flare-conformance[{config.scheme.value}]'), but: {problem}"
            ) from problem
        if self._context is not None and codec.protocols:
            self._context.set_alpn_protocols(list(codec.protocols))
        return codec

    def _take_push(self, push: Pushed) -> None:
        if (push.channel, push.topic) == (commands.CHANNEL, commands.EXPIRED_TOPIC):
            self._expire(str(push.content or "session expired"))
        else:
            _logger.debug("the server says %s, %s, which nobody asked for", push.channel, push.topic)

    def _try_log_in(self, deadline: float) -> LoggedIn:
        link = self._open(min(deadline, time.monotonic() + _TRY_SECONDS))
        headers = commands.login_headers(self._user, self._identity.signer, self._identity.certificate_pem, self._study)
        try:
            reply = self._ask_at(link, f"_cert_login {self._user}", None, deadline, headers)
            words = [str(word) for word in reply.all(ItemType.STRING)] if reply else []
            token = reply.first(ItemType.TOKEN) if reply else None
            if any(word.startswith(LOGIN_REJECTED) for word in words):
                raise _rejection(words[0])
            if not isinstance(token, str) or LOGIN_ACCEPTED not in words:
                raise errors.MalformedReply(
                    f"expected {LOGIN_ACCEPTED!r} and a token from the login, but got {words!r:.200}"
                )
            profile = recognise_cell_release(token)
            if self._study != DEFAULT_STUDY and not (profile.cell and profile.cell.token_has_study):
                raise _Rejected(f"the study {self._study!r} is asked for, but release {profile} knows no studies")
            reply = self._ask_at(link, "_commands", token, deadline, None)
            rows = reply.first(ItemType.TABLE) if reply else None
            if not rows:
                raise errors.MalformedReply("expected the table of commands after the login, but the reply has none")
            return LoggedIn(token, read_announcement(rows), profile)
        except BaseException:
            with self._opening:
                self._link = None
            link.close(_BYE_SECONDS)
            raise

    def _ask_at(
        self, link: Link, line: str, token: str | None, deadline: float, headers: Mapping[str, Any] | None
    ) -> Envelope | None:
        text = commands.encode_command(request(line, token, None, now_text()))
        left = max(0.001, deadline - time.monotonic())
        return _reply(link.ask(commands.CHANNEL, commands.COMMAND_TOPIC, text, left, headers))


def _tls_context(kit: StartupKit, config: CellKitConfig) -> ssl.SSLContext | None:
    if config.security is Security.CLEAR:
        return None
    if config.security is Security.MUTUAL_TLS:
        return mutual_tls(kit)
    if kit.ca_cert is None:
        raise AssertionError("a kit of this dialect has its certificates")
    proxy = kit.ca_cert.with_name(PROXY_CA_CERT_FILE)
    return one_way_tls(proxy if proxy.is_file() else kit.ca_cert)


def _read(path: Path | None) -> bytes:
    if path is None:
        raise AssertionError("a kit of this dialect has its certificates")
    return path.read_bytes()


def _reply(answer: AnswerReceived) -> Envelope | None:
    if answer.code not in (None, ReturnCode.OK.value):
        raise errors.ConnectionLost(f"cannot connect to server: it answers {answer.code!r:.60}")
    return _read_reply(answer.content)


def _read_reply(content: object) -> Envelope | None:
    try:
        return commands.read_command(content) if content else None
    except RemoteProtocolError as problem:
        raise errors.MalformedReply(f"cannot connect to server: {problem.reason}") from problem


def _rejection(text: str) -> _Rejected:
    """Read ``REJECT`` or ``REJECT: CODE: reason``."""
    words = [word.strip() for word in text.split(":", 2)]
    if len(words) == 3:
        return _Rejected(words[2], words[1])
    return _Rejected("Incorrect user name or password (user name and certificate must agree)")
