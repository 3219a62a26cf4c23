"""A connection under TLS: the same bytes whichever way it is read, tickets, and how it ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
import trustme

from flare_client.hci.channel import Channel, RecordChannel, SocketChannel

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")
Serve = Callable[[ssl.SSLSocket], None]
Connect = Callable[[int, ssl.SSLSession | None], Channel]


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


CONTEXT = client_context()


def by_socket(port: int, session: ssl.SSLSession | None) -> Channel:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return SocketChannel(CONTEXT.wrap_socket(raw, server_hostname="localhost", session=session))


def by_records(port: int, session: ssl.SSLSession | None) -> Channel:
    raw = socket.create_connection(("127.0.0.1", port), timeout=20)
    return RecordChannel(raw, CONTEXT, "localhost", session)


BOTH_WAYS = pytest.mark.parametrize("connect", [by_socket, by_records])


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


@BOTH_WAYS
@pytest.mark.parametrize("size", [1, 16 * 1024, 3 * 1024 * 1024 + 5])
def test_what_is_sent_arrives_and_then_the_end(connect: Connect, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)

    def serve(connection: ssl.SSLSocket) -> None:
        asked = connection.recv(16)
        connection.sendall(asked + content[:size])
        connection.unwrap()

    with served(serve) as port, contextlib.closing(connect(port, None)) as channel:
        channel.send(b"go")
        assert read_to_end(channel) == b"go" + content[:size]
        assert channel.receive() == b""


@BOTH_WAYS
def test_bytes_that_come_one_by_one(connect: Connect) -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        for byte in b"one by one":
            connection.sendall(bytes([byte]))
        connection.unwrap()

    with served(serve) as port, contextlib.closing(connect(port, None)) as channel:
        assert read_to_end(channel) == b"one by one"


@BOTH_WAYS
def test_a_server_that_hangs_up_without_goodbye_has_ended(connect: Connect) -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"half")

    with served(serve) as port, contextlib.closing(connect(port, None)) as channel:
        assert read_to_end(channel) == b"half"


@BOTH_WAYS
def test_a_session_is_new_once_and_resumed_by_either_way(connect: Connect) -> None:
    def serve(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"hello")
        connection.recv(1)

    with served(serve, connections=3) as port:
        with contextlib.closing(connect(port, None)) as channel:
            assert channel.receive() == b"hello"
            session = channel.new_session
            channel.send(b".")
        assert session is not None
        assert session.has_ticket
        for again in (by_socket, by_records):
            with contextlib.closing(again(port, session)) as channel:
                assert channel.receive() == b"hello"
                assert channel.new_session is None
                channel.send(b".")


@BOTH_WAYS
def test_a_certificate_of_another_authority_is_refused(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)
    monkeypatch.setattr(f"{__name__}.CONTEXT", stranger)
    with served(lambda _: None) as port, pytest.raises(ssl.SSLCertVerificationError):
        connect(port, None)


@BOTH_WAYS
def test_a_server_that_is_silent_times_out(connect: Connect) -> None:
    done = threading.Event()

    with served(lambda _: done.wait(20) and None) as port:
        with contextlib.closing(connect(port, None)) as channel:
            channel.settimeout(0.05)
            with pytest.raises(TimeoutError):
                channel.receive()
        done.set()
