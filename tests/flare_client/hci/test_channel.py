"""A connection: the same bytes however it is read, tickets, and how it ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
import trustme

from flare_client.hci.channel import Channel, ClearChannel, TlsChannel

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")
Serve = Callable[[ssl.SSLSocket], None]


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


CONTEXT = client_context()


def connect(port: int, session: ssl.SSLSession | None = None) -> Channel:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return TlsChannel(raw, CONTEXT, "localhost", session)


@contextlib.contextmanager
def served(serve: Serve, connections: int = 1) -> Iterator[int]:
    """A TLS server that does one thing on each of its connections."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CERTIFICATE.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            for _ in range(connections):
                accepted, _ = listening.accept()
                with contextlib.suppress(OSError), context.wrap_socket(accepted, server_side=True) as connection:
                    serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def read_to_end(channel: Channel) -> bytes:
    return b"".join(iter(channel.receive, b""))


@pytest.mark.parametrize("size", [1, 16 * 1024, 3 * 1024 * 1024 + 5])
def test_what_is_sent_arrives_and_then_the_end(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)

    def serve(connection: ssl.SSLSocket) -> None:
        asked = connection.recv(16)
        connection.sendall(asked + content[:size])
        connection.unwrap()

    with served(serve) as port, contextlib.closing(connect(port)) as channel:
        channel.send(b"go")
        assert read_to_end(channel) == b"go" + content[:size]
        assert channel.receive() == b""


def test_bytes_that_come_one_by_one() -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        for byte in b"one by one":
            connection.sendall(bytes([byte]))
        connection.unwrap()

    with served(serve) as port, contextlib.closing(connect(port)) as channel:
        assert read_to_end(channel) == b"one by one"


def test_a_server_that_hangs_up_without_goodbye_has_ended() -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"half")

    with served(serve) as port, contextlib.closing(connect(port)) as channel:
        assert read_to_end(channel) == b"half"


def test_a_session_is_new_once_and_resumed_as_often_as_wanted() -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"hello")
        connection.recv(1)

    with served(serve, connections=3) as port:
        with contextlib.closing(connect(port)) as channel:
            assert channel.receive() == b"hello"
            session = channel.new_session
            channel.send(b".")
        assert session is not None
        assert session.has_ticket
        for _ in range(2):
            with contextlib.closing(connect(port, session)) as channel:
                assert channel.receive() == b"hello"
                assert channel.new_session is None
                channel.send(b".")


def test_a_certificate_of_another_authority_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)
    monkeypatch.setattr(f"{__name__}.CONTEXT", stranger)
    with served(lambda _: None) as port, pytest.raises(ssl.SSLCertVerificationError):
        connect(port)


def test_a_server_that_is_silent_times_out() -> None:
    done = threading.Event()

    with served(lambda _: done.wait(20) and None) as port:
        with contextlib.closing(connect(port)) as channel:
            channel.settimeout(0.05)
            with pytest.raises(TimeoutError):
                channel.receive()
        done.set()


def test_the_request_goes_with_the_end_of_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each send wakes the server: one for the greeting, one for all the rest."""
    sent: list[int] = []
    send = socket.socket.sendall

    def counted(connection: socket.socket, data: bytes) -> None:
        if not isinstance(connection, ssl.SSLSocket):
            sent.append(len(data))
        send(connection, data)

    def serve(connection: ssl.SSLSocket) -> None:
        connection.send(connection.recv(16))

    monkeypatch.setattr(socket.socket, "sendall", counted)
    with served(serve) as port, contextlib.closing(connect(port)) as channel:
        channel.send(b"well met")
        assert channel.receive() == b"well met"
        assert len(sent) == 2


def test_a_connection_in_the_clear() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        raw = socket.create_connection(listening.getsockname(), timeout=20)
        accepted, _ = listening.accept()
        with accepted, contextlib.closing(ClearChannel(raw)) as channel:
            channel.send(b"well met")
            accepted.sendall(accepted.recv(16))
            accepted.shutdown(socket.SHUT_WR)
            assert read_to_end(channel) == b"well met"
            assert channel.new_session is None
