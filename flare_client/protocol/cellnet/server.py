"""The server's side of one CellNet connection, as a state machine: frames in, events and frames out.

Owns the greeting, challenge and registration, the proof of every message, and streams in both directions. Must not
know what commands mean, nor sockets or clocks; time is handed in. What a peer breaks is dropped with a reason for the
log, as official servers do; only a broken greeting ends the connection.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet import auth, fobs
from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.cell import (
    ADMIN_CELL_PREFIX,
    SERVER_CELL,
    Addresses,
    CellMessage,
    Channel,
    Encoding,
    Header,
    MessageType,
    ReturnCode,
    Topic,
    read_message,
)
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameEncoder, FrameType, read_greeting
from flare_client.protocol.cellnet.stream_receiver import StreamReceiver
from flare_client.protocol.cellnet.stream_sender import StreamSender
from flare_client.protocol.cellnet.streams import CHUNK_SIZE, Piece, StreamFailed, StreamReceived
from flare_client.protocol.cellnet.tokens import AuthHeader, Credentials, CredentialsCheck, server_credentials
from flare_client.protocol.errors import ProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

CHALLENGE_SECONDS = 60.0
"""How long a client may take from the challenge to the registration."""

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ADMIN_NAME = re.compile(re.escape(ADMIN_CELL_PREFIX) + _UUID)
_TOKEN = re.compile(_UUID)


class ServerIdentity:
    """What every connection of one server shares.

    Args:
        project: the project's name, which clients must name.
        ca_pem: the project's CA.
        certificate_pem: the server's certificate.
        private_key_pem: its key.
        ssid: what registered cells are given; ``None`` for a new UUID, as 2.7 does.
        versions: what 2.9 adds to the answer to a registration.

    Raises:
        NotProven: the certificate cannot be read.
        ValueError: the key cannot be read.
    """

    def __init__(
        self,
        project: str,
        ca_pem: bytes,
        certificate_pem: bytes,
        private_key_pem: bytes,
        *,
        ssid: str | None,
        versions: Mapping[str, Any] | None = None,
    ) -> None:
        self.project = project
        self.ca_pem = ca_pem
        self.certificate_pem = certificate_pem
        self.signer = Signer(private_key_pem)
        self.token_signer = self.signer
        """Signs the tokens of registrations; another one makes a server that contradicts itself."""
        self.verifier = Verifier(certificate_pem)
        self.token_verifier = self.verifier
        """Checks them when they come back."""
        self.ssid = ssid if ssid is not None else str(uuid.uuid4())
        self.versions = dict(versions or {})
        self.credentials: Credentials = server_credentials(self.signer)


@dataclasses.dataclass(frozen=True)
class Greeted:
    """A client said who it is; one of that name on another connection is to be cut off.

    Attributes:
        endpoint_name: the name of its cell.
    """

    endpoint_name: str


@dataclasses.dataclass(frozen=True)
class ClientRegistered:
    """A client proved its certificate.

    Attributes:
        user: the common name in it.
    """

    user: str


@dataclasses.dataclass(frozen=True)
class RequestReceived:
    """A request is whole.

    Attributes:
        user: who sent it; proven.
        channel: the application's channel.
        topic: the application's topic.
        request_id: what the answer must name; empty where none is expected.
        headers: the application's, among others.
        content: the decoded payload.
    """

    user: str
    channel: str
    topic: str
    request_id: str
    headers: Mapping[str, Any]
    content: Any


@dataclasses.dataclass(frozen=True)
class ClientLeft:
    """The client said goodbye."""


@dataclasses.dataclass(frozen=True)
class Dropped:
    """Something was dropped; it is for the log.

    Attributes:
        reason: what was expected and what came.
    """

    reason: str


ServerPeerEvent = Greeted | ClientRegistered | RequestReceived | ClientLeft | Dropped


class ServerPeer:
    """The server's side of a connection.

    Frames to send pile up inside; whoever owns the connection takes them with ``frames_to_send`` after each call.

    Args:
        identity: of the server.
        now: seconds since the epoch; the first stream's id is made of it.
        limits: how much the client may send.
    """

    def __init__(self, identity: ServerIdentity, now: float, limits: Limits = DEFAULT_LIMITS) -> None:
        self._identity = identity
        self._limits = limits
        self._encoder = FrameEncoder()
        self._receiver = StreamReceiver(limits)
        self._sender = StreamSender(int(now * 1_000_000))
        self._addresses: Addresses | None = None
        self._check = CredentialsCheck(identity.token_verifier)
        self._proof = identity.credentials.headers()
        self._challenged: tuple[str, float] | None = None
        self._outgoing: list[Content] = []
        self._unacknowledged: list[tuple[Piece, float]] = []
        self.acknowledges = True
        """Whether the client is told what arrived of its streams."""

    @property
    def endpoint_name(self) -> str | None:
        """The name of the client's cell, once it greeted."""
        return self._addresses.peer if self._addresses is not None else None

    def frames_to_send(self) -> list[Content]:
        """Take the frames that are to go out, in order.

        Acknowledgements come after the answers: clients wait for these, and for no acknowledgement of a short request.
        """
        if self._unacknowledged:
            acknowledgements, self._unacknowledged = self._unacknowledged, []
            for piece, now in acknowledgements:
                self._pieces([piece], now)
        frames, self._outgoing = self._outgoing, []
        return frames

    # --- what goes out ----------------------------------------------------------------------------------------------

    def reply(
        self,
        request: RequestReceived,
        content: Any,
        now: float,
        code: ReturnCode | None = None,
        error: str = "",
        *,
        pieces: int = 1,
    ) -> None:
        """Answer a request.

        Args:
            request: which one; nothing is sent where it expects no answer.
            content: what FOBS can encode.
            now: seconds since the epoch.
            code: the return code; answers to commands have none.
            error: what went wrong, beside a code that is not ``ok``.
            pieces: how many pieces the stream has, at least.

        Raises:
            LocalProtocolError: the content cannot be encoded.
        """
        if not request.request_id:
            return
        headers: dict[str, Any] = {Header.REQUEST_ID: ""}
        if code is not None:
            headers[Header.RETURN_CODE] = code.value
        if error:
            headers[Header.ERROR] = error
        payload = fobs.encode_apart(content) if content is not None else b""
        encoding = Encoding.FOBS if content is not None else Encoding.NONE
        topic = f"{request.channel}:{request.topic}"
        chunk_size = CHUNK_SIZE if pieces == 1 else min(CHUNK_SIZE, max(1, -(-len(payload) // pieces)))
        self._stream_out(
            Channel.RETURN_ONLY.value, topic, payload, now, request.request_id, headers, encoding, chunk_size
        )

    def push(self, channel: str, topic: str, content: Any, now: float) -> None:
        """Say something that nobody asked for; see ``reply``."""
        self._stream_out(channel, topic, fobs.encode(content), now, "", {}, Encoding.FOBS)

    def ping(self) -> None:
        """Send a sign of life."""
        self._outgoing.append(self._encoder.ping())

    # --- what comes in ----------------------------------------------------------------------------------------------

    def receive(self, frame: Frame | BadFrame, now: float) -> list[ServerPeerEvent]:
        """Take a frame.

        Args:
            frame: as a ``FrameReader`` or ``decode_frame`` read it.
            now: seconds since the epoch.

        Raises:
            RemoteProtocolError: the greeting is broken; the connection is to be closed.
        """
        if isinstance(frame, BadFrame):
            return [Dropped(frame.reason)]
        if frame.type is FrameType.PING:
            self._outgoing.append(self._encoder.pong())
            return []
        if frame.type is FrameType.PONG:
            return []
        if self._addresses is None:
            return self._greet(frame, now)
        if frame.type is not FrameType.DATA:
            return [Dropped(f"expected DATA after the greeting, but got {frame.type.name}")]
        try:
            return self._message(self._addresses, read_message(frame.headers, frame.payload), now)
        except NotProven as problem:
            return [Dropped(f"a message of {self._addresses.peer} proves nothing: {problem}")]
        except ProtocolError as problem:
            return [Dropped(problem.reason)]

    def stalled(self, now: float) -> list[ServerPeerEvent]:
        """Give up the answers that the client does not take."""
        return [Dropped(one.reason) for one in self._sender.stalled(now)]

    def _greet(self, frame: Frame, now: float) -> list[ServerPeerEvent]:
        if frame.type is not FrameType.HELLO:
            raise RemoteProtocolError(f"expected HELLO first, but got {frame.type.name}")
        name = read_greeting(frame).endpoint_name
        if not _ADMIN_NAME.fullmatch(name):
            raise RemoteProtocolError(f"expected the name of an admin's cell, but got {name!r:.80}")
        self._addresses = Addresses(SERVER_CELL, name)
        self._outgoing.append(self._encoder.greeting(FrameType.READY, SERVER_CELL, now))
        return [Greeted(name)]

    def _message(self, addresses: Addresses, message: CellMessage, now: float) -> list[ServerPeerEvent]:
        if message.origin != addresses.peer:
            raise RemoteProtocolError(f"expected a message of {addresses.peer}, but it names {message.origin!r:.80}")
        if message.type != MessageType.REQUEST:
            raise RemoteProtocolError(f"expected a request, but got a message of type {message.type}")
        if message.channel == Channel.TASK:
            return self._task(addresses, message, now)
        if message.channel == Channel.CELLNET and message.topic == Topic.BYE:
            self._answer(addresses, message, now)
            return [ClientLeft()]
        user = self._check.check(message.headers)
        if not _TOKEN.fullmatch(str(message.headers[AuthHeader.TOKEN])):
            # The server's own credentials are on every message that it sends, and the signature is over name and token
            # as one text: without its form a token could begin anywhere in the name of its user.
            raise NotProven("expected a client's token, which is a UUID, but got another")
        if message.channel == Channel.STREAM:
            return self._stream_in(user, message, now)
        self._answer(addresses, message, now, ReturnCode.PROCESS_EXCEPTION, "no callback")
        return [Dropped(f"nobody handles {message.channel!r:.60}, {message.topic!r:.60}")]

    # --- who it is --------------------------------------------------------------------------------------------------

    def _task(self, addresses: Addresses, message: CellMessage, now: float) -> list[ServerPeerEvent]:
        if message.topic == Topic.CHALLENGE.value:
            return self._challenge(addresses, message, now)
        if message.topic == Topic.REGISTER.value:
            return self._register(addresses, message, now)
        self._answer(addresses, message, now, ReturnCode.PROCESS_EXCEPTION, "no callback")
        return [Dropped(f"nobody handles the task {message.topic!r:.60}")]

    def _challenge(self, addresses: Addresses, message: CellMessage, now: float) -> list[ServerPeerEvent]:
        own, client_nonce = self._identity, message.text(auth.RegistrationHeader.NONCE)
        if client_nonce is None:
            self._answer(addresses, message, now, ReturnCode.INVALID_REQUEST, "expected a nonce")
            return [Dropped("expected a nonce in the challenge, but there is none")]
        nonce = str(uuid.uuid4())
        self._challenged = (nonce, now)
        reply = auth.challenge_reply(own.signer, own.certificate_pem, own.verifier.common_name, client_nonce, nonce)
        self._answer(addresses, message, now, content=reply)
        return []

    def _register(self, addresses: Addresses, message: CellMessage, now: float) -> list[ServerPeerEvent]:
        # Whatever comes of it, a challenge serves one registration.
        challenged, self._challenged = self._challenged, None
        if message.text(auth.RegistrationHeader.PROJECT) != self._identity.project:
            error = "Requested task does not match the current server task"
            self._answer(addresses, message, now, ReturnCode.UNAUTHENTICATED, error)
            return [Dropped(f"registration of another project: {error}")]
        if challenged is None or now - challenged[1] > CHALLENGE_SECONDS:
            self._answer(addresses, message, now, ReturnCode.UNAUTHENTICATED, "no registration session")
            return [Dropped("registration without a challenge, or too late after it")]
        user = message.text(AuthHeader.CLIENT_NAME) or ""
        try:
            content = fobs.decode(message.payload, self._limits)
            auth.check_register_request(content, user, self._identity.ca_pem, challenged[0])
        except (NotProven, RemoteProtocolError) as problem:
            # The official refusal: all is well, and there is nothing in it.
            self._answer(addresses, message, now, content={})
            return [Dropped(f"registration of {user!r:.80} refused: {problem}")]
        own = self._identity
        reply = auth.register_reply(own.token_signer, user, str(uuid.uuid4()), own.ssid, own.versions)
        self._answer(addresses, message, now, content=reply)
        return [ClientRegistered(user)]

    def _answer(
        self,
        addresses: Addresses,
        message: CellMessage,
        now: float,
        code: ReturnCode = ReturnCode.OK,
        error: str = "",
        content: Any = None,
    ) -> None:
        if not message.expects_reply:
            return
        payload, encoding = (b"", Encoding.NONE) if content is None else (fobs.encode(content), Encoding.FOBS)
        self._send(addresses.raw_reply(message, now, self._proof, code, error, payload, encoding))

    # --- streams ----------------------------------------------------------------------------------------------------

    def _stream_in(self, user: str, message: CellMessage, now: float) -> list[ServerPeerEvent]:
        if message.topic != Topic.STREAM_DATA:
            taken = self._sender.receive_ack(message.headers, now)
            if isinstance(taken, StreamFailed):
                return [Dropped(taken.reason)]
            self._pieces(taken, now)
            return []
        events: list[ServerPeerEvent] = []
        for event in self._receiver.receive(message, now):
            if isinstance(event, Piece):
                if self.acknowledges:
                    self._unacknowledged.append((event, now))
            elif isinstance(event, StreamFailed):
                events.append(Dropped(event.reason))
            else:
                events.append(self._whole(user, event))
        return events

    def _whole(self, user: str, stream: StreamReceived) -> ServerPeerEvent:
        content = fobs.decode(stream.payload, self._limits) if stream.encoding == Encoding.FOBS else None
        return RequestReceived(user, stream.channel, stream.topic, stream.request_id, stream.headers, content)

    def _stream_out(
        self,
        channel: str,
        topic: str,
        payload: Content,
        now: float,
        request_id: str,
        headers: Mapping[str, Any],
        encoding: Encoding,
        chunk_size: int = CHUNK_SIZE,
    ) -> None:
        pieces = self._sender.send(
            channel,
            topic,
            payload,
            now,
            request_id=request_id,
            encoding=encoding,
            optional=True,
            headers=headers,
            chunk_size=chunk_size,
        )
        self._pieces(pieces, now)

    def _pieces(self, pieces: list[Piece], now: float) -> None:
        if self._addresses is None:
            raise AssertionError("nothing is sent before the greeting")
        for piece in pieces:
            encoding = Encoding.BYTES if piece.topic is Topic.STREAM_DATA else Encoding.NONE
            message = self._addresses.one_way(
                piece.topic, now, piece.headers, piece.payload, encoding, optional=True, proof=self._proof
            )
            self._send(message)

    def _send(self, message: CellMessage) -> None:
        self._outgoing.append(self._encoder.data_apart(message.headers, message.payload))
