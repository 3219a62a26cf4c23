"""Connections that go wrong before a byte of a command is there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import cast

from mock_server.faults.course import Course, End
from mock_server.transcript.facts import SERVER, Trace

_NO_LINGER = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Cut a connection with a TCP reset."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


class Door(asyncio.Protocol):
    """A connection whose greeting takes longer, or that is never taken in.

    Args:
        course: what happens to it.
        make: makes the protocol that takes it in.
        forget: told when a connection that was not taken in is over.
        trace: is told what happens.
    """

    def __init__(
        self,
        course: Course,
        make: Callable[[], asyncio.BaseProtocol],
        forget: Callable[[Door], None],
        trace: Trace,
    ) -> None:
        self._course = course
        self._passage = course.request
        self._make = make
        self._forget = forget
        self._trace = trace
        self._transport: asyncio.Transport | None = None
        self._came = bytearray()
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        self._transport = cast(asyncio.Transport, transport)
        self._trace.opened(transport.get_extra_info("peername"))
        for strike in self._course.struck:
            self._trace.note(strike)
        if self._passage.delay > 0:
            asyncio.get_running_loop().call_later(self._passage.delay, self._open)
        else:
            self._open()

    def data_received(self, data: bytes) -> None:
        """Keep what comes for whoever takes the connection in."""
        if self._passage.end is None:
            self._came += data

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._over = True
        self._trace.closed(str(exc or ""))
        self._forget(self)

    def abort(self) -> None:
        """Cut the connection."""
        self._trace.ending(SERVER, "cut off")
        if self._transport is not None:
            self._transport.abort()

    def _open(self) -> None:
        transport = self._transport
        if self._over or transport is None:
            return
        if self._passage.end in (End.RESET, End.CLOSE):
            self._trace.ending(SERVER, "a fault")
        if self._passage.end is End.RESET:
            reset(transport)
        elif self._passage.end is End.CLOSE:
            transport.close()
        elif self._passage.end is None:
            inner = self._make()
            transport.set_protocol(inner)
            inner.connection_made(transport)
            self._forget(self)
            _hand_over(inner, self._came)


def _hand_over(protocol: asyncio.BaseProtocol, data: bytes | bytearray) -> None:
    """Give a protocol bytes that came before it was there, as the loop would."""
    if isinstance(protocol, asyncio.Protocol) and data:
        protocol.data_received(bytes(data))
    elif isinstance(protocol, asyncio.BufferedProtocol):
        left = memoryview(data)
        while left:
            room = memoryview(protocol.get_buffer(len(left)))
            size = min(len(room), len(left))
            room[:size] = left[:size]
            protocol.buffer_updated(size)
            left = left[size:]
