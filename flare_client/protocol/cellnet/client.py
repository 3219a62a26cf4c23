"""The admin's side of one CellNet connection, as a state machine: frames in, events and frames out.

The order of things: ``HELLO`` and ``READY``, challenge, registration; from then on requests and their answers, each a
stream, and whatever the server says on its own. Owns that order, and what is still unanswered. Must not know sockets,
clocks or commands; time is handed in.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import enum
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
    MessageType,
    ReturnCode,
    Topic,
    read_message,
)
from flare_client.protocol.cellnet.proof import NotProven, Signer
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameEncoder, FrameType, read_greeting
from flare_client.protocol.cellnet.stream_receiver import StreamReceiver
from flare_client.protocol.cellnet.stream_sender import StreamSender
from flare_client.protocol.cellnet.streams import Piece, StreamFailed, StreamReceived
from flare_client.protocol.cellnet.tokens import Credentials, CredentialsCheck
from flare_client.protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits


@dataclasses.dataclass(frozen=True)
class AdminIdentity:
    """Who connects, and whom to expect.

    Attributes:
        user: the user's name.
        project: the project's name, which the server compares.
        server_identity: the name in the server's certificate.
        ca_pem: the project's CA.
        certificate_pem: the user's certificate.
        signer: signs with the user's key.
        address: where the client is; informational.
    """

    user: str
    project: str
    server_identity: str
    ca_pem: bytes
    certificate_pem: bytes
    signer: Signer
    address: str = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Registered:
    """The server knows the cell now: requests may be sent."""


@dataclasses.dataclass(frozen=True)
class RegistrationRefused:
    """The server will not have this client, or is not the one that the kit names.

    Attributes:
        reason: in the server's words where it has some.
        by_server: whether the server refused; otherwise this side did.
        not_ready: whether trying again later may help.
    """

    reason: str
    by_server: bool
    not_ready: bool = False


@dataclasses.dataclass(frozen=True)
class AnswerReceived:
    """The answer to a request.

    Attributes:
        request_id: which request.
        code: the return code where the answer has one; those to commands have none.
        content: the decoded payload.
    """

    request_id: str
    code: str | None
    content: Any


@dataclasses.dataclass(frozen=True)
class RequestFailed:
    """A request will never be answered.

    Attributes:
        request_id: which request.
        reason: what was expected and what came.
    """

    request_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Pushed:
    """The server says something on its own.

    Attributes:
        channel: what it is about, with ``topic``.
        topic: ``SESSION_EXPIRED`` is the one that admins get.
        content: the decoded payload.
    """

    channel: str
    topic: str
    content: Any


@dataclasses.dataclass(frozen=True)
class ServerLeft:
    """The server says goodbye: it stops, or it answers this side's goodbye."""


@dataclasses.dataclass(frozen=True)
class Dropped:
    """Something came that makes no sense, or that nobody proved; it is for the log.

    Attributes:
        reason: what was expected and what came.
    """

    reason: str


ClientPeerEvent = Registered | RegistrationRefused | AnswerReceived | RequestFailed | Pushed | ServerLeft | Dropped


class _State(enum.Enum):
    GREETING = "greeting"
    CHALLENGE = "challenge"
    REGISTRATION = "registration"
    REGISTERED = "registered"
    REFUSED = "refused"


class ClientPeer:
    """The admin's side of a connection.

    Frames to send pile up inside; whoever owns the connection takes them with ``frames_to_send`` after each call.

    Args:
        identity: who connects.
        now: seconds since the epoch; the first stream's id is made of it.
        name: the cell's, where it connects again; a new one otherwise.
        limits: how much the server may send.
    """

    def __init__(
        self, identity: AdminIdentity, now: float, *, name: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.name = name or ADMIN_CELL_PREFIX + str(uuid.uuid4())
        self._identity = identity
        self._addresses = Addresses(self.name, SERVER_CELL)
        self._encoder = FrameEncoder()
        self._receiver = StreamReceiver(limits, always_acknowledges=False)
        self._sender = StreamSender(int(now * 1_000_000))
        self._limits = limits
        self._state = _State.GREETING
        self._nonce = str(uuid.uuid4())
        self._raw_request = ""
        self._server: auth.ProvenServer | None = None
        self._check: CredentialsCheck | None = None
        self._credentials: Credentials | None = None
        self._unanswered: set[str] = set()
        self._outgoing: list[Content] = [self._encoder.greeting(FrameType.HELLO, self.name, now)]

    @property
    def registered(self) -> bool:
        """Whether requests may be sent."""
        return self._state is _State.REGISTERED

    def frames_to_send(self) -> list[Content]:
        """Take the frames that are to go out, in order."""
        frames, self._outgoing = self._outgoing, []
        return frames

    # --- requests -------------------------------------------------------------------------------------------------

    def request(
        self, channel: str, topic: str, content: Any, now: float, headers: Mapping[str, Any] | None = None
    ) -> str:
        """Send a request, and return the id that its answer will name.

        Args:
            channel: the application's channel.
            topic: the application's topic.
            content: what FOBS can encode.
            now: seconds since the epoch.
            headers: the application's own.

        Raises:
            LocalProtocolError: this side is not registered, or the content cannot be encoded.
        """
        self._require_registered()
        request_id = str(uuid.uuid4())
        payload = fobs.encode_apart(content)
        self._pieces(self._sender.send(channel, topic, payload, now, request_id=request_id, headers=headers), now)
        self._unanswered.add(request_id)
        return request_id

    def tell(self, channel: str, topic: str, content: Any, now: float) -> None:
        """Send what nobody answers; see ``request``."""
        self._require_registered()
        self._pieces(self._sender.send(channel, topic, fobs.encode(content), now, optional=True), now)

    def forget(self, request_id: str) -> None:
        """Wait no longer for an answer; one that still comes is dropped."""
        self._unanswered.discard(request_id)

    def say_bye(self, now: float) -> None:
        """Tell the server that the cell goes away."""
        message = self._addresses.raw_request(Channel.CELLNET.value, Topic.BYE.value, now, self._proof())
        self._raw_request = message.request_id
        self._send(message)

    def ping(self) -> None:
        """Send a sign of life."""
        self._outgoing.append(self._encoder.ping())

    # --- what comes in ----------------------------------------------------------------------------------------------

    def receive(self, frame: Frame | BadFrame, now: float) -> list[ClientPeerEvent]:
        """Take a frame.

        Args:
            frame: as a ``FrameReader`` or ``decode_frame`` read it.
            now: seconds since the epoch.

        Raises:
            RemoteProtocolError: the server breaks the order of the greeting; nothing more can be expected of it.
        """
        if isinstance(frame, BadFrame):
            return [Dropped(frame.reason)]
        if frame.type is FrameType.PING:
            self._outgoing.append(self._encoder.pong())
            return []
        if frame.type is FrameType.PONG:
            return []
        if self._state is _State.GREETING:
            return self._greeted(frame, now)
        if frame.type is not FrameType.DATA:
            return [Dropped(f"expected DATA after the greeting, but got {frame.type.name}")]
        try:
            return self._message(read_message(frame.headers, frame.payload), now)
        except ProtocolError as problem:
            return [Dropped(problem.reason)]

    def stalled(self, now: float) -> list[ClientPeerEvent]:
        """Give up the requests whose pieces the server does not take."""
        return [self._failed(one) for one in self._sender.stalled(now)]

    def _greeted(self, frame: Frame, now: float) -> list[ClientPeerEvent]:
        if frame.type is not FrameType.READY:
            raise RemoteProtocolError(f"expected READY from the server, but got {frame.type.name}")
        read_greeting(frame)
        self._state = _State.CHALLENGE
        headers = auth.challenge_headers(self._identity.user, self._nonce)
        message = self._addresses.raw_request(Channel.TASK.value, Topic.CHALLENGE.value, now, headers)
        self._raw_request = message.request_id
        self._send(message)
        return []

    def _message(self, message: CellMessage, now: float) -> list[ClientPeerEvent]:
        if message.type == MessageType.REPLY:
            return self._raw_reply(message, now)
        if self._check is None:
            raise RemoteProtocolError("expected the answer to the challenge first, but got another message")
        try:
            self._check.check(message.headers)
        except NotProven as problem:
            raise RemoteProtocolError(f"dropped a message of {message.origin!r}: {problem}") from problem
        if message.channel == Channel.CELLNET and message.topic == Topic.BYE:
            return [ServerLeft()]
        if message.channel != Channel.STREAM:
            raise RemoteProtocolError(f"expected a stream, but got {message.channel!r}, {message.topic!r}")
        if message.topic == Topic.STREAM_DATA:
            return self._stream(message, now)
        answer = self._sender.receive_ack(message.headers, now)
        if isinstance(answer, StreamFailed):
            return [self._failed(answer)]
        self._pieces(answer, now)
        return []

    def _raw_reply(self, message: CellMessage, now: float) -> list[ClientPeerEvent]:
        if not self._raw_request or message.request_id != self._raw_request:
            raise RemoteProtocolError(
                f"expected the reply to {self._raw_request!r}, but got {message.request_id!r:.60}"
            )
        self._raw_request = ""
        if self._state is _State.REGISTERED:
            return [ServerLeft()]  # the answer to the goodbye
        code = message.return_code
        if code != ReturnCode.OK.value:
            not_ready = code in (ReturnCode.COMM_ERROR.value, ReturnCode.TARGET_UNREACHABLE.value)
            return self._refused(message.error or f"the server answers {code}", by_server=True, not_ready=not_ready)
        try:
            content = fobs.decode(message.payload, self._limits)
            if self._state is _State.CHALLENGE:
                return self._register(content, now)
            return self._admit(content)
        except NotProven as problem:
            return self._refused(str(problem), by_server=self._state is _State.REGISTRATION)
        except RemoteProtocolError as problem:
            return self._refused(problem.reason, by_server=False)

    def _register(self, content: Any, now: float) -> list[ClientPeerEvent]:
        own = self._identity
        self._server = auth.check_challenge_reply(content, own.server_identity, own.ca_pem, self._nonce)
        self._check = CredentialsCheck(self._server.verifier)
        self._state = _State.REGISTRATION
        message = self._addresses.raw_request(
            Channel.TASK.value,
            Topic.REGISTER.value,
            now,
            auth.register_headers(own.user, own.project, own.address),
            fobs.encode(auth.register_request(own.signer, own.certificate_pem, own.user, self._server.nonce)),
            Encoding.FOBS,
        )
        self._raw_request = message.request_id
        self._send(message)
        return []

    def _admit(self, content: Any) -> list[ClientPeerEvent]:
        if self._server is None:
            raise RemoteProtocolError("expected the answer to the challenge first")
        self._credentials = auth.check_register_reply(content, self._identity.user, self._server.verifier)
        self._state = _State.REGISTERED
        return [Registered()]

    def _refused(self, reason: str, *, by_server: bool, not_ready: bool = False) -> list[ClientPeerEvent]:
        self._state = _State.REFUSED
        return [RegistrationRefused(reason, by_server, not_ready)]

    def _stream(self, message: CellMessage, now: float) -> list[ClientPeerEvent]:
        events: list[ClientPeerEvent] = []
        for event in self._receiver.receive(message, now):
            if isinstance(event, Piece):
                self._pieces([event], now)
            elif isinstance(event, StreamFailed):
                events.append(self._failed(event))
            else:
                events.append(self._whole(event))
        return events

    def _whole(self, stream: StreamReceived) -> ClientPeerEvent:
        try:
            content = fobs.decode(stream.payload, self._limits) if stream.encoding == Encoding.FOBS else None
        except RemoteProtocolError as problem:
            return self._failed(StreamFailed(stream.request_id, problem.reason))
        if not stream.is_reply:
            return Pushed(stream.channel, stream.topic, content)
        if stream.request_id not in self._unanswered:
            return Dropped("expected the answer to a request that waits, but none does")
        self._unanswered.discard(stream.request_id)
        code = stream.headers.get("cn__return_code")
        return AnswerReceived(stream.request_id, str(code) if code is not None else None, content)

    def _failed(self, stream: StreamFailed) -> ClientPeerEvent:
        if stream.request_id not in self._unanswered:
            return Dropped(stream.reason)
        self._unanswered.discard(stream.request_id)
        return RequestFailed(stream.request_id, stream.reason)

    # --- what goes out ----------------------------------------------------------------------------------------------

    def _require_registered(self) -> None:
        if self._state is not _State.REGISTERED:
            raise LocalProtocolError(f"expected to be registered, but the connection is at its {self._state.value}")

    def _proof(self) -> dict[str, Any]:
        return self._credentials.headers() if self._credentials is not None else {}

    def _pieces(self, pieces: list[Piece], now: float) -> None:
        proof = self._proof()
        for piece in pieces:
            encoding = Encoding.BYTES if piece.topic is Topic.STREAM_DATA else Encoding.NONE
            self._send(self._addresses.one_way(piece.topic, now, piece.headers, piece.payload, encoding, proof=proof))

    def _send(self, message: CellMessage) -> None:
        self._outgoing.append(self._encoder.data_apart(message.headers, message.payload))
