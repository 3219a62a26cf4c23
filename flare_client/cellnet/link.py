"""One connection to a server: a socket, TLS, a scheme and the protocol's state machine, and the thread that reads it.

Owns the socket, the thread and the requests that wait for answers. Must not know commands.

Any thread may send. Whoever has bytes to send puts them into one queue and then empties the queue, unless somebody
does already: so bytes keep their order, and the reading thread never waits for another that writes.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from flare_client import errors
from flare_client.cellnet.schemes import FrameCodec
from flare_client.protocol.cellnet.client import (
    AnswerReceived,
    ClientPeer,
    ClientPeerEvent,
    Pushed,
    Registered,
    RegistrationRefused,
    RequestFailed,
    ServerLeft,
)
from flare_client.protocol.errors import LocalProtocolError, ProtocolError
from flare_client.tls import TlsRecords

_logger = logging.getLogger("flare_client")

_FIRST_RECEIVE, _MOST_RECEIVE = 16 * 1024, 128 * 1024
"""Bytes that are taken from the socket at once: more and more while it gives as many."""
_SMALL = 64 * 1024
"""Bytes that are sent as one block, which costs less than to send each by itself."""
_LOOK_SECONDS = 30.0
"""How often the reading thread looks up when nothing comes; also how long one write may block."""
_PING_SECONDS = 60.0
"""After so long without a byte the server is asked for a sign of life, as official clients do."""
_JOIN_SECONDS = 5.0


class RegistrationFailed(Exception):
    """The server will not have this client, or is not the one that the kit names.

    Attributes:
        by_server: whether the server refused; otherwise this side did.
        not_ready: whether trying again may help.
    """

    def __init__(self, refusal: RegistrationRefused) -> None:
        super().__init__(refusal.reason)
        self.by_server = refusal.by_server
        self.not_ready = refusal.not_ready


class _Lost:
    """What those who wait for an answer are told when the connection is over."""


_LOST = _Lost()
_Slot = queue.SimpleQueue[AnswerReceived | RequestFailed | _Lost]


class Link:
    """A connection that is open and registered; safe to use from several threads.

    Args:
        connection: the socket, connected.
        tls: after its handshake; ``None`` for clear text.
        codec: the scheme.
        peer: the state machine, new.
        on_push: called in the reading thread with what the server says on its own.
    """

    def __init__(
        self,
        connection: socket.socket,
        tls: TlsRecords | None,
        codec: FrameCodec,
        peer: ClientPeer,
        on_push: Callable[[Pushed], None],
    ) -> None:
        self._socket = connection
        self._tls = tls
        self._codec = codec
        self._peer = peer
        self._on_push = on_push
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._outgoing: collections.deque[bytes | memoryview] = collections.deque()
        self._received = bytearray(_FIRST_RECEIVE)
        self._waiting: dict[str, _Slot] = {}
        self._events: queue.SimpleQueue[Registered | RegistrationRefused | ServerLeft | _Lost] = queue.SimpleQueue()
        self._lost: BaseException | None = None
        self._closing = False
        self._heard = time.monotonic()
        self._reader = threading.Thread(target=self._read, name=f"flare-{peer.name}", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether requests may be sent."""
        return self._lost is None and self._peer.registered

    def register(self, timeout: float) -> None:
        """Greet the server and have this cell registered.

        Args:
            timeout: seconds.

        Raises:
            RegistrationFailed: one side refuses.
            ServerUnreachable: the server does not answer in time, or hangs up; ``__cause__`` tells why.
        """
        self._socket.settimeout(_LOOK_SECONDS)
        self._reader.start()
        with self._lock:
            self._collect()
        self._flush()
        try:
            event = self._events.get(timeout=max(0.0, timeout))
        except queue.Empty:
            raise errors.ConnectionLost(f"expected to be registered within {timeout:g} s, but was not") from None
        if isinstance(event, RegistrationRefused):
            raise RegistrationFailed(event)
        if not isinstance(event, Registered):
            raise self._unreachable()

    def ask(
        self, channel: str, topic: str, content: Any, timeout: float, headers: Mapping[str, Any] | None = None
    ) -> AnswerReceived:
        """Send a request and wait for the answer.

        Args:
            channel: the application's channel.
            topic: the application's topic.
            content: what FOBS can encode.
            timeout: seconds without an answer.
            headers: the application's own.

        Raises:
            SessionClosed: the last request of this connection was sent.
            CommandTimeout: no answer in time.
            ConnectionLost: the connection is over, or the answer cannot be read.
        """
        return self.start(channel, topic, content, headers).answer(timeout)

    def start(self, channel: str, topic: str, content: Any, headers: Mapping[str, Any] | None = None) -> PendingAnswer:
        """Send a request without waiting for the answer; see ``ask``.

        Raises:
            SessionClosed: the last request of this connection was sent.
            ConnectionLost: the connection is over.
        """
        with self._lock:
            if self._closing:
                raise errors.SessionClosed("session closed")
            request_id, slot = self._begin(channel, topic, content, headers)
        self._flush()
        return PendingAnswer(self, request_id, slot)

    def _begin(self, channel: str, topic: str, content: Any, headers: Mapping[str, Any] | None) -> tuple[str, _Slot]:
        """Send a request; the lock is held."""
        if self._lost is not None:
            raise self._unreachable()
        slot: _Slot = queue.SimpleQueue()
        request_id = self._request(channel, topic, content, headers)
        self._waiting[request_id] = slot
        self._collect()
        return request_id, slot

    def forget(self, request_id: str) -> None:
        """Drop the answer to a request if it still comes."""
        with self._lock:
            self._waiting.pop(request_id, None)
            self._peer.forget(request_id)

    def _await(self, request_id: str, slot: _Slot, timeout: float) -> AnswerReceived:
        try:
            answer = slot.get(timeout=min(timeout, threading.TIMEOUT_MAX))  # which an endless one is over
        except queue.Empty:
            self.forget(request_id)
            raise errors.CommandTimeout(
                f"cannot connect to server: expected an answer within {timeout:g} s, but none came"
            ) from None
        if isinstance(answer, RequestFailed):
            raise errors.ConnectionLost(f"cannot connect to server: {answer.reason}")
        if isinstance(answer, AnswerReceived):
            return answer
        raise self._unreachable()

    def tell(self, channel: str, topic: str, content: Any) -> None:
        """Send what nobody answers; on a lost connection it is lost, too."""
        with self._lock:
            if self._lost is not None:
                return
            self._peer.tell(channel, topic, content, time.time())
            self._collect()
        self._flush()

    def ask_last(self, channel: str, topic: str, content: Any, timeout: float) -> AnswerReceived:
        """Send a request after which no other is sent: those that come later raise ``SessionClosed``.

        See ``ask``.
        """
        with self._lock:
            self._closing = True
            request_id, slot = self._begin(channel, topic, content, None)
        self._flush()
        return self._await(request_id, slot, timeout)

    def close(self, timeout: float = 0.0) -> None:
        """Say goodbye, and let go of the socket and the thread.

        Args:
            timeout: seconds to wait for the server's answer to the goodbye.
        """
        with self._lock:
            says_goodbye = self.is_open
            self._closing = True
            if says_goodbye:
                self._peer.say_bye(time.time())
                self._collect()
        if says_goodbye:
            self._flush()
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=timeout)
        with self._lock:
            if self._lost is None:
                self._codec.close()
                self._collect()
                if self._tls is not None:
                    self._tls.close()
                    self._outgoing += self._tls.records_to_send()
        self._flush()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader.is_alive() and threading.current_thread() is not self._reader:
            self._reader.join(_JOIN_SECONDS)
        self._socket.close()

    # --- what goes out ----------------------------------------------------------------------------------------------

    def _request(self, channel: str, topic: str, content: Any, headers: Mapping[str, Any] | None) -> str:
        try:
            return self._peer.request(channel, topic, content, time.time(), headers)
        except LocalProtocolError as problem:
            raise errors.InternalError(f"cannot send the request: {problem.reason}") from problem

    def _collect(self) -> None:
        """Turn the frames of the state machine into bytes of the connection; the lock is held."""
        for frame in self._peer.frames_to_send():
            self._codec.send(frame)
        blocks = self._codec.data_to_send()
        if len(blocks) > 1 and sum(map(len, blocks)) < _SMALL:
            blocks = [b"".join(blocks)]
        if self._tls is None:
            self._outgoing += blocks
            return
        for block in blocks:
            self._tls.send(block)
        self._outgoing += self._tls.records_to_send()

    def _flush(self) -> None:
        # Tried again after each turn: bytes that came while another thread was about to stop sending are not left.
        while self._outgoing and self._sending.acquire(blocking=False):
            try:
                while self._outgoing:
                    self._socket.sendall(self._outgoing.popleft())
            except OSError as problem:
                # Cut in the middle, nothing that follows makes sense; the reading thread wakes up by it, too.
                self._outgoing.clear()
                self._note_loss(problem)
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            finally:
                self._sending.release()

    # --- what comes in ----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while self._receive():
                pass
        except (OSError, ProtocolError) as problem:
            self._note_loss(problem)
        finally:
            # Whatever ended the thread, nobody may wait for it.
            self._lose()

    def _receive(self) -> bool:
        try:
            size = self._socket.recv_into(self._received)
        except TimeoutError:
            self._look_after()
            return True
        if not size:
            return False
        data = memoryview(self._received)[:size]
        if size == len(self._received) < _MOST_RECEIVE:
            self._received = bytearray(_MOST_RECEIVE)
        self._heard = time.monotonic()
        with self._lock:
            if self._tls is not None:
                data = self._tls.receive(data)
            now = time.time()
            for frame in self._codec.receive(data):
                for event in self._peer.receive(frame, now):
                    self._dispatch(event)
            self._collect()
        self._flush()
        if self._codec.ended is not None:
            raise self._codec.ended
        return self._tls is None or not self._tls.ended

    def _look_after(self) -> None:
        with self._lock:
            for event in self._peer.stalled(time.time()):
                self._dispatch(event)
            if time.monotonic() - self._heard > _PING_SECONDS:
                self._peer.ping()
            self._collect()
        self._flush()

    def _dispatch(self, event: ClientPeerEvent) -> None:
        if isinstance(event, (AnswerReceived, RequestFailed)):
            slot = self._waiting.pop(event.request_id, None)
            if slot is not None:
                slot.put(event)
        elif isinstance(event, Pushed):
            self._on_push(event)
        elif isinstance(event, (Registered, RegistrationRefused, ServerLeft)):
            self._events.put(event)
            if isinstance(event, ServerLeft) and not self._closing:
                self._note_loss(ConnectionError("the server said goodbye"))
        else:
            _logger.debug("dropping what the server sent: %s", event.reason)

    def _note_loss(self, problem: BaseException) -> None:
        self._lost = self._lost or problem

    def _lose(self) -> None:
        self._note_loss(ConnectionError("the server closed the connection"))
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # the server need not wait for this side to hang up
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        for slot in waiting:
            slot.put(_LOST)
        self._events.put(_LOST)

    def _unreachable(self) -> errors.ConnectionLost:
        problem = errors.ConnectionLost(f"cannot connect to server: the connection is lost: {self._lost}")
        problem.__cause__ = self._lost
        return problem


class PendingAnswer:
    """An answer that is awaited."""

    def __init__(self, link: Link, request_id: str, slot: _Slot) -> None:
        self._link = link
        self._request_id = request_id
        self._slot = slot

    def answer(self, timeout: float) -> AnswerReceived:
        """Wait for it, once; see ``Link.ask``.

        Args:
            timeout: seconds from now.
        """
        return self._link._await(self._request_id, self._slot, timeout)

    def forget(self) -> None:
        """Want it no more."""
        self._link.forget(self._request_id)


def connect(
    address: tuple[str, int],
    context: ssl.SSLContext | None,
    codec: FrameCodec,
    peer: ClientPeer,
    on_push: Callable[[Pushed], None],
    timeout: float,
) -> Link:
    """Open a connection and register.

    Args:
        address: host and port.
        context: TLS; ``None`` for clear text.
        codec: the scheme.
        peer: the state machine, new.
        on_push: see ``Link``.
        timeout: seconds for all of it; where none are left, the first wait fails.

    Raises:
        RegistrationFailed: one side refuses.
        ServerUnreachable: the server does not answer in time, or hangs up; ``__cause__`` tells why.
    """
    deadline = time.monotonic() + timeout
    connection = None
    try:
        # A busy machine may have used up the time before this is reached; a socket takes no timeout below 0, and 0
        # would make it non-blocking.
        connection = socket.create_connection(address, timeout=max(0.001, timeout))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls = None
        if context is not None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
            tls = TlsRecords(context, address[0])
            tls.shake_hands(connection)
    except OSError as problem:
        if connection is not None:
            connection.close()
        where = f"{address[0]} on {address[1]}"
        raise errors.ConnectionLost(f"error: Failed to communicate with Admin Server {where}: {problem}") from problem
    link = Link(connection, tls, codec, peer, on_push)
    try:
        link.register(deadline - time.monotonic())
    except BaseException:
        link.close()
        raise
    return link
