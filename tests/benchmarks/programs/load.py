"""Load from many sessions at once, as cheap as it can be made: each sends its next command once it has its answer.

What is sent are the bytes that ``flare_client`` sends, and of an answer no more is looked at than that it is the right
one: the generator is to have its core to itself, and the server the other.
"""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from flare_client.protocol.cellnet import commands
from flare_client.protocol.cellnet.client import AdminIdentity, AnswerReceived, ClientPeer, ClientPeerEvent
from flare_client.protocol.cellnet.proof import Signer
from flare_client.protocol.cellnet.sfm import FrameReader
from flare_client.protocol.envelope import request
from tests.benchmarks.programs.bare import BareClient, client_context

_BLOCK = 64 * 1024
_SECONDS = 30.0
_ENDS = "\x03\x04"
"""After a message of the socket dialect."""


class SocketLoad:
    """Sessions of the socket dialect: a connection a command, with the TLS session of another; one thread for all.

    Args:
        host: where the server listens.
        port: likewise.
        kit: the startup kit.
        user: whose it is.
        line: the command of every session.
        sessions: how many.
        tls: the version of TLS that the clients have at most, as ``ssl.TLSVersion`` names it.
    """

    def __init__(
        self, host: str, port: int, kit: str, user: str, line: str, sessions: int, tls: str = "TLSv1_3"
    ) -> None:
        self._commands = []
        for _ in range(sessions):
            login = BareClient(host, port, kit, _message(f"_cert_login {user}", None) + _ENDS).exchange()
            [token] = [item["data"] for item in json.loads(login[:-2])["data"] if item["type"] == "token"]
            self._commands.append(_Command((host, port), _context(kit, tls), _message(line, token) + _ENDS))

    def run(self, seconds: float) -> dict[str, Any]:
        """Ask for so long; return the seconds of each command, of how many the TLS session was resumed, and how long it
        took in all."""
        taken: list[float] = []
        resumed = 0
        started = time.perf_counter()
        with selectors.DefaultSelector() as selector:
            for command in self._commands:
                selector.register(command.ask(), selectors.EVENT_READ, command)
            while time.perf_counter() - started < seconds:
                for key, _ in selector.select(_SECONDS):
                    answered = key.data.receive()
                    if answered is not None:
                        selector.unregister(key.fileobj)
                        key.data.end()
                        taken.append(answered)
                        resumed += key.data.resumed
                        selector.register(key.data.ask(), selectors.EVENT_READ, key.data)
        elapsed = time.perf_counter() - started
        for command in self._commands:
            command.finish()
        return {"taken": taken, "resumed": resumed, "seconds": elapsed}


class _Command:
    """The command of one session, each time on a connection of its own."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, request: str) -> None:
        self._address = address
        self._context = context
        self._request = request.encode("ascii")
        self._known: ssl.SSLSession | None = None
        self._plain: socket.socket | None = None
        self.ask()
        self.finish()

    def ask(self) -> socket.socket:
        """Connect and greet; the rest follows with what comes."""
        self._began = time.perf_counter()
        self._plain = plain = socket.create_connection(self._address, timeout=_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=self._address[0], session=self._known
        )
        self._reply = b""
        self._asked = self._shake_hands()
        return plain

    def receive(self) -> float | None:
        """Take what there is; return the seconds of the command where its answer is complete."""
        data = self._connection.recv(_BLOCK)
        if not data:
            raise ConnectionResetError("the server hung up")
        self._incoming.write(data)
        if not self._asked:
            self._asked = self._shake_hands()
            return None
        while self._incoming.pending and not self._reply.endswith(_ENDS.encode("ascii")):
            try:
                self._reply += self._tls.read(_BLOCK)
            except ssl.SSLWantReadError:
                return None
        if not self._reply.endswith(_ENDS.encode("ascii")):
            return None
        if not self.resumed:
            self._known = self._tls.session  # as flare_client does where the server has forgotten the one of before
        _check(self._reply)
        return time.perf_counter() - self._began

    def finish(self) -> None:
        """Wait for the answer that is still out, and hang up."""
        while self.receive() is None:
            pass
        self.end()

    def end(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def resumed(self) -> bool:
        """Whether the TLS session of the last command was one of before."""
        return bool(self._tls.session_reused)

    @property
    def _connection(self) -> socket.socket:
        if self._plain is None:
            raise AssertionError("nothing was asked")
        return self._plain

    def _shake_hands(self) -> bool:
        """Go on with the handshake as far as possible; the request goes with its end."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            done = False
        else:
            self._tls.write(self._request)
            done = True
        self._connection.sendall(self._outgoing.read())
        return done


class CellLoad:
    """Sessions of CellNet over TCP: a connection each, one thread for all of them.

    Args:
        host: where the server listens.
        port: likewise.
        kit: the startup kit.
        user: whose it is.
        line: the command of every session.
        sessions: how many.
    """

    def __init__(self, host: str, port: int, kit: str, user: str, line: str, sessions: int) -> None:
        self._cells = [_Cell(host, port, Path(kit), user, line) for _ in range(sessions)]

    def run(self, seconds: float) -> dict[str, Any]:
        """Ask for so long; return the seconds of each command, and how long it took in all."""
        taken: list[float] = []
        started = time.perf_counter()
        with selectors.DefaultSelector() as selector:
            for cell in self._cells:
                selector.register(cell.connection, selectors.EVENT_READ, cell)
                cell.ask()
            while time.perf_counter() - started < seconds:
                for key, _ in selector.select(_SECONDS):
                    answered = key.data.receive()
                    if answered is not None:
                        taken.append(answered)
                        key.data.ask()
        elapsed = time.perf_counter() - started
        for cell in self._cells:
            cell.wait()
        return {"taken": taken, "seconds": elapsed}


class _Cell:
    """One session, and the command that it asks."""

    def __init__(self, host: str, port: int, kit: Path, user: str, line: str) -> None:
        startup = kit / "startup"
        config = json.loads((startup / "fed_admin.json").read_text())["admin"]
        certificate, signer = (startup / "client.crt").read_bytes(), Signer((startup / "client.key").read_bytes())
        authority = (startup / "rootCA.pem").read_bytes()
        raw = socket.create_connection((host, port), timeout=_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = client_context(kit).wrap_socket(raw, server_hostname=host)
        self._reader = FrameReader()
        identity = AdminIdentity(
            user, config["project_name"], config["server_identity"], authority, certificate, signer
        )
        self._peer = ClientPeer(identity, time.time())
        self._send()
        while not self._peer.registered:
            self._events()
        headers = commands.login_headers(user, signer, certificate, "default")
        reply = json.loads(self._answer(_message(f"_cert_login {user}", None), headers))
        [token] = [item["data"] for item in reply["data"] if item["type"] == "token"]
        self._content = _message(line, token)
        _check(self._answer(self._content).encode())
        self._asked: tuple[str, float] | None = None

    def ask(self) -> None:
        """Ask, without waiting."""
        before = time.perf_counter()
        self._asked = (self._request(self._content), before)

    def receive(self) -> float | None:
        """Take what there is; return the seconds of the command where its answer is complete."""
        for event in self._events():
            if isinstance(event, AnswerReceived) and self._asked is not None and event.request_id == self._asked[0]:
                seconds = time.perf_counter() - self._asked[1]
                self._asked = None
                _check(str(event.content).encode())
                return seconds
        return None

    def wait(self) -> None:
        """Wait for the answer that is still out."""
        while self._asked is not None:
            self.receive()

    def _answer(self, content: str, headers: dict[str, Any] | None = None) -> str:
        asked = self._request(content, headers)
        while True:
            for event in self._events():
                if isinstance(event, AnswerReceived) and event.request_id == asked:
                    return str(event.content)

    def _request(self, content: str, headers: dict[str, Any] | None = None) -> str:
        asked = self._peer.request(commands.CHANNEL, commands.COMMAND_TOPIC, content, time.time(), headers)
        self._send()
        return asked

    def _send(self) -> None:
        frames = self._peer.frames_to_send()
        if frames:
            self.connection.sendall(b"".join(bytes(frame) for frame in frames))

    def _events(self) -> list[ClientPeerEvent]:
        data = self.connection.recv(_BLOCK)
        while self.connection.pending():
            data += self.connection.recv(_BLOCK)
        if not data:
            raise ConnectionResetError("the server hung up")
        events = [event for frame in self._reader.feed(data) for event in self._peer.receive(frame, time.time())]
        self._send()
        return events


def _context(kit: str, tls: str) -> ssl.SSLContext:
    context = client_context(Path(kit))
    context.maximum_version = ssl.TLSVersion[tls]
    return context


def _message(line: str, token: str | None) -> str:
    """A command as it travels in both dialects."""
    return request(line, token, None, "2026-01-31 08:00:00.000001").encode().decode("ascii")


def _check(reply: bytes) -> None:
    if b'"status": "ok"' not in reply:
        raise ValueError(f"expected a reply with the status ok, but got {reply[:200]!r}")
