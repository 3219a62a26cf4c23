"""Listens for clients of releases 2.3-2.6: one port, one connection a command.

A peer that stalls, in the TLS handshake or at any byte, holds up nobody: the handshake and the wait for bytes belong
to its connection alone, and both have a limit. (The accept loop of official servers waits for each handshake.)
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from collections.abc import Callable
from pathlib import Path

from flare_client.protocol.limits import DEFAULT_LIMITS, Limits
from flare_client.protocol.releases import ReleaseProfile
from mock_server.answers import Answer, Late
from mock_server.context import Request
from mock_server.endpoints.fl_port import FlPort
from mock_server.endpoints.hci.connection import HciConnection
from mock_server.endpoints.tls import TlsProtocol
from mock_server.faults.course import Course, Moment, Point
from mock_server.faults.desk import FaultDesk
from mock_server.faults.door import Door
from mock_server.transcript.facts import Observer, Trace, Unobserved

_ABORT_SECONDS = 5.0

AnswerRequest = Callable[[Request], Answer | Late[Answer]]
"""Answers a request."""


class HciEndpoint:
    """Listens for the clients of releases 2.3-2.6.

    Args:
        profile: the release that is played.
        answer: answers a request; called on the loop, must not wait.
        upload_dir: where uploads are written.
        tls: gives the TLS settings of the next connection; ``None`` for clear text.
        faults: what goes wrong.
        limits: how much a client may send.
        stall_timeout: seconds for a TLS handshake, and between two bytes of a request.
        observer: is told what happens.

    Attributes:
        fl_port: the port for sites, which is up while this one is; ``None`` where nobody answers there.
    """

    def __init__(
        self,
        profile: ReleaseProfile,
        answer: AnswerRequest,
        upload_dir: Path,
        tls: Callable[[], ssl.SSLContext] | None,
        *,
        faults: FaultDesk,
        limits: Limits = DEFAULT_LIMITS,
        stall_timeout: float = 60.0,
        observer: Observer | None = None,
    ) -> None:
        self._observer = observer or Unobserved()
        self.fl_port: FlPort | None = None
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
        if self.fl_port is not None:
            await self.fl_port.start()
        return int(self._listener.sockets[0].getsockname()[1])

    def _accept(self) -> asyncio.BaseProtocol:
        trace = Trace(self._observer)
        course = self.faults.course(Moment(Point.CONNECT))
        if course is None:
            return self._take_in(self._tls() if self._tls is not None else None, trace)
        door = Door(course, lambda: self._take_in(self._tls_of(course), trace), self._doors.discard, trace)
        self._doors.add(door)
        return door

    def _tls_of(self, course: Course) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        right, impostor = self._tls(), self.faults.impostor
        return right if impostor is None else impostor.context(course.welcome, right)

    def _take_in(self, tls: ssl.SSLContext | None, trace: Trace) -> asyncio.BaseProtocol:
        if tls is None:
            return HciConnection(self, trace)
        connection = TlsProtocol(
            tls,
            lambda: HciConnection(self, trace),
            self.stall_timeout,
            trace,
            gathers=True,
            says_goodbye=False,
        )
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
        if self.fl_port is not None:
            self.fl_port.stop()
        await self.cut()

    async def cut(self) -> None:
        """Cut every connection; new ones are served."""
        if self.fl_port is not None:
            self.fl_port.cut()
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
