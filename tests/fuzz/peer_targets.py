"""Targets for the two state machines of the CellNet dialect: each against a peer that knows the language and lies.

An input chooses where the conversation stands and what comes next: genuine frames in any order and any number, the
same with bytes, headers or payloads changed, frames made up with genuine credentials, time that passes. So most inputs
get deep, past signatures that no fuzzer would guess.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from flare_client.protocol.cellnet import client, download, fobs, server, upload
from flare_client.protocol.cellnet.cell import Addresses, Encoding, ReturnCode, Topic, read_message
from flare_client.protocol.cellnet.client import AdminIdentity, ClientPeer
from flare_client.protocol.cellnet.packing import pack
from flare_client.protocol.cellnet.server import ServerIdentity, ServerPeer
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameEncoder, FrameType, decode_frame
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import Limits
from tests.fuzz.project import PROJECT, USER
from tests.fuzz.target import Choices, Target, require

NOW = 1_700_000_000.0
LIMITS = Limits(frame=1 << 17, stream=4096, streams=3, depth=12, body=2000)
_ODD: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    2,
    3,
    6,
    True,
    1.5,
    "",
    "x",
    "req",
    "reply",
    "return",
    b"",
    b"x",
    [],
    {},
    1 << 63,
)
_STAGES = 4


@dataclasses.dataclass(frozen=True)
class World:
    """One genuine conversation: both ends at each stage of it, and what each of them sent."""

    identity: ServerIdentity
    admin: AdminIdentity
    servers: tuple[ServerPeer, ...]
    clients: tuple[ClientPeer, ...]
    from_client: tuple[Frame, ...]
    from_server: tuple[Frame, ...]
    asked: tuple[str, ...]

    def server(self, stage: int) -> ServerPeer:
        """A server of its own, at a stage of the conversation."""
        return _copied(self.servers[stage], self.identity)

    def client(self, stage: int) -> ClientPeer:
        """A client of its own, at a stage of the conversation."""
        return _copied(self.clients[stage], self.admin, self.clients[stage]._server)


def _copied(peer: Any, *shared: object) -> Any:
    # Keys and certificates are not copied.
    return copy.deepcopy(peer, {id(one): one for one in shared})


def _read(wire: bytes) -> Frame:
    frame = decode_frame(wire, LIMITS)
    if not isinstance(frame, Frame):
        raise AssertionError(f"a genuine frame cannot be read: {frame.reason}")
    return frame


@functools.cache
def world() -> World:
    """The conversation: greeting, challenge, registration; then requests of all kinds, answers and a push."""
    identity, admin = PROJECT.server(), PROJECT.admin()
    here, there = ClientPeer(admin, NOW, limits=LIMITS), ServerPeer(identity, NOW, LIMITS)
    servers, clients = [_copied(there, identity)], [_copied(here, admin)]
    sent: list[Frame] = []
    answered: list[Frame] = []

    def carry() -> list[Any]:
        found: list[Any] = []
        for wire in here.frames_to_send():
            sent.append(_read(wire))
            found += there.receive(sent[-1], NOW)
        for wire in there.frames_to_send():
            answered.append(_read(wire))
            here.receive(answered[-1], NOW)
        return found

    for _ in range(3):
        carry()
        servers.append(_copied(there, identity))
        clients.append(_copied(here, admin, here._server))
    piece = upload.UploadSender(USER, "{}", 3, upload.UploadPrefix.R27).piece(b"abc")
    wanted = download.FileDownload("ref", confirms=True).request()
    contents = [("hci_channel", "command", "{}"), ("aux_communication", upload.TOPIC, piece), ("c", "t", wanted)]
    asked = tuple(here.request(channel, topic, content, NOW) for channel, topic, content in contents)
    clients[-1] = _copied(here, admin, here._server)
    clients[-1].frames_to_send()
    here.tell("hci_channel", "command", None, NOW)
    here.ping()
    for event in carry():
        if isinstance(event, server.RequestReceived):
            there.reply(event, {"a": [1]}, NOW, ReturnCode.OK)
    there.push("hci_channel", "SESSION_EXPIRED", "idle", NOW)
    there.ping()
    here.say_bye(NOW)
    carry()
    carry()
    return World(identity, admin, tuple(servers), tuple(clients), tuple(sent), tuple(answered), asked)


# --- what comes next ------------------------------------------------------------------------------------------------


class Liar:
    """Makes frames of genuine ones.

    Args:
        choices: decides.
        frames: genuine frames of the side that is played.
        addresses: of the side that is played.
        proofs: credentials that this side has seen.
    """

    def __init__(self, choices: Choices, frames: tuple[Frame, ...], addresses: Addresses, proofs: list[dict[str, Any]]):
        self._choices = choices
        self._frames = frames
        self._addresses = addresses
        self._proofs = proofs

    def next(self) -> Frame | BadFrame:
        """The next frame."""
        choices = self._choices
        kind = choices.below(8)
        if kind == 6 and choices.below(4) == 1:
            return self._moved_border(self._frames[choices.below(len(self._frames))])
        if kind == 6:
            return Frame(FrameType(1 + choices.below(7)), {}, choices.block(choices.below(32)))
        if kind == 7:
            return self._piece()
        frame = self._frames[choices.below(len(self._frames))]
        if kind < 2:
            return frame
        if kind == 2:
            return self._bytes_changed(frame)
        if kind == 3:
            return dataclasses.replace(frame, payload=self._payload_changed(frame.payload))
        headers = dict(frame.headers)
        for _ in range(1 + choices.below(3)):
            if headers:
                name = sorted(headers)[choices.below(len(headers))]
                headers[name] = self._value(headers[name])
        return dataclasses.replace(frame, headers=headers)

    def _value(self, value: Any) -> Any:
        choices = self._choices
        kind = choices.below(4)
        if kind == 0 and isinstance(value, str):
            return value + chr(choices.byte())
        if kind == 1 and isinstance(value, int):
            return value + choices.below(3) - 1
        if kind == 2 and isinstance(value, str):
            return value[:64] * (1 + choices.below(1 << 11))
        return _ODD[choices.below(len(_ODD))]

    def _bytes_changed(self, frame: Frame) -> Frame | BadFrame:
        wire = bytearray(FrameEncoder().data(frame.headers, frame.payload))
        for _ in range(1 + self._choices.below(3)):
            at = 4 + self._choices.below(1 << 16) % (len(wire) - 4)
            wire[at] = self._choices.byte()
        return decode_frame(bytes(wire), LIMITS)

    def _payload_changed(self, payload: bytes) -> bytes:
        at = self._choices.below(1 << 16) % (len(payload) + 1)
        kind = self._choices.below(3)
        if kind == 0:
            return payload[:at]
        block = self._choices.block(self._choices.below(16))
        return payload[:at] + block + payload[at + (len(block) if kind == 1 else 0) :]

    def _moved_border(self, frame: Frame) -> Frame:
        """The signature of credentials is over name and token without anything between them."""
        name, token = (str(frame.headers.get(header, "")) for header in ("client_name", "__token__"))
        at = self._choices.below(1 + len(name + token))
        moved = {"client_name": (name + token)[:at], "__token__": (name + token)[at:]}
        return dataclasses.replace(frame, headers={**frame.headers, **moved})

    def _piece(self) -> Frame:
        """A piece of a stream that nobody sent, or what is said about one, with credentials that are genuine."""
        choices = self._choices
        headers = {
            **self._proofs[choices.below(len(self._proofs))],
            "sm__id": choices.below(8),
            "sm__dt": (2, 1, 6, 3)[choices.below(4)],
            "sm__sq": choices.below(4),
            "sm__os": choices.byte(),
            "sm__ch": ("hci_channel", "return_only")[choices.below(2)],
            "sm__tp": "command",
            "sm__pe": ("fobs", "bytes")[choices.below(2)],
            "sm__ri": ("r", "", 5, *world().asked)[choices.below(6)],
        }
        contents = (fobs.encode({"x": 1}), fobs.encode("text"), pack(None), b"")
        payload = contents[choices.below(4)] if choices.below(2) else choices.block(choices.below(64))
        topic = (Topic.STREAM_DATA, Topic.STREAM_ACK, Topic.STREAM_ERROR, Topic.CHALLENGE)[choices.below(8) % 4]
        message = self._addresses.one_way(topic, NOW, headers, payload, Encoding.BYTES)
        return Frame(FrameType.DATA, message.headers, message.payload)


def _check_sent(wires: list[bytes], origin: str, destination: str | None) -> None:
    for wire in wires:
        frame = decode_frame(wire)
        if not isinstance(frame, Frame):
            raise AssertionError(f"what is sent can be read: {frame.reason}")
        if frame.type is FrameType.DATA:
            message = read_message(frame.headers, frame.payload)
            require(message.origin == origin, "what is sent says who sent it", message.headers)
            require(message.headers["cn__destination"] == destination, "and to whom", message.headers)


def _proofs(frames: tuple[Frame, ...]) -> list[dict[str, Any]]:
    names = ("client_name", "__token__", "__token_signature__", "ssid")
    found = [{name: frame.headers[name] for name in names if name in frame.headers} for frame in frames]
    unique = {str(proof.get("__token__")): proof for proof in found}
    return [unique[token] for token in sorted(unique, key=len)]


# --- the server -----------------------------------------------------------------------------------------------------


def _server_peer(data: bytes) -> None:
    choices, around = Choices(data), world()
    stage = choices.below(_STAGES)
    peer, now = around.server(stage), NOW
    liar = Liar(
        choices,
        around.from_client,
        Addresses(around.clients[0].name, "server"),
        # A client sees the credentials of the server, too.
        [*_proofs(around.from_client), *_proofs(around.from_server)],
    )
    while choices:
        what = choices.below(16)
        if what == 0:
            now += choices.byte()
            peer.stalled(now)
            continue
        if what == 1 and peer.endpoint_name is not None:
            peer.push("hci_channel", "SESSION_EXPIRED", "idle", now)
        greeted = peer.endpoint_name is not None
        try:
            events = peer.receive(liar.next(), now)
        except RemoteProtocolError:
            require(not greeted, "only a broken greeting ends the connection")
            return
        for event in events:
            _check_server_event(peer, event, now)
        wires = [wire for turn in iter(peer.frames_to_send, []) for wire in turn]
        require(len(wires) <= 4, "a frame is answered with few", len(wires))
        _check_sent(wires, "server", peer.endpoint_name)
        require(peer._receiver.open <= LIMITS.streams, "the number of open streams is bounded", peer._receiver.open)


def _check_server_event(peer: ServerPeer, event: server.ServerPeerEvent, now: float) -> None:
    if isinstance(event, server.Dropped):
        require(event.reason, "what is dropped has a reason")
    elif isinstance(event, (server.ClientRegistered, server.RequestReceived)):
        require(event.user == USER, "only who has a certificate of the project is heard", event)
    if isinstance(event, server.RequestReceived):
        try:
            peer.reply(event, {"taken": True}, now, ReturnCode.OK)
        except LocalProtocolError:
            # What the peer made up does not fit into the headers of an answer: the owner ends the connection.
            size = len(pack(dict(event.headers)))
            require(size > 1 << 14, "every request of an ordinary size can be answered", event, size)


# --- the client -----------------------------------------------------------------------------------------------------


def _client_peer(data: bytes) -> None:
    choices, around = Choices(data), world()
    stage = choices.below(_STAGES)
    peer, now = around.client(stage), NOW
    waiting = set(around.asked) if stage == _STAGES - 1 else set()
    liar = Liar(choices, around.from_server, Addresses("server", peer.name), _proofs(around.from_server))
    admitted = 0
    while choices:
        what = choices.below(16)
        if what == 0:
            now += choices.byte()
            peer.stalled(now)
            continue
        if what == 1 and peer.registered:
            waiting.add(peer.request("hci_channel", "command", "x", now))
        greeting = peer._state is client._State.GREETING
        try:
            events = peer.receive(liar.next(), now)
        except RemoteProtocolError:
            require(greeting, "only a broken greeting ends the connection")
            return
        for event in events:
            admitted += isinstance(event, (client.Registered, client.RegistrationRefused))
            if isinstance(event, (client.AnswerReceived, client.RequestFailed)):
                require(event.request_id in waiting, "a request has one answer", event)
                waiting.discard(event.request_id)
        require(admitted <= 1, "a registration has one end", events)
        _check_sent(peer.frames_to_send(), peer.name, "server")
        require(peer._receiver.open <= LIMITS.streams, "the number of open streams is bounded", peer._receiver.open)


def _conversations(frames: int) -> Iterator[bytes]:
    """The genuine conversation from each stage on, and lies of each kind at each stage."""
    for stage in range(_STAGES):
        yield bytes([stage]) + b"".join(bytes([2, 0, number]) for number in range(stage, frames))
        yield bytes([stage]) + b"".join(bytes([2, 0, number]) for number in reversed(range(frames)))
        yield bytes([stage]) + b"".join(bytes([2, 6, 1, number, 9]) for number in range(frames))
        for kind in range(2, 7):
            yield bytes([stage]) + b"".join(bytes([2, kind, number, 1, number, 7, 3, 9]) for number in range(frames))
        for proof in range(4):
            piece = bytes([2, 7, proof, 3, 0, 0, 0, 0, 0, 3, 1, 0, 0])
            yield bytes([stage]) + piece + piece
            yield bytes([stage]) + b"".join(bytes([2, 7, proof, n, 1, n, 9, 1, 0, 4, 1, 1, 0]) for n in range(6))


def _server_stories() -> Iterator[bytes]:
    yield from _conversations(len(world().from_client))


def _client_stories() -> Iterator[bytes]:
    yield from _conversations(len(world().from_server))


TARGETS = [
    Target(
        "server_peer",
        "only a broken greeting is an exception; only who is proven is heard; what is sent can be read",
        _server_peer,
        _server_stories,
    ),
    Target(
        "client_peer",
        "only a broken greeting is an exception; a request has one answer; what is sent can be read",
        _client_peer,
        _client_stories,
    ),
]
