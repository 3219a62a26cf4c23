"""What an admin's cell may ask of the server's: commands, pieces of uploads, pieces of downloads.

Turns what the wire brings into requests for commands, and their answers back. Must not know transports.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flare_client.protocol.cellnet import commands, download, upload
from flare_client.protocol.cellnet.cell import ReturnCode
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.cellnet.proof import NotProven
from flare_client.protocol.cellnet.rules import CellRules
from flare_client.protocol.cellnet.server import RequestReceived, ServerIdentity
from flare_client.protocol.cellnet.tokens import Claim, admin_token, read_admin_token
from flare_client.protocol.envelope import Envelope, Item, ItemType
from flare_client.protocol.errors import ProtocolError
from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.statuses import LOGIN_REJECTED, MetaStatus
from mock_server.answers import Answer, Late, Reply, SilentAnswer, meta
from mock_server.context import Peer, Request
from mock_server.downloads import Downloads
from mock_server.endpoints.cellnet.users import check_use
from mock_server.faults.course import PLAIN, End, Form, Moment, Point
from mock_server.faults.desk import Exchange, FaultDesk
from mock_server.pki import peer_identity
from mock_server.sessions import AdminSessions
from mock_server.transcript.facts import Decided

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.conversation import Conversation

_logger = logging.getLogger("mock_server")

AnswerRequest = Callable[[Request], Answer | Late[Answer]]
_FileAnswer = dict[str, Any] | Shareable | str | None
"""What is answered about files; a text says why there is nothing, ``None`` that somebody else answers."""
_LOGIN, _LOGOUT, _CHECK = "_cert_login", "_logout", "_check_session"
_TX = "ObjectStreamer.TX_ID"
_MOST_TOKENS = 4096
"""Tokens whose claims are remembered."""


def _now() -> str:
    return str(datetime.datetime.now())  # noqa: DTZ005 - the wire carries local time without a zone


class AdminService:
    """Answers what clients ask.

    Args:
        rules: what the release does differently.
        identity: of the server.
        answer: answers a command; called on the loop, must not wait.
        sessions: who is logged in.
        downloads: downloads in progress.
        upload_dir: where uploads are written.
        faults: what goes wrong.
    """

    def __init__(
        self,
        rules: CellRules,
        identity: ServerIdentity,
        answer: AnswerRequest,
        sessions: AdminSessions,
        downloads: Downloads,
        upload_dir: Path,
        faults: FaultDesk,
    ) -> None:
        self._rules = rules
        self.identity = identity
        self._answer = answer
        self._sessions = sessions
        self._downloads = downloads
        self.upload_dir = upload_dir
        self._faults = faults
        self._issued: set[str] = set()
        self._forgotten: set[str] = set()
        self._cells: dict[str, Conversation] = {}
        # A signature is checked once: clients send the same token with every command.
        self._read_token = functools.lru_cache(_MOST_TOKENS)(lambda token: read_admin_token(token, identity.verifier))

    def take(self, caller: Conversation, event: RequestReceived) -> None:
        """Answer a request."""
        key = (event.channel, event.topic)
        if key == (commands.CHANNEL, commands.COMMAND_TOPIC):
            self._command(caller, event.content, None, _CommandLine(caller, event, None), event)
        elif key == (upload.CHANNEL, upload.TOPIC):
            self._upload(caller, event)
        elif key == (upload.CHANNEL, upload.DONE_TOPIC):
            tx_id = _transaction(event.content)
            if tx_id is not None:
                caller.uploads.drop(tx_id)
        elif key == (download.CHANNEL, download.TOPIC):
            self._download(caller, event)
        else:
            _logger.warning("%s asks for %r, %r, which nobody handles", caller.name, event.channel, event.topic)
            error = f"No callback is registered for {event.channel}/{event.topic}"
            caller.peer.reply(event, None, time.time(), ReturnCode.PROCESS_EXCEPTION, error)

    def push_expired(self) -> None:
        """Tell the cells whose session is over, and let go of what nobody fetches any more."""
        self._downloads.expire()
        for session_id, cell in list(self._cells.items()):
            if self._sessions.find(session_id) is None:
                del self._cells[session_id]
                cell.push(commands.CHANNEL, commands.EXPIRED_TOPIC, self._rules.expiry_text)

    def forget(self, caller: Conversation) -> None:
        """A connection is over; its sessions live on, and nobody is told of their end."""
        for session_id in [number for number, cell in self._cells.items() if cell is caller]:
            del self._cells[session_id]

    def forget_session(self, session_id: str) -> None:
        """Take the token of a session for one that this server never signed."""
        self._forgotten.add(session_id)

    def start_over(self, sessions: AdminSessions, downloads: Downloads) -> None:
        """Serve other sessions and downloads from now on; a token of before is one that this server never signed."""
        self._forgotten |= self._issued
        self._issued = set()
        self._cells.clear()
        self._sessions, self._downloads = sessions, downloads

    # --- commands ---------------------------------------------------------------------------------------------

    def _command(
        self, caller: Conversation, content: object, file: Path | None, line_back: _CommandLine, event: RequestReceived
    ) -> None:
        try:
            envelope = commands.read_command(content)
            line = envelope.first(ItemType.COMMAND)
            if not isinstance(line, str):
                raise NotProven("expected a command in the envelope, but there is none")
        except ProtocolError as problem:
            _logger.warning("refusing a command of %s: %s", caller.name, problem)
            caller.trace.note(Decided("refused a command", {"reason": str(problem)}))
            if file is not None:
                file.unlink(missing_ok=True)
            status = meta(MetaStatus.INTERNAL_ERROR, "protocol violation")
            line_back.send(Reply().error("protocol violation", status).envelope(_now()), PLAIN)
            return
        token = envelope.first(ItemType.TOKEN)
        session = self._session_of(token) if self._faults.rules else ""
        request = Request(line, session or None, envelope.meta, Peer(event.user), file, trace=caller.trace)
        caller.trace.session = session or caller.trace.session
        moment = Moment(Point.COMMAND, request.command, event.user, session)

        def act() -> Envelope | Late[Envelope | None] | None:
            if line.split(" ", 1)[0] == _LOGIN and file is None:
                return self._log_in(caller, event, line, envelope)
            return self._carry_out(caller, request, token)

        self._faults.serve(Exchange(moment, act, lambda: Reply().envelope(_now()), line_back, caller.trace, request))

    def _carry_out(
        self, caller: Conversation, request: Request, token: object
    ) -> Envelope | Late[Envelope | None] | None:
        name, file = request.line.split(" ", 1)[0], request.upload
        session_id = None
        if isinstance(token, str):
            claims = self._claims_of(token)
            session_id = str(claims[Claim.SESSION]) if claims else ""
            if claims and self._sessions.find(session_id) is None and name != _CHECK:
                if file is not None:
                    # Official servers restore a session from the request that brings the token; a finished upload
                    # is none, and they fail over that.
                    file.unlink(missing_ok=True)
                    return Reply().error("Exception Occurred: AssertionError: ").envelope(_now())
                self._restore(session_id, claims)
        caller.trace.session = session_id
        answered = self._answer(dataclasses.replace(request, token=session_id))
        if name == _LOGOUT and session_id is not None:
            self._cells.pop(session_id, None)
        elif session_id is not None and self._sessions.find(session_id) is not None:
            self._cells[session_id] = caller
        if isinstance(answered, Late):
            late: Late[Answer] = answered
            return Late(late.seconds, lambda: _sent(late.then()))
        return _sent(answered)

    def _session_of(self, token: object) -> str:
        claims = self._claims_of(token) if isinstance(token, str) else None
        return str(claims[Claim.SESSION]) if claims else ""

    def _claims_of(self, token: str) -> dict[str, Any] | None:
        """What a token says of its session; ``None`` where this server did not sign it, or it holds no more."""
        try:
            claims = self._read_token(token)
            if not all(isinstance(claims.get(name), str) for name in (Claim.SESSION, Claim.NAME, Claim.ORG)):
                raise NotProven("expected session, name and organisation in it")
        except NotProven as problem:
            _logger.warning("a token proves nothing: %s", problem)
            return None
        if claims[Claim.SESSION] in self._forgotten:
            return None
        return None if self._sessions.is_past(_certificate_end(claims)) else claims

    def _restore(self, session_id: str, claims: dict[str, Any]) -> None:
        """Open a session anew that is unknown: it expired, was logged out, or the server was restarted."""
        self._issued.add(session_id)
        role, study = claims.get(Claim.ROLE), claims.get(Claim.STUDY)
        self._sessions.restore(
            session_id,
            claims[Claim.NAME],
            claims[Claim.ORG],
            role if isinstance(role, str) else None,
            study if isinstance(study, str) else DEFAULT_STUDY,
            _certificate_end(claims),
        )

    def _log_in(self, caller: Conversation, event: RequestReceived, line: str, envelope: Envelope) -> Envelope:
        try:
            verifier, study = commands.check_login(event.headers, self.identity.ca_pem)
            if self._rules.checks_certificate_dates:
                verifier.check_dates(time.time())
            if verifier.common_name != event.user:
                raise NotProven(f"expected the certificate of {event.user!r}, but got '{verifier.common_name}'")
            if self._rules.checks_certificate_use:
                check_use(verifier.der)
        except NotProven as problem:
            _logger.warning("refusing the login of %s: %s", caller.name, problem)
            caller.trace.note(Decided("refused a login", {"reason": str(problem)}))
            return Reply().string(LOGIN_REJECTED).envelope(_now())
        identity = peer_identity(verifier.der)
        ends_at = verifier.valid_until if self._rules.token_has_certificate_end else None
        peer = Peer(identity.name, identity.org, identity.role, ends_at)
        answered = _envelope(self._answer(Request(line, None, envelope.meta, peer, study=study, trace=caller.trace)))
        session_id = answered.first(ItemType.TOKEN)
        if not isinstance(session_id, str):
            return answered
        self._issued.add(session_id)
        self._cells[session_id] = caller
        claims: dict[str, Any] = {
            Claim.NAME: peer.name,
            Claim.ROLE: peer.role,
            Claim.ORG: peer.org,
            Claim.SESSION: session_id,
        }
        if self._rules.token_has_study:
            claims[Claim.STUDY] = study
        if ends_at is not None:
            claims[Claim.CERTIFICATE_END] = ends_at
        token = Item(ItemType.TOKEN, admin_token(self.identity.signer, claims))
        items = tuple(token if item.type is ItemType.TOKEN else item for item in answered.items)
        return dataclasses.replace(answered, items=items)

    # --- files ------------------------------------------------------------------------------------------------

    def _upload(self, caller: Conversation, event: RequestReceived) -> None:
        moment = Moment(Point.UPLOAD, "upload", event.user)
        line_back = _FileLine(caller, event)
        self._faults.serve(
            Exchange(
                moment,
                lambda: self._take_piece(caller, event),
                lambda: upload.refusal("BAD_REQUEST_DATA"),
                line_back,
                caller.trace,
            )
        )

    def _take_piece(self, caller: Conversation, event: RequestReceived) -> _FileAnswer:
        """Take a piece of an upload; with the last one its command is carried out, which answers for itself."""
        try:
            done = caller.uploads.take(_transaction(event.content), event.content)
        except (ProtocolError, OSError) as problem:
            _logger.warning("refusing a piece of an upload of %s: %s", caller.name, problem)
            caller.trace.note(Decided("refused a piece of an upload", {"reason": str(problem)}))
            return upload.refusal("BAD_REQUEST_DATA")
        if done is None:
            return upload.answer(None)
        self._command(caller, done.command, done.path, _CommandLine(caller, event, upload.answer), event)
        return None

    def _download(self, caller: Conversation, event: RequestReceived) -> None:
        try:
            wanted = download.read_request(event.content)
        except ProtocolError as problem:
            _logger.warning("refusing a download of %s: %s", caller.name, problem)
            caller.trace.note(Decided("refused a download", {"reason": str(problem)}))
            caller.peer.reply(event, None, time.time(), ReturnCode.INVALID_REQUEST, str(problem))
            return
        if isinstance(wanted, download.Confirmed):
            self._confirmed(caller, wanted)
            caller.peer.reply(event, None, time.time(), ReturnCode.OK)
            return
        name = self._downloads.name_of(wanted.ref_id)
        session = self._downloads.session_of(wanted.ref_id)
        moment = Moment(Point.DOWNLOAD, "download_piece", event.user, session, name)
        self._faults.serve(
            Exchange(
                moment,
                lambda: self._next_piece(caller, wanted),
                download.failure,
                _FileLine(caller, event),
                caller.trace,
            )
        )

    def _next_piece(self, caller: Conversation, wanted: download.PieceWanted) -> _FileAnswer:
        """The next piece of a file, its end, or why there is none."""
        path = self._downloads.find(wanted.ref_id)
        arrived = self._downloads.outcome(wanted.ref_id)
        if path is None and arrived is not None:
            return download.end(None) if arrived else download.failure()
        if path is None:
            _logger.warning("%s wants the unknown file %.80s", caller.name, wanted.ref_id)
            caller.trace.note(Decided("refused a download", {"reason": "no such reference"}))
            return "no such reference"
        return self._piece(wanted, path)

    def _confirmed(self, caller: Conversation, word: download.Confirmed) -> None:
        if not word.nonce:
            self._downloads.cancel(word.ref_id)
        elif not self._downloads.confirm(word.ref_id, word.nonce, success=word.success):
            _logger.warning("%s confirms %.80s, for which no confirmation is awaited", caller.name, word.ref_id)

    def _piece(self, wanted: download.PieceWanted, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as file:
                file.seek(wanted.offset)
                data = file.read(download.PIECE_SIZE)
        except OSError as problem:
            _logger.error("cannot send %s: %s", path.name, problem)  # noqa: TRY400 - no program fault
            return download.failure()
        if data:
            return download.piece(data, wanted.offset, cancel_capable=self._rules.confirms_downloads)
        if self._rules.confirms_downloads and wanted.confirms:
            return download.end(self._downloads.await_confirmation(wanted.ref_id))
        self._downloads.finish(wanted.ref_id, success=True)
        return download.end(None)


class _CommandLine:
    """The way back of a command.

    Args:
        caller: whose it is.
        event: the request.
        wrap: what the text of the reply is put into; ``None`` for nothing.
    """

    def __init__(self, caller: Conversation, event: RequestReceived, wrap: Callable[[str], Shareable] | None) -> None:
        self._caller = caller
        self._event = event
        self._wrap = wrap

    def send(self, answer: Envelope | None, form: Form) -> None:
        """Send a reply; ``None`` is silence."""
        if answer is None:
            return
        text = form.text(commands.encode_command(answer))
        if form.corrupt is not None:
            at = max(form.corrupt, 0)
            text = text[:at] + "\0" + text[at + 1 :]
        content: object = text if self._wrap is None else self._wrap(text)
        code = None if self._wrap is None else ReturnCode.OK
        peer = self._caller.peer
        self._caller.answer(lambda: peer.reply(self._event, content, time.time(), code, pieces=form.pieces), form)

    def end(self, how: End) -> None:
        """End without a reply."""
        self._caller.end(how)


class _FileLine:
    """The way back of a piece of a file.

    Args:
        caller: who asks for it, or sends it.
        event: the request.
    """

    def __init__(self, caller: Conversation, event: RequestReceived) -> None:
        self._caller = caller
        self._event = event

    def send(self, answer: _FileAnswer, form: Form) -> None:
        """Send an answer."""
        if answer is None:
            return
        code, error = (ReturnCode.INVALID_REQUEST, answer) if isinstance(answer, str) else (ReturnCode.OK, "")
        content: object = None if isinstance(answer, str) else answer
        if isinstance(answer, dict):
            content = download.reshaped(answer, form.data)
        peer = self._caller.peer
        self._caller.answer(
            lambda: peer.reply(self._event, content, time.time(), code, error, pieces=form.pieces), form
        )

    def end(self, how: End) -> None:
        """End without an answer."""
        self._caller.end(how)


def _certificate_end(claims: dict[str, Any]) -> float | None:
    end = claims.get(Claim.CERTIFICATE_END)
    return float(end) if isinstance(end, (int, float)) else None


def _transaction(content: object) -> str | None:
    found = content.headers.get(_TX) if isinstance(content, Shareable) else None
    return found if isinstance(found, str) else None


def _sent(answered: Answer) -> Envelope | None:
    """What leaves of an answer; ``None`` for silence."""
    return None if isinstance(answered, SilentAnswer) else _envelope(answered)


def _envelope(answered: Answer | Late[Answer]) -> Envelope:
    # Files have a service of their own in this dialect.
    return answered.envelope(_now()) if isinstance(answered, Reply) else Reply().envelope(_now())
