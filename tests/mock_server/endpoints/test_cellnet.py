"""The CellNet endpoint against peers that send garbage, nothing, or another's name, over a real socket."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flare_client.protocol.cellnet.kit import Scheme
from flare_client.protocol.cellnet.rules import RULES_29
from flare_client.protocol.cellnet.server import ServerIdentity
from flare_client.protocol.cellnet.sfm import FrameEncoder, FrameReader, FrameType
from mock_server.answers import Reply
from mock_server.clock import RealClock
from mock_server.context import Staging
from mock_server.downloads import Downloads
from mock_server.endpoints.cellnet.endpoint import CellEndpoint
from mock_server.endpoints.cellnet.service import AdminService
from mock_server.faults.desk import FaultDesk
from mock_server.pki import Pki
from mock_server.sessions import AdminSessions

HOST = "127.0.0.1"
SECONDS = 10


@pytest.fixture(scope="module")
def identity() -> Iterator[ServerIdentity]:
    pki = Pki("example_project", None)
    server = pki.issue_user("server", "nvidia", None)
    yield ServerIdentity("example_project", pki.ca_pem, server.certificate_pem, server.key_pem, ssid="NA")
    pki.close()


@asynccontextmanager
async def serving(
    identity: ServerIdentity, folder: Path, scheme: Scheme, stall_timeout: float = 60.0
) -> AsyncIterator[tuple[CellEndpoint, int]]:
    sessions = AdminSessions(RealClock(), 1800.0)
    downloads = Downloads(Staging(folder), sessions, RealClock(), RULES_29)
    faults = FaultDesk((), sessions)
    service = AdminService(RULES_29, identity, lambda _: Reply().string("OK"), sessions, downloads, folder, faults)
    endpoint = CellEndpoint(service, scheme, None, faults=faults, stall_timeout=stall_timeout)
    port = await endpoint.start(HOST, 0)
    try:
        yield endpoint, port
    finally:
        await endpoint.stop()
        assert not endpoint.conversations


def hello(name: str | None = None) -> bytes:
    return FrameEncoder().greeting(FrameType.HELLO, name or f"_admin_{uuid.uuid4()}", 1.0)


async def greet(port: int, name: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(hello(name))
    frames = FrameReader().feed(await asyncio.wait_for(reader.read(4096), SECONDS))
    assert [getattr(frame, "type", None) for frame in frames] == [FrameType.READY]
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), SECONDS) is not None
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 64,
        b"\xff" * 64,
        hello("server"),
        hello("_admin_x"),
        FrameEncoder().data({"a": 1}),
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_garbage_ends_its_connection_with_a_log_line_and_no_other(
    identity: ServerIdentity, tmp_path: Path, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    async def scenario() -> None:
        async with serving(identity, tmp_path, Scheme.TCP) as (_, port):
            _, good = await greet(port)
            reader, bad = await asyncio.open_connection(HOST, port)
            bad.write(garbage)
            assert await ended(reader)
            await greet(port)
            assert not good.is_closing()

    with caplog.at_level(logging.WARNING, "mock_server"):
        asyncio.run(scenario())
    assert "closing the connection" in caplog.text


def test_a_peer_that_says_nothing_is_cut_off(
    identity: ServerIdentity, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with serving(identity, tmp_path, Scheme.TCP, stall_timeout=0.1) as (_, port):
            reader, _ = await asyncio.open_connection(HOST, port)
            assert await ended(reader)

    with caplog.at_level(logging.WARNING, "mock_server"):
        asyncio.run(scenario())
    assert "silent" in caplog.text


def test_a_second_connection_of_a_name_ends_the_first(identity: ServerIdentity, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(identity, tmp_path, Scheme.TCP) as (endpoint, port):
            name = f"_admin_{uuid.uuid4()}"
            first, _ = await greet(port, name)
            await greet(port, name)
            assert await ended(first)
            assert len(endpoint.conversations) == 1

    asyncio.run(scenario())


def test_a_web_socket_at_another_path_is_not_found(identity: ServerIdentity, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(identity, tmp_path, Scheme.HTTP) as (_, port):
            reader, writer = await asyncio.open_connection(HOST, port)
            upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            writer.write(f"GET /other HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())
            assert (await asyncio.wait_for(reader.readline(), SECONDS)).startswith(b"HTTP/1.1 404")

    asyncio.run(scenario())
