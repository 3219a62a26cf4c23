"""The FL port of the socket dialect: it answers a handshake of gRPC, and no call."""

from __future__ import annotations

import builtins
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from mock_server import MockServer
from tests.support import read_all

grpc = pytest.importorskip("grpc")

SECONDS = 20.0


def channel(server: MockServer, kit: Path, *, with_certificate: bool = True) -> Any:
    startup = kit / "startup"
    pair = (
        [(startup / name).read_bytes() for name in ("client.key", "client.crt")] if with_certificate else [None, None]
    )
    credentials = grpc.ssl_channel_credentials((startup / "rootCA.pem").read_bytes(), *pair)
    return grpc.secure_channel(f"{server.host}:{server.port}", credentials)


def test_a_channel_is_ready_and_every_call_unimplemented() -> None:
    with MockServer("2.6") as server, channel(server, server.kit()) as wire:
        grpc.channel_ready_future(wire).result(SECONDS)
        with pytest.raises(grpc.RpcError) as caught:
            wire.unary_unary("/federated.AdminCommunicating/Hello")(b"hello", timeout=SECONDS)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "mock" in caught.value.details()


def test_several_channels_and_what_is_told_of_them() -> None:
    """Nobody who reads the transcript takes them for admins."""
    with MockServer("2.3") as server:
        kit, before = server.kit(), server.transcript.last
        for _ in range(3):
            with channel(server, kit) as wire:
                grpc.channel_ready_future(wire).result(SECONDS)
        assert server.transcript.last == before


def test_without_a_certificate_there_is_no_channel() -> None:
    with MockServer("2.6") as server, channel(server, server.kit(), with_certificate=False) as wire:
        with pytest.raises(grpc.RpcError) as caught:
            wire.unary_unary("/a/b")(b"", timeout=SECONDS)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_stopped_server_has_no_fl_port() -> None:
    with MockServer("2.6") as server:
        host, port = server.host, server.port
        tls(server).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=SECONDS)


def test_a_restart_cuts_channels_and_new_ones_are_answered() -> None:
    with MockServer("2.6") as server:
        with tls(server) as first:
            assert first.recv(9)[3] == 4, "a SETTINGS frame"
            server.restart()
            read_all(first)  # to the end
        with tls(server) as second:
            assert second.recv(9)[3] == 4


def test_what_is_no_http2_ends_the_connection() -> None:
    with MockServer("2.6") as server, tls(server) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert kinds(read_all(wire)) == [4], "SETTINGS, and no answer"


def test_where_h2_is_not_installed_the_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def without_h2(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "h2":
            raise ImportError(name)
        return load(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "h2" or name.endswith(".http2_greeting")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_h2)
    with MockServer("2.6") as server, tls(server) as wire:
        assert read_all(wire) == b""


@pytest.mark.parametrize("settings", [{"release": "2.9"}, {"release": "2.3", "secure": False}])
def test_others_have_none(settings: dict[str, Any]) -> None:
    with MockServer(**settings) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=SECONDS)


def tls(server: MockServer) -> ssl.SSLSocket:
    """A connection of somebody who speaks TLS and says what comes next."""
    startup = server.kit() / "startup"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(startup / "rootCA.pem")
    context.load_cert_chain(startup / "client.crt", startup / "client.key")
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(socket.create_connection((server.host, server.port), timeout=SECONDS))


def kinds(frames: bytes) -> list[int]:
    """The types of HTTP/2 frames."""
    found = []
    while len(frames) >= 9:
        found.append(frames[3])
        frames = frames[9 + int.from_bytes(frames[:3], "big") :]
    return found
