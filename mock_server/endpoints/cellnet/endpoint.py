"""Listens for clients of releases 2.7-2.9: one port, one transport, one connection a cell name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import weakref
from collections.abc import Callable
from typing import Protocol

from flare_client.protocol.cellnet.kit import Scheme
from flare_client.protocol.cellnet.server import ServerIdentity
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from mock_server.endpoints.cellnet.conversation import Conversation
from mock_server.endpoints.cellnet.service import AdminService
from mock_server.endpoints.cellnet.tcp import TcpConnection
from mock_server.endpoints.cellnet.websocket import WebSocketConnection
from mock_server.endpoints.tls import TlsProtocol
from mock_server.faults.course import USUAL_WELCOME, Moment, Point, Welcome
from mock_server.faults.desk import FaultDesk
from mock_server.faults.door import Door
from mock_server.transcript.facts import Observer, Trace, Unobserved

_logger = logging.getLogger("mock_server")

_LOOK_SECONDS = 1.0
_CLOSE_SECONDS = 2.0


class _Listener(Protocol):
    async def start(self, host: str, port: int) -> int: ...

    def refuse(self) -> None: ...

    async def stop(self) -> None: ...


_Make = Callable[["CellEndpoint", Trace, Welcome], asyncio.Protocol]

_CONNECTIONS: dict[Scheme, _Make] = {
    Scheme.HTTP: WebSocketConnection,
    Scheme.TCP: TcpConnection,
}


class CellEndpoint:
    """Listens, and holds the connections.

    Args:
        service: answers what clients ask.
        scheme: how frames travel.
        tls: the TLS context; ``None`` for clear text.
        credentials: CA, certificate and key in PEM, for gRPC, which does its own TLS; no CA where no certificate is
            asked of clients; ``None`` for clear text.
        faults: what goes wrong.
        limits: how much a client may send.
        stall_timeout: seconds for a TLS handshake, for the greeting, and for a sign of life.
        observer: is told what happens.
    """

    def __init__(
        self,
        service: AdminService,
        scheme: Scheme,
        tls: ssl.SSLContext | None,
        *,
        faults: FaultDesk,
        credentials: tuple[bytes | None, bytes, bytes] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        stall_timeout: float = 60.0,
        observer: Observer | None = None,
    ) -> None:
        self.observer = observer or Unobserved()
        self.service = service
        self.faults = faults
        self.limits = limits
        self.stall_timeout = stall_timeout
        self.conversations: set[Conversation] = set()
        self._names: dict[str, Conversation] = {}
        self._listener: _Listener = (
            _grpc_listener(self, credentials)
            if scheme is Scheme.GRPC
            else _ByteListener(self, _CONNECTIONS[scheme], tls)
        )
        self._look: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port: a free one where 0 was asked for.

        Raises:
            OSError: the address cannot be had.
        """
        port = await self._listener.start(host, port)
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_after)
        return port

    def identity_of(self, welcome: Welcome) -> ServerIdentity:
        """Who the server says it is to a client that it welcomes so."""
        right, impostor = self.service.identity, self.faults.impostor
        return right if impostor is None else impostor.identity(welcome, right)

    def greeted(self, conversation: Conversation, name: str) -> None:
        """Note the name of a cell, and cut off an older connection of that name, as official servers do."""
        older = self._names.get(name)
        self._names[name] = conversation
        if older is not None and older is not conversation:
            _logger.warning("cutting off the older connection of %s", name)
            older.abort("another connection has its name")

    def forget(self, conversation: Conversation) -> None:
        """Note that a connection is over."""
        self.conversations.discard(conversation)
        name = conversation.peer.endpoint_name
        if name is not None and self._names.get(name) is conversation:
            del self._names[name]
        self.service.forget(conversation)
        self._changed.set()

    async def drain(self, _seconds: float) -> None:
        """Nothing is to be waited for: answers are written at once, and ``stop`` sends what is written."""

    async def stop(self) -> None:
        """Stop listening and end every connection, those that do not read by force."""
        if self._look is not None:
            self._look.cancel()
        self._listener.refuse()
        for conversation in list(self.conversations):
            conversation.close("the server stops")
        await self._wait(_CLOSE_SECONDS)
        for conversation in list(self.conversations):
            conversation.abort()
        await self._listener.stop()
        await self._wait(_CLOSE_SECONDS)

    async def cut(self) -> None:
        """Cut every connection; new ones are served."""
        for conversation in list(self.conversations):
            conversation.abort()
        await self._wait(_CLOSE_SECONDS)

    async def _wait(self, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while self.conversations and (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._changed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    def _look_after(self) -> None:
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_after)
        self.service.push_expired()
        for conversation in list(self.conversations):
            conversation.look_after()


class _ByteListener:
    """Listens for connections that asyncio and this package's TLS carry."""

    def __init__(self, endpoint: CellEndpoint, make: _Make, tls: ssl.SSLContext | None) -> None:
        self._endpoint = endpoint
        self._doors: set[Door] = set()
        self._make = make
        self._tls = tls
        self._wrapped: weakref.WeakSet[TlsProtocol] = weakref.WeakSet()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        self._server = await asyncio.get_running_loop().create_server(self._accept, host, port, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    def refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def stop(self) -> None:
        for connection in list(self._wrapped):
            connection.abort()
        for door in list(self._doors):
            door.abort()

    def _accept(self) -> asyncio.BaseProtocol:
        endpoint, trace = self._endpoint, Trace(self._endpoint.observer)
        course = endpoint.faults.course(Moment(Point.CONNECT))
        if course is None:
            return self._take_in(trace, USUAL_WELCOME)
        welcome = course.welcome
        door = Door(course, lambda: self._take_in(trace, welcome), self._doors.discard, trace)
        self._doors.add(door)
        return door

    def _take_in(self, trace: Trace, welcome: Welcome) -> asyncio.BaseProtocol:
        endpoint, impostor = self._endpoint, self._endpoint.faults.impostor
        if self._tls is None:
            return self._make(endpoint, trace, welcome)
        tls = self._tls if impostor is None else impostor.context(welcome, self._tls)
        connection = TlsProtocol(tls, lambda: self._make(endpoint, trace, welcome), endpoint.stall_timeout, trace)
        self._wrapped.add(connection)
        return connection


def _grpc_listener(endpoint: CellEndpoint, credentials: tuple[bytes | None, bytes, bytes] | None) -> _Listener:
    # An extra: only who asks for this scheme needs the package.
    from mock_server.endpoints.cellnet.grpc import GrpcListener  # noqa: PLC0415

    return GrpcListener(endpoint, credentials)
