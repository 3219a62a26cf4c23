"""TLS of the mock server: refusals are said, ends are clean, nobody is held up."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gc
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from flare_client import new_secure_session
from mock_server import MockServer
from mock_server.endpoints.tls import TlsProtocol
from mock_server.pki import Pki
from mock_server.transcript.facts import Trace, Unobserved
from tests.support import RawClient, read_all, wait_until

UTC = datetime.timezone.utc
ADMIN = "admin@nvidia.com"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer("2.6", stall_timeout=30) as running:
        yield running


def context_of(kit: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(kit / "startup" / "rootCA.pem")
    context.load_cert_chain(kit / "startup" / "client.crt", kit / "startup" / "client.key")
    return context


def ask_in_vain(server: MockServer, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((server.host, server.admin_port), timeout=10) as raw,
        context.wrap_socket(raw) as connection,
    ):
        connection.sendall(b"a request that nobody reads" * 1000)
        return connection.recv(1)


def alert_of(server: MockServer, context: ssl.SSLContext) -> str:
    """The alert by which the server ends a handshake; with TLS 1.3 it comes after the client's part is done."""
    with pytest.raises(ssl.SSLError) as caught:
        ask_in_vain(server, context)
    return str(caught.value.reason)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_expired_certificate_gets_an_alert(server: MockServer, version: ssl.TLSVersion, tmp_path: Path) -> None:
    yesterday = datetime.datetime.now(UTC) - datetime.timedelta(1)
    kit = server.kit(directory=tmp_path, not_before=yesterday - datetime.timedelta(1), not_after=yesterday)
    assert "CERTIFICATE_EXPIRED" in alert_of(server, context_of(kit, version))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_of_another_authority_gets_an_alert(
    server: MockServer, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    foreign = Pki.foreign()
    kit = server.kit(directory=tmp_path, authority=foreign)
    foreign.close()
    (kit / "startup" / "rootCA.pem").write_bytes((server.kit() / "startup" / "rootCA.pem").read_bytes())
    reason = alert_of(server, context_of(kit, version))
    assert "UNKNOWN_CA" in reason or "CERT" in reason or "DECRYPT" in reason, reason


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_at_all_gets_an_alert(server: MockServer, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(server.kit() / "startup" / "rootCA.pem")
    reason = alert_of(server, context)
    assert "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason, reason


ASKS = b'{"data": [{"type": "command", "data": "_check_session"}]}\x03\x04'


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_ends_without_the_goodbye_of_tls_as_official_ones_do(
    server: MockServer, version: ssl.TLSVersion
) -> None:
    context = context_of(server.kit(), version)
    raw = socket.create_connection((server.host, server.admin_port), timeout=10)
    with context.wrap_socket(raw, suppress_ragged_eofs=False) as connection:
        connection.sendall(ASKS)
        answer = connection.recv(4096)
        while not answer.endswith(b"\x03\x04"):
            answer += connection.recv(4096)
        with pytest.raises(ssl.SSLEOFError):
            connection.recv(1)


@pytest.mark.parametrize("version", VERSIONS)
def test_who_resumes_a_session_leaves_no_other_behind(version: ssl.TLSVersion) -> None:
    with MockServer("2.6") as server:
        context, session = context_of(server.kit(), version), None
        stats = server.pki.server_context().session_stats
        for hits in range(4):
            raw = socket.create_connection((server.host, server.admin_port), timeout=10)
            with context.wrap_socket(raw, session=session) as connection:
                connection.sendall(ASKS)
                read_all(connection)
                session = session or connection.session
            wait_until(lambda: stats()["number"] == 1)
            assert stats()["hits"] == hits


@pytest.mark.parametrize("greeting", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\x00" * 100])
def test_who_speaks_no_tls_holds_up_nobody(server: MockServer, greeting: bytes) -> None:
    with socket.create_connection((server.host, server.admin_port), timeout=10) as odd:
        odd.sendall(greeting)
        assert RawClient(server, server.kit()).login()
        if greeting and not greeting.startswith(b"\x16"):
            assert read_all(odd)[:1] in (b"\x15", b"")  # an alert, where TLS has one for it


def test_a_handshake_that_stalls_ends_in_time() -> None:
    with (
        MockServer("2.6", stall_timeout=0.05) as server,
        socket.create_connection((server.host, server.admin_port), timeout=10) as silent,
    ):
        assert silent.recv(1) == b""


def test_a_stopped_server_leaves_no_connection_open() -> None:
    with MockServer("2.6") as server, socket.create_connection((server.host, server.admin_port), timeout=10) as silent:
        assert RawClient(server, server.kit()).login()
        server.stop()
        assert read_all(silent) == b""


def test_one_byte_at_a_time_is_as_good_as_all_at_once(server: MockServer) -> None:
    raw = RawClient(server, server.kit())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = raw.context.wrap_bio(incoming, outgoing)
    with socket.create_connection((server.host, server.admin_port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def flush() -> None:
            for byte in outgoing.read():
                connection.sendall(bytes([byte]))

        def until(step: Callable[[], bytes | None]) -> bytes | None:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    flush()
                    incoming.write(connection.recv(1) or pytest.fail("the server hung up"))

        until(tls.do_handshake)
        tls.write(b'{"data": [{"type": "command", "data": "_check_session"}]}\x03\x04')
        flush()
        assert until(lambda: tls.read(1)) == b"{"


def test_a_peer_that_resets_in_the_handshake_is_forgotten(server: MockServer) -> None:
    with socket.create_connection((server.host, server.admin_port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01")
    wait_until(lambda: RawClient(server, server.kit()).login() != "")


@pytest.mark.parametrize(("release", "scheme"), [("2.6", None), ("2.9", "http"), ("2.9", "tcp")])
def test_a_connection_that_is_over_is_gone_without_the_collector(release: str, scheme: str | None) -> None:
    """What OpenSSL keeps for each is large, and the collector looks for it late; every command waits for it then."""

    def alive() -> int:
        return sum(isinstance(one, (TlsProtocol, asyncio.Transport)) for one in gc.get_objects())

    with MockServer(release, scheme=scheme) as server:
        gc.collect()
        gc.disable()
        try:
            before = alive()
            for _ in range(5):
                with new_secure_session(ADMIN, str(server.kit())) as session:
                    session.list_jobs()
            wait_until(lambda: alive() == before)
        finally:
            gc.enable()


class Written(asyncio.Transport):
    """A connection that keeps what is written to it, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return False


class Once(asyncio.Protocol):
    """Answers the first bytes with themselves, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)
        self.transport.close()


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_short_answer_is_one_write(version: ssl.TLSVersion, *, together: bool) -> None:
    """Tickets and answer leave at once, whether or not the request came with the end of the handshake."""
    authority = trustme.CA()
    contexts = {side: ssl.create_default_context(side) for side in (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)}
    authority.issue_cert("localhost").configure_cert(contexts[ssl.Purpose.CLIENT_AUTH])
    authority.configure_trust(contexts[ssl.Purpose.SERVER_AUTH])
    contexts[ssl.Purpose.SERVER_AUTH].maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = contexts[ssl.Purpose.SERVER_AUTH].wrap_bio(incoming, outgoing, server_hostname="localhost")

    async def exchange() -> list[list[bytes]]:
        transport, steps = Written(), []
        protocol = TlsProtocol(contexts[ssl.Purpose.CLIENT_AUTH], Once, 5.0, Trace(Unobserved()), gathers=True)
        protocol.connection_made(transport)

        def give(data: bytes) -> None:
            buffer = protocol.get_buffer(-1)
            buffer[: len(data)] = data
            protocol.buffer_updated(len(data))
            steps.append(list(transport.writes))
            incoming.write(b"".join(transport.writes))
            transport.writes.clear()

        shaken = False
        while not shaken:
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
                shaken = True
            if shaken and together:
                client.write(b"well met")
            if outgoing.pending:
                give(outgoing.read())
        if not together:
            client.write(b"well met")
            give(outgoing.read())
        assert transport.ended
        protocol.connection_lost(None)
        return steps

    steps = asyncio.run(exchange())
    assert all(len(writes) <= 1 for writes in steps)
    assert steps[-1]
    assert client.read() == b"well met"
    assert client.read() == b""
    assert client.session is not None
    assert client.session.has_ticket
