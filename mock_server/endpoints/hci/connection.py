"""A connection of the socket dialect: one request, one answer."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from flare_client.protocol.envelope import ItemType
from flare_client.protocol.errors import LocalProtocolError
from flare_client.protocol.hci.exchange import BodyData
from flare_client.protocol.hci.server import (
    Refusal,
    RequestEnd,
    RequestReceived,
    RequestRefused,
    ServerConnection,
    ServerEvent,
)
from flare_client.protocol.hci.text import ALL_END, LINE_END
from flare_client.protocol.releases import Download, ReleaseProfile
from flare_client.protocol.statuses import MetaStatus
from mock_server.answers import Answer, EmptyAnswer, FileAnswer, InlineFileAnswer, Reply, SilentAnswer, meta
from mock_server.context import Peer, Request
from mock_server.endpoints.hci.bodies import chunked, exchanged, formed, inlined, now
from mock_server.faults.course import PLAIN, End, Form, Moment, Point
from mock_server.faults.desk import Exchange
from mock_server.faults.door import reset
from mock_server.pki import peer_identity
from mock_server.transcript.facts import (
    CLIENT,
    SERVER,
    BodyCame,
    FileSent,
    ReplySent,
    RequestBroken,
    RequestCame,
    Trace,
)

if TYPE_CHECKING:
    from mock_server.endpoints.hci.endpoint import HciEndpoint

_logger = logging.getLogger("mock_server")

_FILE_COMMAND = "download_job_file"
_STEPS_A_SECOND = 20
"""How many writes a second a throttled answer is cut into."""


def _refusal_reply(profile: ReleaseProfile, refusal: Refusal) -> Reply:
    if refusal is Refusal.NO_DATA:
        return Reply().error(refusal.value, meta(MetaStatus.INTERNAL_ERROR, "no data received"))
    return Reply().error(refusal.value, meta(MetaStatus(profile.protocol_violation_status), refusal.value))


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
        self._take(self._wire.receive_data(data))
        if self._stall is not None:
            self._expect_bytes()

    def eof_received(self) -> bool:
        """Take the end of the client's bytes; the answer may still go out."""
        self._trace.ending(CLIENT)
        self._take(self._wire.receive_eof())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the connection, wherever it ended."""
        self._expect_nothing()
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

    def _expect_nothing(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

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
        self._expect_nothing()  # however long the answer takes
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
        self._expect_nothing()
        if self._transport is None or how is End.SILENCE:
            return
        self._trace.ending(SERVER, "a fault")
        if how is End.RESET:
            reset(self._transport)
        else:
            self._transport.close()

    def send(self, answer: Answer, form: Form = PLAIN) -> None:
        """Send an answer, and end the connection."""
        self._expect_nothing()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            if form is not PLAIN and not isinstance(answer, SilentAnswer):
                self._wire.send_file()
                self._sending = asyncio.get_running_loop().create_task(self._send_formed(transport, answer, form))
                return
            if isinstance(answer, Reply):
                self._write(transport, self._wire.send_reply(answer.envelope(now())))
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
            return inlined(file, answer)
        if self._endpoint.profile.download is Download.CHUNKED_PULL:
            return chunked(file)
        return exchanged(file, answer.path.stat().st_size)

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
        text = answer.envelope(now()).encode().decode("ascii") if isinstance(answer, Reply) else ""
        content = form.text(text).encode("utf-8")
        corrupt = form.corrupt if form.corrupt is None or form.corrupt >= 0 else 0
        form = dataclasses.replace(form, corrupt=corrupt)
        whole = b"".join([content + LINE_END if content else b"", ALL_END] * form.copies)
        data = b"".join(formed(iter([whole]), form))
        self._trace.note(ReplySent(data))
        await self._send_blocks(transport, iter([data]), dataclasses.replace(PLAIN, pace=form.pace, pieces=form.pieces))
        self._finish(transport, form)

    async def _send_blocks(self, transport: asyncio.Transport, blocks: Iterator[bytes], form: Form) -> int:
        sent = 0
        for block in blocks if form is PLAIN else formed(blocks, form):
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
