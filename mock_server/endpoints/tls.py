"""TLS between an asyncio connection and a protocol that knows nothing of it.

asyncio's own TLS layer drops a peer whose certificate is refused without a word. Official servers send the alert, and
clients tell by it a refusal from a server that went away; so the records are made here, and the alert leaves before
the connection does.

Owns: the handshake and its time limit, records in and out, the end of a TLS connection. Must not know what is inside.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import enum
import logging
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

from mock_server.transcript.facts import CLIENT, SERVER, HandshakeFailed, Secured, Trace

_logger = logging.getLogger("mock_server")

_RECORD = 16 * 1024
"""Bytes in a TLS record, at most: one read gives no more."""
_FIRST_RECEIVE, _MOST_RECEIVE = 16 * 1024, 256 * 1024
"""Bytes that are taken from the connection at once: more where it gives as many."""
_WRITE = 112 * 1024
"""Bytes that are encrypted before they are handed on: the peer takes them while the next are being encrypted, and what
was just written is read again while it is still near."""
_HIGH, _LOW = 64 * 1024, 16 * 1024
"""Bytes that wait for the peer when the protocol inside is told to pause, and to go on."""
_TICKETS_LAST = "TLSv1.3"
"""The version in which the client ends the handshake."""
_OF_ITSELF = ("_read_ready_cb", "_write_ready")
"""By these asyncio's transports refer to themselves, also when they are closed: thousands of them wait for the
collector of garbage then, and every command waits for it. From 3.13 on they let go in ``close``, but not in
``abort``."""
_LINGER_SECONDS = 5.0
"""How long a peer may take to hang up after the last byte: closing on bytes that nobody read would reset the
connection, and the peer would lose what was sent to it last."""


class _State(enum.Enum):
    HANDSHAKE = "handshake"
    OPEN = "open"
    ENDING = "ending"
    """Nothing more is taken from either side; what waits goes out first."""
    ENDED = "ended"


class TlsProtocol(asyncio.BufferedProtocol):
    """The server's side of one TLS connection.

    Args:
        context: the server's TLS settings.
        make_inner: makes the protocol for the bytes inside; called once the handshake is over.
        handshake_timeout: seconds for the handshake.
        trace: is told what happens.
        gathers: whether what is said while bytes are taken leaves at once when all of them are. Each send costs both
            sides as much as a good part of a short command; where connections last, it is better to be early.
        says_goodbye: whether the connection ends with the goodbye of TLS. Official servers of the socket dialect end
            without.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        make_inner: Callable[[], asyncio.Protocol],
        handshake_timeout: float,
        trace: Trace,
        *,
        gathers: bool = False,
        says_goodbye: bool = True,
    ) -> None:
        self._make_inner = make_inner
        self._trace = trace
        self._handshake_timeout = handshake_timeout
        self._received = bytearray(_FIRST_RECEIVE)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.state = _State.HANDSHAKE
        self._raw: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._timer: asyncio.TimerHandle | None = None
        # What is not encrypted yet. asyncio keeps what the system does not take in one buffer, and adding to it costs
        # as much as it is large: no more is handed on than is taken.
        self._waiting: collections.deque[memoryview] = collections.deque()
        self.waiting = 0
        self._raw_is_full = False
        self._inner_is_paused = False
        self._gathers = gathers
        self._is_gathering = False
        self._keeps_tickets = False
        self._says_goodbye = says_goodbye
        self._leaves_session = True

    @property
    def raw(self) -> asyncio.Transport:
        """The connection underneath."""
        if self._raw is None:
            raise AssertionError("asyncio hands over the transport first")
        return self._raw

    # --- called by the loop -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the peer's greeting, for so long."""
        self._raw = cast(asyncio.Transport, transport)
        self._raw.set_write_buffer_limits(high=0)
        self._trace.opened(transport.get_extra_info("peername"))
        self._set_timer(self._handshake_timeout, self._too_slow)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the loop gives it
        """Where the next bytes are to go: one buffer serves all reads of a connection."""
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        """Take records."""
        if self.state in (_State.ENDING, _State.ENDED):
            return  # whatever still comes has no reader
        self._incoming.write(memoryview(self._received)[:nbytes])
        if nbytes == len(self._received) < _MOST_RECEIVE:
            self._received = bytearray(_MOST_RECEIVE)
        self._is_gathering = self._gathers
        try:
            if self.state is _State.HANDSHAKE:
                self._shake_hands()
            if self.state is _State.OPEN:
                self._read()
        except ssl.SSLError as problem:
            self._fail(problem)
        finally:
            self._is_gathering = False
        if not self._keeps_tickets:
            self.flush()

    def eof_received(self) -> bool:
        """Take the end of the peer's bytes; what is being sent may still go out."""
        if self.state is _State.OPEN:
            self._end_of_input()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the end on."""
        self.state = _State.ENDED
        self._drop()
        self._clear_timer()
        # Let go of, so that all go at once: what a connection holds of TLS is too large to wait for the collector.
        inner, self._inner = self._inner, None
        for name in _OF_ITSELF:
            getattr(self.raw, "__dict__", {}).pop(name, None)
        if inner is not None:
            inner.connection_lost(exc)
        self._trace.closed(str(exc or ""))

    def pause_writing(self) -> None:
        """Keep what comes: the peer does not take what was handed on."""
        self._raw_is_full = True

    def resume_writing(self) -> None:
        """Hand on what waits."""
        self._raw_is_full = False
        self._hand_on()
        if self._inner_is_paused and self.waiting <= _LOW and self._inner is not None:
            self._inner_is_paused = False
            self._inner.resume_writing()

    # --- called by the transport inside -------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; those after the end are dropped, as asyncio's transports do."""
        self.write_all((data if isinstance(data, bytes) else bytes(data),))

    def write_all(self, blocks: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send blocks that do not change; small ones share a record, and of large ones none is copied."""
        if self.state is not _State.OPEN:
            return
        blocks = list(blocks)
        if len(blocks) > 1 and sum(map(len, blocks)) <= _RECORD:
            blocks = [b"".join(blocks)]
        for block in blocks:
            self._waiting.append(memoryview(bytes(block) if isinstance(block, bytearray) else block))
            self.waiting += len(block)
        self._hand_on()
        if self.waiting > _HIGH and not self._inner_is_paused and self._inner is not None:
            self._inner_is_paused = True
            self._inner.pause_writing()

    def end(self) -> None:
        """End after what waits, then wait for the peer to hang up, but not for long."""
        self._trace.ending(SERVER)
        if self.state is _State.OPEN and self._waiting:
            self.state = _State.ENDING
            self._set_timer(_LINGER_SECONDS, self.raw.abort)
            return
        if self.state in (_State.OPEN, _State.ENDING):
            self._end_tls()
        self._finish()

    def abort(self) -> None:
        """Cut the connection, whatever its state."""
        self._trace.ending(SERVER, "cut off")
        if self._raw is not None:
            self._raw.abort()

    def flush(self) -> None:
        """Hand what TLS wrote to the connection."""
        self._keeps_tickets = False
        if self._outgoing.pending and not self.raw.is_closing():
            self.raw.write(self._outgoing.read())

    # --- inside -------------------------------------------------------------------------------------------------

    def _hand_on(self) -> None:
        """Encrypt what waits as far as the connection takes it."""
        while self._waiting and not self._raw_is_full and not self.raw.is_closing():
            view = self._waiting.popleft()
            sent = self.tls.write(view[:_WRITE])
            if sent < len(view):
                self._waiting.appendleft(view[sent:])
            self.waiting -= sent
            self._keeps_tickets = False
            if self._outgoing.pending >= _WRITE or not (self._waiting or self._is_gathering):
                self.flush()
        if self.state is _State.ENDING and not self._waiting:
            self.end()

    def _drop(self) -> None:
        self._waiting.clear()
        self.waiting = 0

    def _shake_hands(self) -> None:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self._clear_timer()
        self.state = _State.OPEN
        tls, suite = self.tls, self.tls.cipher()
        # All that TLS 1.3 still has to say are tickets, which can go with the first answer.
        version, resumed = tls.version() or "", tls.session_reused or False
        self._keeps_tickets = version == _TICKETS_LAST
        self._leaves_session = not (resumed and version == _TICKETS_LAST)
        certificate = tls.getpeercert(binary_form=True)
        self._trace.note(Secured(version, suite[0] if suite else "", resumed, certificate))
        self._inner = self._make_inner()
        self._inner.connection_made(_TlsTransport(self))

    def _read(self) -> None:
        inner = self._inner
        # Asked only while there is something: to be told by an exception that there is not costs more than the rest.
        while (self._incoming.pending or self.tls.pending()) and self.state is _State.OPEN and inner is not None:
            try:
                data = self.tls.read(_RECORD)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                self._end_of_input()
                return
            inner.data_received(data)

    def _end_tls(self) -> None:
        if not self._says_goodbye:
            self.flush()
            if not self._leaves_session:
                # OpenSSL forgets the session of a connection that ends without a goodbye: here that of the ticket that
                # came with it, which nobody needs who resumed an earlier one.
                return
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()  # writes the goodbye; that the peer's own is not there yet is no error
        if not self._says_goodbye:
            self._outgoing.read()  # OpenSSL takes the connection for ended in order, and the peer hears nothing of it

    def _end_of_input(self) -> None:
        self._trace.ending(CLIENT)
        if self._inner is not None and not self._inner.eof_received():
            self.end()

    def _fail(self, problem: ssl.SSLError) -> None:
        peer = self.raw.get_extra_info("peername")
        _logger.warning("ending the TLS connection of %s: %s", peer, problem.reason or problem)
        self._trace.note(HandshakeFailed(str(problem.reason or problem)))
        self._trace.ending(SERVER, "TLS failed")
        self._finish()  # what TLS wrote last is the alert

    def _finish(self) -> None:
        if self.state is _State.ENDED:
            return
        self.state = _State.ENDED
        self._drop()
        self.flush()
        if self.raw.is_closing():
            return
        self._set_timer(_LINGER_SECONDS, self.raw.abort)
        try:
            self.raw.write_eof()
        except OSError:  # the peer was faster
            self.raw.abort()

    def _too_slow(self) -> None:
        peer = self.raw.get_extra_info("peername")
        _logger.warning("closing the connection of %s: no TLS handshake in %g s", peer, self._handshake_timeout)
        self._trace.ending(SERVER, "no TLS handshake in time")
        self.raw.abort()

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._clear_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _TlsTransport(asyncio.Transport):
    """What the protocol inside writes to."""

    def __init__(self, protocol: TlsProtocol) -> None:
        super().__init__()
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._protocol.tls
        return self._protocol.raw.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._protocol.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._protocol.write_all(list_of_data)

    def close(self) -> None:
        self._protocol.end()

    def abort(self) -> None:
        self._protocol.abort()

    def is_closing(self) -> bool:
        return self._protocol.state in (_State.ENDING, _State.ENDED) or self._protocol.raw.is_closing()

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._protocol.raw.pause_reading()

    def resume_reading(self) -> None:
        self._protocol.raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._protocol.waiting + self._protocol.raw.get_write_buffer_size()
