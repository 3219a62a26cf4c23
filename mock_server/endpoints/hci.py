"""The socket dialect on the server's side: connections of an asyncio loop around the protocol's state machine.

A peer that stalls, in the TLS handshake or at any byte, holds up nobody: the handshake and the wait for bytes belong
to its connection alone, and both have a limit. (The accept loop of official servers waits for each handshake.)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import logging
import shutil
import ssl
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from flare_client.protocol.envelope import Envelope, ItemType, string
from flare_client.protocol.errors import LocalProtocolError
from flare_client.protocol.hci.chunks import CHUNK_SIZE, encode_chunk, encode_end
from flare_client.protocol.hci.exchange import BodyData, encode_footer, encode_header
from flare_client.protocol.hci.server import (
    Refusal,
    RequestEnd,
    RequestReceived,
    RequestRefused,
    ServerConnection,
    ServerEvent,
)
from flare_client.protocol.hci.text import ALL_END, LINE_END, encode_text
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from flare_client.protocol.releases import Download, ReleaseProfile
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Answer, EmptyAnswer, FileAnswer, InlineFileAnswer, Late, Reply, SilentAnswer, meta
from mock_server.context import Peer, Request
from mock_server.endpoints.tls import TlsProtocol
from mock_server.faults.course import PLAIN, Course, End, Form, Moment, Point, turned
from mock_server.faults.desk import Exchange, FaultDesk
from mock_server.faults.door import Door, reset
from mock_server.pki import peer_identity
from mock_server.transcript.facts import (
    CLIENT,
    SERVER,
    BodyCame,
    FileSent,
    Observer,
    ReplySent,
    RequestBroken,
    RequestCame,
    Trace,
    Unobserved,
)

_logger = logging.getLogger("mock_server")

_BLOCK = 512 * 1024
_BASE64_BLOCK = 3 * 128 * 1024
_ABORT_SECONDS = 5.0
_PLACEHOLDER = "<the file goes here>"
_FILE_COMMAND = "download_job_file"
_FRAME = 64
"""Bytes that a block has at most which holds the frame of a file, and nothing of it."""
_STEPS_A_SECOND = 20
"""How many writes a second a throttled answer is cut into."""

AnswerRequest = Callable[[Request], Answer | Late[Answer]]


def _now() -> str:
    return str(datetime.datetime.now())  # noqa: DTZ005 - the wire carries local time without a zone


def _refusal_reply(profile: ReleaseProfile, refusal: Refusal) -> Reply:
    if refusal is Refusal.NO_DATA:
        return Reply().error(refusal.value, meta(MetaStatus.INTERNAL_ERROR, "no data received"))
    return Reply().error(refusal.value, meta(MetaStatus(profile.protocol_violation_status), refusal.value))


def _chunked(file: BinaryIO) -> Iterator[bytes]:
    checksum = 0
    number = 0
    while block := file.read(CHUNK_SIZE):
        number += 1
        checksum = zlib.crc32(block, checksum)
        yield encode_chunk(number, block)
    yield encode_end(checksum)


def _exchanged(file: BinaryIO, size: int) -> Iterator[bytes]:
    checksum = 0
    yield encode_header(b"", size)
    while block := file.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
        yield block
    yield encode_footer(checksum)


def _inlined(file: BinaryIO, answer: InlineFileAnswer) -> Iterator[bytes]:
    envelope = Envelope((string(_PLACEHOLDER),), answer.meta, _now())
    before, after = encode_text(envelope).split(_PLACEHOLDER.encode("ascii"))
    yield before
    while block := file.read(_BASE64_BLOCK):
        yield base64.b64encode(block)
    yield after


def _formed(blocks: Iterator[bytes], form: Form) -> Iterator[bytes]:
    """The bytes of an answer in a form: one of them turned, or no more than so many."""
    at, sent = form.corrupt, 0
    for block in blocks:
        if at is not None and ((at < 0 and len(block) > _FRAME) or sent <= at < sent + len(block)):
            block = turned(block, len(block) // 2 if at < 0 else at - sent)  # noqa: PLW2901 - it is the same one
            at = None
        limit = len(block) if form.cut is None else form.cut - sent
        yield block[:limit]
        sent += len(block)
        if form.cut is not None and sent >= form.cut:
            return


class HciConnection(asyncio.Protocol):
    """One connection: a request in, an answer out.

    Args:
        endpoint: the endpoint that accepted it.
        trace: is told what happens.
    """

    def __init__(self, endpoint: HciEndpoint, trace: Trace) -> None:
        self._endpoint = endpoint
        self._trace = trace
        self._wire = ServerConnection(endpoint.profile, endpoint.limits)
        self._transport: asyncio.Transport | None = None
        self._peer = Peer()
        self._request: RequestReceived | None = None
        self._upload: BinaryIO | None = None
        self._upload_path: Path | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._writable: asyncio.Event = asyncio.Event()
        self._writable.set()
        self._sending: asyncio.Task[None] | None = None

    # --- called by the loop -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who is at the other end."""
        self._transport = cast(asyncio.Transport, transport)
        self._trace.opened(transport.get_extra_info("peername"))
        self._endpoint.connections.add(self)
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, ssl.SSLObject):
            certificate = tls.getpeercert(binary_form=True)
            if certificate is not None:
                identity = peer_identity(certificate)
                self._peer = Peer(identity.name, identity.org, identity.role)
                self._trace.user = identity.name
        self._expect_bytes()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._expect_bytes()
        self._take(self._wire.receive_data(data))

    def eof_received(self) -> bool:
        """Take the end of the client's bytes; the answer may still go out."""
        self._trace.ending(CLIENT)
        self._take(self._wire.receive_eof())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the connection, wherever it ended."""
        if self._stall is not None:
            self._stall.cancel()
        self._wire.close()
        if exc is not None:
            _logger.debug("connection of %s lost: %s", self._peer.name, exc)
        if self._sending is not None:
            self._sending.cancel()
        self._drop_upload()
        self._trace.closed(str(exc or ""), self._wire.after_end)
        self._endpoint.forget(self)

    def pause_writing(self) -> None:
        """Stop reading the file that is being sent: the client does not keep up."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable.set()

    # --- the request ------------------------------------------------------------------------------------------

    def abort(self) -> None:
        """Cut the connection."""
        self._trace.ending(SERVER, "cut off")
        if self._transport is not None:
            self._transport.abort()

    def _expect_bytes(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._stall = asyncio.get_running_loop().call_later(self._endpoint.stall_timeout, self._stalled)

    def _stalled(self) -> None:
        _logger.warning(
            "closing the connection of %s: no byte for %g s in the middle of a request",
            self._peer.name,
            self._endpoint.stall_timeout,
        )
        self._trace.ending(SERVER, "silent in the middle of a request")
        self.abort()

    def _take(self, events: list[ServerEvent]) -> None:
        for event in events:
            if isinstance(event, RequestReceived):
                self._begin(event)
            elif isinstance(event, BodyData):
                self._store(event.data)
            elif isinstance(event, RequestEnd):
                self._finish_upload()
            elif isinstance(event, RequestRefused):
                self._refuse(event)

    def _begin(self, event: RequestReceived) -> None:
        token = event.envelope.first(ItemType.TOKEN)
        self._trace.session = token if isinstance(token, str) else None
        self._trace.note(RequestCame(event.envelope, self._wire.framing))
        if event.body_size is None:
            self._dispatch(event, None)
            return
        self._request = event
        upload = tempfile.NamedTemporaryFile(dir=self._endpoint.upload_dir, suffix=".upload", delete=False)  # noqa: SIM115
        self._upload_path = Path(upload.name)
        self._upload = cast(BinaryIO, upload)

    def _store(self, data: bytes) -> None:
        if self._upload is not None:
            try:
                self._upload.write(data)
            except OSError as problem:
                _logger.error("cannot store the upload of %s: %s", self._peer.name, problem)  # noqa: TRY400
                self.abort()

    def _finish_upload(self) -> None:
        if self._upload is None or self._request is None:
            return
        self._upload.close()
        self._upload = None
        path, self._upload_path = self._upload_path, None
        self._trace.note(BodyCame(self._request.body_size or 0))
        self._dispatch(self._request, path)

    def _drop_upload(self) -> None:
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        if self._upload_path is not None:
            self._upload_path.unlink(missing_ok=True)
            self._upload_path = None

    def _refuse(self, event: RequestRefused) -> None:
        _logger.warning("refusing a request of %s: %s", self._peer.name, event.reason)
        self._trace.note(RequestBroken(event.reason, event.answer.name, self._wire.framing))
        self._drop_upload()
        if event.answer is Refusal.SILENCE:
            self.send(SilentAnswer())
        elif event.answer is Refusal.EMPTY:
            self.send(EmptyAnswer())
        else:
            self.send(_refusal_reply(self._endpoint.profile, event.answer))

    def _dispatch(self, event: RequestReceived, upload: Path | None) -> None:
        line = event.envelope.first(ItemType.COMMAND)
        token = event.envelope.first(ItemType.TOKEN)
        if not isinstance(line, str):
            if upload is not None:
                upload.unlink(missing_ok=True)
            text = "Exception Occurred: TypeError: expected string or bytes-like object"
            self.send(Reply().error(text))
            return
        request = Request(
            line,
            token if isinstance(token, str) else None,
            event.envelope.meta,
            self._peer,
            upload,
            trace=self._trace,
        )
        if self._stall is not None:  # nothing more is awaited of the client, however long the answer takes
            self._stall.cancel()
        self._endpoint.faults.serve(
            Exchange(self._moment(request), lambda: self._endpoint.answer(request), Reply, self, self._trace, request)
        )

    def _moment(self, request: Request) -> Moment:
        user, session = self._peer.name or "", request.token or ""
        if request.command != _FILE_COMMAND:
            return Moment(Point.COMMAND, request.command, user, session)
        words = request.line.split(" ")
        return Moment(Point.DOWNLOAD, request.command, user, session, words[3] if len(words) > 3 else "")

    # --- the answer -------------------------------------------------------------------------------------------

    def end(self, how: End) -> None:
        """End without an answer."""
        if self._stall is not None:
            self._stall.cancel()
        if self._transport is None or how is End.SILENCE:
            return
        self._trace.ending(SERVER, "a fault")
        if how is End.RESET:
            reset(self._transport)
        else:
            self._transport.close()

    def send(self, answer: Answer, form: Form = PLAIN) -> None:
        """Send an answer, and end the connection."""
        if self._stall is not None:
            self._stall.cancel()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            if form is not PLAIN and not isinstance(answer, SilentAnswer):
                self._wire.send_file()
                self._sending = asyncio.get_running_loop().create_task(self._send_formed(transport, answer, form))
                return
            if isinstance(answer, Reply):
                self._write(transport, self._wire.send_reply(answer.envelope(_now())))
            elif isinstance(answer, EmptyAnswer):
                self._write(transport, self._wire.send_nothing())
            elif isinstance(answer, (FileAnswer, InlineFileAnswer)):
                self._wire.send_file()
                self._sending = asyncio.get_running_loop().create_task(self._send_file(transport, answer))
                return
        except LocalProtocolError as problem:
            _logger.error("cannot answer %s: %s", self._peer.name, problem)  # noqa: TRY400
        self._trace.ending(SERVER)
        transport.close()

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        self._trace.note(ReplySent(data))
        transport.write(data)

    def _blocks(self, file: BinaryIO, answer: FileAnswer | InlineFileAnswer) -> Iterator[bytes]:
        if isinstance(answer, InlineFileAnswer):
            return _inlined(file, answer)
        if self._endpoint.profile.download is Download.CHUNKED_PULL:
            return _chunked(file)
        return _exchanged(file, answer.path.stat().st_size)

    async def _send_file(
        self, transport: asyncio.Transport, answer: FileAnswer | InlineFileAnswer, form: Form = PLAIN
    ) -> None:
        transfer = "base64" if isinstance(answer, InlineFileAnswer) else self._endpoint.profile.download.value
        size, whole = 0, False
        try:
            size = answer.path.stat().st_size
            with answer.path.open("rb") as file:
                sent = await self._send_blocks(transport, self._blocks(file, answer), form)
                whole = form.cut is None or sent < form.cut
        except OSError as problem:
            _logger.error("cannot send %s: %s", answer.path.name, problem)  # noqa: TRY400
        finally:
            self._trace.note(FileSent(answer.path.name, transfer, size, whole=whole))
            self._finish(transport, form)
            if isinstance(answer, FileAnswer) and answer.staging is not None:
                shutil.rmtree(answer.staging, ignore_errors=True)

    async def _send_formed(self, transport: asyncio.Transport, answer: Answer, form: Form) -> None:
        """Send an answer that a fault has a hand in."""
        if isinstance(answer, (FileAnswer, InlineFileAnswer)):
            # A file has no end of its own that could come too early: it ends with the connection.
            cut = form.cut if form.content is None else form.content
            form = dataclasses.replace(form, cut=cut)
            await self._send_file(transport, answer, form)
            return
        text = answer.envelope(_now()).encode().decode("ascii") if isinstance(answer, Reply) else ""
        content = form.text(text).encode("utf-8")
        corrupt = form.corrupt if form.corrupt is None or form.corrupt >= 0 else 0
        form = dataclasses.replace(form, corrupt=corrupt)
        whole = b"".join([content + LINE_END if content else b"", ALL_END] * form.copies)
        data = b"".join(_formed(iter([whole]), form))
        self._trace.note(ReplySent(data))
        await self._send_blocks(transport, iter([data]), dataclasses.replace(PLAIN, pace=form.pace, pieces=form.pieces))
        self._finish(transport, form)

    async def _send_blocks(self, transport: asyncio.Transport, blocks: Iterator[bytes], form: Form) -> int:
        sent = 0
        for block in blocks if form is PLAIN else _formed(blocks, form):
            step = -(-len(block) // form.pieces) if form.pace is None else max(1, int(form.pace / _STEPS_A_SECOND))
            for start in range(0, len(block), step or 1):
                part = block[start : start + step]
                # Let others have their turn, and wait for a client that does not keep up.
                await asyncio.sleep(0 if form.pace is None else len(part) / form.pace)
                await self._writable.wait()
                transport.write(part)
                sent += len(part)
        return sent

    def _finish(self, transport: asyncio.Transport, form: Form) -> None:
        if form.cut is None:
            self._trace.ending(SERVER)
            transport.close()
        else:
            self.end(form.then)


class HciEndpoint:
    """Listens for the clients of releases 2.3-2.6.

    Args:
        profile: the release that is played.
        answer: answers a request; called on the loop, must not wait.
        upload_dir: where uploads are written.
        tls: the TLS context; ``None`` for clear text.
        faults: what goes wrong.
        limits: how much a client may send.
        stall_timeout: seconds for a TLS handshake, and between two bytes of a request.
        observer: is told what happens.
    """

    def __init__(
        self,
        profile: ReleaseProfile,
        answer: AnswerRequest,
        upload_dir: Path,
        tls: ssl.SSLContext | None,
        *,
        faults: FaultDesk,
        limits: Limits = DEFAULT_LIMITS,
        stall_timeout: float = 60.0,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer or Unobserved()
        self.profile = profile
        self.faults = faults
        self._doors: set[Door] = set()
        self.answer = answer
        self.upload_dir = upload_dir
        self.limits = limits
        self.stall_timeout = stall_timeout
        self.connections: set[HciConnection] = set()
        self._tls = tls
        # Beside `connections`: those that shake hands still, or linger after the answer.
        self._tls_connections: weakref.WeakSet[TlsProtocol] = weakref.WeakSet()
        self._listener: asyncio.Server | None = None
        self._changed = asyncio.Event()

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port: a free one where 0 was asked for.

        Raises:
            OSError: the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._accept, host, port, backlog=512)
        return int(self._listener.sockets[0].getsockname()[1])

    def _accept(self) -> asyncio.Protocol:
        trace = Trace(self._observer)
        course = self.faults.course(Moment(Point.CONNECT))
        if course is None:
            return self._take_in(self._tls, trace)
        door = Door(course, lambda: self._take_in(self._tls_of(course), trace), self._doors.discard, trace)
        self._doors.add(door)
        return door

    def _tls_of(self, course: Course) -> ssl.SSLContext | None:
        impostor = self.faults.impostor
        return self._tls if self._tls is None or impostor is None else impostor.context(course.welcome, self._tls)

    def _take_in(self, tls: ssl.SSLContext | None, trace: Trace) -> asyncio.Protocol:
        if tls is None:
            return HciConnection(self, trace)
        connection = TlsProtocol(tls, lambda: HciConnection(self, trace), self.stall_timeout, trace)
        self._tls_connections.add(connection)
        return connection

    async def drain(self, seconds: float) -> None:
        """Wait until every connection is over, so that answers leave before the server does.

        Args:
            seconds: how long to wait for clients that do not read.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while self.connections and (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._changed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection; new ones are served."""
        for connection in list(self.connections):
            connection.abort()
        for wrapped in list(self._tls_connections):
            wrapped.abort()
        for door in list(self._doors):
            door.abort()
        await self.drain(_ABORT_SECONDS)

    def forget(self, connection: HciConnection) -> None:
        """Note that a connection is over."""
        self.connections.discard(connection)
        self._changed.set()
