"""The scheme ``grpc``: each frame is a message of a bidirectional stream of the method ``/streamer.Streamer/Stream``.

gRPC does its own TLS and its own listening, so this is a listener beside that of the other schemes. The package is
loaded by whoever starts such a server alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.grpc_frame import decode_grpc_frame, encode_grpc_frame
from flare_client.protocol.cellnet.sfm import BadFrame, decode_frame
from flare_client.protocol.errors import ProtocolError
from mock_server.endpoints.cellnet.conversation import Conversation
from mock_server.faults.course import USUAL_WELCOME, End, Moment, Point, Welcome
from mock_server.transcript.facts import SERVER, FrameCame, Trace

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")

SERVICE, METHOD = "streamer.Streamer", "Stream"
_QUEUED = 16
"""Frames that may wait for a client that does not keep up, before nothing more of it is answered."""


_GRACE_SECONDS = 0.5


class GrpcStream:
    """One connection: the stream that a client opened.

    Args:
        endpoint: the endpoint that accepted it.
        trace: is told what happens.
        welcome: how the server shows itself.
    """

    def __init__(self, endpoint: CellEndpoint, trace: Trace, welcome: Welcome = USUAL_WELCOME) -> None:
        self._endpoint = endpoint
        self._trace = trace
        self._outgoing: asyncio.Queue[Content | None] = asyncio.Queue()
        self._ended = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sequence = 0
        self._conversation = Conversation(endpoint, trace, self._send, self._close, self._ended.set, welcome)

    async def run(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """Serve the stream to its end."""
        self._trace.opened(context.peer())
        tasks = [
            asyncio.ensure_future(self._read(requests)),
            asyncio.ensure_future(self._write(context)),
            asyncio.ensure_future(self._ended.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    _logger.debug("stream of %s ended: %s", self._conversation.name, result)
            self._conversation.lost()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            try:
                frame = decode_frame(decode_grpc_frame(data), self._endpoint.limits)
            except ProtocolError as problem:
                _logger.warning("dropping what %s sent: %s", self._conversation.name, problem)
                self._trace.note(FrameCame(BadFrame(str(problem))))
                continue
            self._conversation.receive([frame])
            await self._writable.wait()

    async def _write(self, context: Any) -> None:
        while (frame := await self._outgoing.get()) is not None:
            self._sequence += 1
            await context.write(bytes(encode_grpc_frame(self._sequence, frame)))
            if self._outgoing.empty():
                self._writable.set()
                self._conversation.go_on()

    def _send(self, frames: list[Content]) -> None:
        for frame in frames:
            self._outgoing.put_nowait(frame)
        if self._outgoing.qsize() > _QUEUED:
            self._writable.clear()
            self._conversation.hold()

    def _close(self) -> None:
        self._outgoing.put_nowait(None)


class GrpcListener:
    """Listens for streams.

    Args:
        endpoint: whose connections they are.
        credentials: CA, certificate and key in PEM; no CA where no certificate is asked of clients; ``None`` for clear
            text.
    """

    def __init__(self, endpoint: CellEndpoint, credentials: tuple[bytes | None, bytes, bytes] | None) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._server: Any = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            OSError: the address cannot be had.
        """
        size = self._endpoint.limits.frame + 64
        # Without so_reuseport=0 a second server could share the port unnoticed.
        options = [
            ("grpc.max_send_message_length", size),
            ("grpc.max_receive_message_length", size),
            ("grpc.so_reuseport", 0),
        ]
        self._server = grpc.aio.server(options=options)
        handler = grpc.stream_stream_rpc_method_handler(self._serve)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
        address = f"{host}:{port}"
        try:
            bound = self._bind(address)
        except RuntimeError as problem:
            raise OSError(0, str(problem)) from problem
        await self._server.start()
        return bound

    def _bind(self, address: str) -> int:
        if self._credentials is None:
            return int(self._server.add_insecure_port(address))
        ca, certificate, key = self._credentials
        credentials = grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=ca is not None)
        return int(self._server.add_secure_port(address, credentials))

    def refuse(self) -> None:
        """Nothing: gRPC stops listening and ends its streams in one, see ``stop``."""

    async def stop(self) -> None:
        """Stop listening, and cut what is left."""
        if self._server is not None:
            # The handlers have ended; what they wrote last may still be on its way out.
            await self._server.stop(_GRACE_SECONDS)
            self._server = None

    async def _serve(self, requests: AsyncIterator[bytes], context: Any) -> None:
        trace = Trace(self._endpoint.observer)
        course = self._endpoint.faults.course(Moment(Point.CONNECT))
        if course is None:
            await GrpcStream(self._endpoint, trace).run(requests, context)
            return
        trace.opened(context.peer())
        for strike in course.struck:
            trace.note(strike)
        try:
            await asyncio.sleep(course.request.delay)
            if course.request.end is End.SILENCE:
                await asyncio.Event().wait()  # until the client goes
            elif course.request.end is None:
                await GrpcStream(self._endpoint, trace, course.welcome).run(requests, context)
            else:
                trace.ending(SERVER, "a fault")
        finally:
            trace.closed()
