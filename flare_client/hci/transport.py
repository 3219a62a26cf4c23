"""Sockets: a connection a command, TLS as the kit says, bytes to and from the protocol. Knows nothing of commands."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import ssl
import threading
from collections.abc import Callable, Iterable

from flare_client.errors import MalformedReply, ServerUnreachable
from flare_client.hci.channel import Channel, ClearChannel, TlsChannel
from flare_client.kit import StartupKit
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.hci.client import Answer, ClientConnection, ClientEvent
from flare_client.protocol.kit import AdminKitConfig
from flare_client.tls import mutual_tls

CONNECT_SECONDS = 10.0
"""How long a connection and its TLS handshake may take, unless a shorter time is left."""

IDLE_SECONDS = 300.0
"""How long a server may stay silent in the middle of a command. Official clients wait for ever; a server that stages
a large result, or waits for sites, needs a while."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where the server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SocketTransport:
    """Opens a connection for each exchange with one server; safe to use from several threads.

    Args:
        kit: holds the certificates.
        config: what the kit says; names the server.
        secure: whether to speak TLS.

    Raises:
        ssl.SSLError: the kit's certificate and key do not fit each other, or are no PEM.
    """

    def __init__(self, kit: StartupKit, config: AdminKitConfig, *, secure: bool) -> None:
        self.endpoint = Endpoint(config.host, config.admin_port)
        self._context = mutual_tls(kit) if secure else None
        self._tls_session: ssl.SSLSession | None = None
        self._lock = threading.Lock()

    def _connect(self, timeout: float) -> Channel:
        raw = socket.create_connection((self.endpoint.host, self.endpoint.port), timeout=timeout)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return ClearChannel(raw)
            with self._lock:
                known = self._tls_session
            return TlsChannel(raw, self._context, self.endpoint.host, known)
        except BaseException:
            raw.close()
            raise

    def _remember(self, channel: Channel) -> None:
        # A ticket arrives with the first bytes of the answer; the next command resumes with it and saves both
        # sides their signatures. A server that does not know it any more falls back to a whole handshake.
        session = channel.new_session
        if session is not None:
            with self._lock:
                self._tls_session = session

    def _unreachable(self, problem: Exception) -> ServerUnreachable:
        return ServerUnreachable(
            f"error: Failed to communicate with Admin Server {self.endpoint.host} on {self.endpoint.port}: {problem}"
        )

    def exchange(
        self,
        blocks: Iterable[bytes],
        consume: Callable[[ClientEvent], None],
        *,
        answer: Answer = Answer.REPLY,
        connect_timeout: float = CONNECT_SECONDS,
        idle_timeout: float = IDLE_SECONDS,
    ) -> None:
        """Send a request and hand every event of the answer to a consumer.

        Args:
            blocks: the bytes of the request, in pieces.
            consume: takes each event; what it raises ends the exchange.
            answer: the form of answer to expect.
            connect_timeout: seconds for the connection and the TLS handshake.
            idle_timeout: seconds the server may stay silent.

        Raises:
            ServerUnreachable: no connection, or an answer cut short; ``__cause__`` has the reason.
            MalformedReply: the answer breaks a rule of the wire.
        """
        protocol = ClientConnection(answer)
        try:
            channel = self._connect(connect_timeout)
        except OSError as problem:
            raise self._unreachable(problem) from problem
        with contextlib.closing(channel):
            try:
                channel.settimeout(idle_timeout)
                self._send(channel, blocks)
            except OSError as problem:
                raise self._unreachable(problem) from problem
            while not protocol.complete:
                for event in self._receive(channel, protocol):
                    consume(event)
            self._remember(channel)

    def _receive(self, channel: Channel, protocol: ClientConnection) -> list[ClientEvent]:
        try:
            data = channel.receive()
            if not data:
                protocol.receive_eof()
        except (OSError, RemoteProtocolError) as problem:
            raise self._unreachable(problem) from problem
        try:
            return protocol.receive_data(data)
        except RemoteProtocolError as problem:
            raise MalformedReply(f"cannot connect to server: {problem.reason}") from problem

    @staticmethod
    def _send(channel: Channel, blocks: Iterable[bytes]) -> None:
        try:
            for block in blocks:
                channel.send(block)
        except (BrokenPipeError, ConnectionResetError):
            # The server refused in the middle of an upload: its answer tells why, if it still can be read.
            return
