"""A client of releases from 2.7 on that says exactly what a test wants, over TCP and TLS, one message at a time."""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from flare_client.protocol.cellnet import commands, download
from flare_client.protocol.cellnet.client import AdminIdentity, AnswerReceived, ClientPeer, ClientPeerEvent, Pushed
from flare_client.protocol.cellnet.proof import Signer
from flare_client.protocol.cellnet.sfm import FrameReader
from mock_server import MockServer

SECONDS = 10.0


class CellClient:
    """One cell, registered.

    Args:
        server: of scheme ``tcp``.
        kit: of the user.
        user: the name that is registered.
    """

    def __init__(self, server: MockServer, kit: Path, user: str = "admin@nvidia.com") -> None:
        startup = kit / "startup"
        self.certificate = (startup / "client.crt").read_bytes()
        self.signer = Signer((startup / "client.key").read_bytes())
        self.user = user
        config = json.loads((startup / "fed_admin.json").read_text())["admin"]
        ca = (startup / "rootCA.pem").read_bytes()
        identity = AdminIdentity(
            user, config["project_name"], config["server_identity"], ca, self.certificate, self.signer
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=ca.decode())
        context.load_cert_chain(startup / "client.crt", startup / "client.key")
        raw = socket.create_connection((server.host, server.admin_port), timeout=SECONDS)
        self._socket = context.wrap_socket(raw)
        self._reader = FrameReader()
        self.peer = ClientPeer(identity, time.time())
        self.pushed: list[Pushed] = []
        self._send()
        while not self.peer.registered:
            self._receive()

    def __enter__(self) -> CellClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def request(self, channel: str, topic: str, content: Any, headers: dict[str, Any] | None = None) -> AnswerReceived:
        """Ask, and wait for the answer."""
        request_id = self.peer.request(channel, topic, content, time.time(), headers)
        self._send()
        while True:
            for event in self._receive():
                if isinstance(event, AnswerReceived) and event.request_id == request_id:
                    return event

    def tell(self, channel: str, topic: str, content: Any) -> None:
        """Say what nobody answers."""
        self.peer.tell(channel, topic, content, time.time())
        self._send()

    def ask(self, line: str, token: str | None = None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
        """The reply to a command line."""
        answer = self.request(commands.CHANNEL, commands.COMMAND_TOPIC, self.command(line, token), headers)
        reply: dict[str, Any] = json.loads(answer.content)
        return reply

    @staticmethod
    def command(line: str, token: str | None = None) -> str:
        """A command line as it travels."""
        items = [{"type": "command", "data": line}] + ([{"type": "token", "data": token}] if token is not None else [])
        return json.dumps({"time": "", "data": items, "meta": {}})

    def log_in(self, study: Any = "default", **other: Any) -> dict[str, Any]:
        """The reply to a login; other headers stand for the right ones."""
        headers = commands.login_headers(self.user, self.signer, self.certificate, study) | other
        return self.ask(f"_cert_login {self.user}", headers=headers)

    def token(self) -> str:
        """The token of a new session."""
        reply = self.log_in()
        assert reply["data"][0]["data"] == "OK", reply
        token: str = reply["data"][1]["data"]
        return token

    def piece(self, reference: str, received: int = 0, **more: Any) -> Any:
        """What the download service answers."""
        state = {"state": {"received_bytes": received}} if received else {}
        return self.request(download.CHANNEL, download.TOPIC, {"ref_id": reference, **state, **more})

    def wait_for_push(self) -> Pushed:
        """The next thing that the server says on its own."""
        while not self.pushed:
            self._receive()
        return self.pushed.pop(0)

    def _send(self) -> None:
        for frame in self.peer.frames_to_send():
            self._socket.sendall(frame)

    def _receive(self) -> list[ClientPeerEvent]:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server hung up")
        events = [event for frame in self._reader.feed(data) for event in self.peer.receive(frame, time.time())]
        self._send()
        self.pushed += [event for event in events if isinstance(event, Pushed)]
        return events
