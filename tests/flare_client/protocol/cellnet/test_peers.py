"""The two state machines against each other, and each against a peer that breaks the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.cellnet import auth, client, server
from flare_client.protocol.cellnet.cell import Addresses, CellMessage, Encoding, ReturnCode, Topic, read_message
from flare_client.protocol.cellnet.client import AdminIdentity, ClientPeer, RegistrationRefused
from flare_client.protocol.cellnet.fobs import encode
from flare_client.protocol.cellnet.proof import Signer
from flare_client.protocol.cellnet.server import CHALLENGE_SECONDS, RequestReceived, ServerIdentity, ServerPeer
from flare_client.protocol.cellnet.sfm import BadFrame, Frame, FrameEncoder, FrameReader, FrameType, decode_frame
from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from mock_server.pki import Pki

USER = "admin@nvidia.com"
NOW = 1_700_000_000.0


@dataclasses.dataclass
class World:
    """A project with a server and a user, and a stranger's project."""

    pki: Pki
    strangers: Pki
    server: ServerIdentity
    admin: AdminIdentity


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    pki, strangers = Pki("example_project", None), Pki.foreign()
    issued, own = pki.issue_user("server", "nvidia", None), pki.issue_user(USER)
    identity = ServerIdentity("example_project", pki.ca_pem, issued.certificate_pem, issued.key_pem, ssid="NA")
    admin = AdminIdentity(USER, "example_project", "server", pki.ca_pem, own.certificate_pem, Signer(own.key_pem))
    yield World(pki, strangers, identity, admin)
    pki.close()
    strangers.close()


def pump(one: ClientPeer, other: ServerPeer, now: float = NOW) -> tuple[list[Any], list[Any]]:
    """Carry frames between both until nothing moves."""
    ours: list[Any] = []
    theirs: list[Any] = []
    moving = True
    while moving:
        moving = False
        for frame in one.frames_to_send():
            theirs += other.receive(decode_frame(frame), now)
            moving = True
        for frame in other.frames_to_send():
            ours += one.receive(decode_frame(frame), now)
            moving = True
    return ours, theirs


def connected(world: World) -> tuple[ClientPeer, ServerPeer]:
    pair = ClientPeer(world.admin, NOW), ServerPeer(world.server, NOW)
    ours, theirs = pump(*pair)
    assert ours == [client.Registered()]
    assert theirs == [server.Greeted(pair[0].name), server.ClientRegistered(USER)]
    assert pair[0].registered
    assert pair[1].endpoint_name == pair[0].name
    return pair


@pytest.fixture
def pair(world: World) -> tuple[ClientPeer, ServerPeer]:
    return connected(world)


def only(events: list[Any], kind: type) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


@pytest.mark.parametrize("size", [0, 10, 3 * 1024 * 1024, 20 * 1024 * 1024])
def test_requests_and_answers_of_any_size(pair: tuple[ClientPeer, ServerPeer], size: int) -> None:
    one, other = pair
    request_id = one.request("hci_channel", "command", "x" * size, NOW, {"study": "default"})
    request = only(pump(one, other)[1], RequestReceived)
    assert (request.user, request.channel, request.topic, request.content) == (
        USER,
        "hci_channel",
        "command",
        "x" * size,
    )
    assert request.headers["study"] == "default"
    other.reply(request, {"data": bytes(size)}, NOW, ReturnCode.OK)
    assert pump(one, other)[0] == [client.AnswerReceived(request_id, "ok", {"data": bytes(size)})]


def test_answers_find_their_requests_in_any_order(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    ids = [one.request("hci_channel", "command", str(number), NOW) for number in range(5)]
    requests = [event for event in pump(one, other)[1] if isinstance(event, RequestReceived)]
    for request in reversed(requests):
        other.reply(request, request.content, NOW)
    found = [(event.request_id, event.code, event.content) for event in pump(one, other)[0]]
    assert found == [(ids[number], None, str(number)) for number in reversed(range(5))]


def test_a_failure_is_answered_with_its_code(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    request_id = one.request("download_service__", "x", {}, NOW)
    other.reply(only(pump(one, other)[1], RequestReceived), None, NOW, ReturnCode.INVALID_REQUEST, "no such ref")
    assert pump(one, other)[0] == [client.AnswerReceived(request_id, "invalid_request", None)]


def test_what_is_told_is_not_answered(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    one.tell("aux_communication", "ObjectStreamer.Abort", {"a": 1}, NOW)
    told = only(pump(one, other)[1], RequestReceived)
    assert told.request_id == ""
    other.reply(told, {}, NOW)
    assert pump(one, other) == ([], [])


def test_a_push_arrives_and_an_answer_nobody_waits_for_is_dropped(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    other.push("hci_channel", "SESSION_EXPIRED", "idle", NOW)
    assert pump(one, other)[0] == [client.Pushed("hci_channel", "SESSION_EXPIRED", "idle")]
    one.forget(one.request("hci_channel", "command", "x", NOW))
    other.reply(only(pump(one, other)[1], RequestReceived), "late", NOW)
    assert isinstance(only(pump(one, other)[0], client.Dropped), client.Dropped)


def test_goodbye_and_signs_of_life(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    one.ping()
    other.ping()
    assert pump(one, other) == ([], [])
    one.say_bye(NOW)
    assert pump(one, other) == ([client.ServerLeft()], [server.ClientLeft()])


def test_acknowledgements_that_never_come_fail_the_request(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, _ = pair
    request_id = one.request("hci_channel", "command", "x" * (20 * 1024 * 1024), NOW)
    assert one.stalled(NOW + 60) == []
    (failed,) = one.stalled(NOW + 61)
    assert isinstance(failed, client.RequestFailed)
    assert failed.request_id == request_id
    assert "acknowledgement" in failed.reason


# --- refused ----------------------------------------------------------------------------------------------------------


def refused(world: World, **changes: Any) -> tuple[RegistrationRefused, str]:
    one, other = ClientPeer(dataclasses.replace(world.admin, **changes), NOW), ServerPeer(world.server, NOW)
    ours, theirs = pump(one, other)
    assert not one.registered
    with pytest.raises(LocalProtocolError, match="expected to be registered"):
        one.request("hci_channel", "command", "x", NOW)
    dropped = [event.reason for event in theirs if isinstance(event, server.Dropped)]
    return only(ours, RegistrationRefused), " ".join(dropped)


def test_another_project_is_refused(world: World) -> None:
    found, logged = refused(world, project="other")
    assert found == RegistrationRefused("Requested task does not match the current server task", by_server=True)
    assert "another project" in logged


def test_a_user_of_another_name_is_refused(world: World) -> None:
    found, logged = refused(world, user="lead@nvidia.com")
    assert found.by_server
    assert "it is of 'admin@nvidia.com'" in logged


def test_a_certificate_of_another_authority_is_refused(world: World) -> None:
    stranger = world.strangers.issue_user(USER)
    found, logged = refused(world, certificate_pem=stranger.certificate_pem, signer=Signer(stranger.key_pem))
    assert found.by_server
    assert "another signed it" in logged


def test_a_server_of_another_name_or_authority_is_refused_by_the_client(world: World) -> None:
    found, _ = refused(world, server_identity="srv2")
    assert found == RegistrationRefused("expected server identity is 'srv2' but got 'server'", by_server=False)
    found, _ = refused(world, ca_pem=world.strangers.ca_pem)
    assert not found.by_server


def test_a_server_that_is_not_ready_says_so(world: World) -> None:
    one = ClientPeer(world.admin, NOW)
    other = ServerPeer(world.server, NOW)
    for frame in one.frames_to_send():
        other.receive(decode_frame(frame), NOW)
    for frame in other.frames_to_send():
        one.receive(decode_frame(frame), NOW)
    challenge = message_of(one.frames_to_send()[0])
    reply = Addresses("server", one.name).raw_reply(challenge, NOW, {}, ReturnCode.COMM_ERROR)
    (found,) = one.receive(decode_frame(FrameEncoder().data(reply.headers)), NOW)
    assert found == RegistrationRefused("the server answers comm_error", by_server=True, not_ready=True)


def message_of(frame: bytes) -> CellMessage:
    read = decode_frame(frame)
    assert isinstance(read, Frame)
    return read_message(read.headers, read.payload)


def challenged(world: World) -> tuple[ServerPeer, Addresses, str]:
    """A server that has answered a challenge, and its nonce."""
    addresses = Addresses(ClientPeer(world.admin, NOW).name, "server")
    other = ServerPeer(world.server, NOW)
    hello = FrameEncoder().greeting(FrameType.HELLO, addresses.own, NOW)
    other.receive(decode_frame(hello), NOW)
    send(other, addresses.raw_request("task", "challenge", NOW, auth.challenge_headers(USER, "n")))
    content = client.fobs.decode(message_of(other.frames_to_send()[-1]).payload)
    return other, addresses, content.items["nonce"]


def send(other: ServerPeer, message: CellMessage, now: float = NOW) -> list[Any]:
    return list(other.receive(decode_frame(FrameEncoder().data(message.headers, message.payload)), now))


def registration(world: World, addresses: Addresses, nonce: str) -> CellMessage:
    own = world.admin
    payload = encode(auth.register_request(own.signer, own.certificate_pem, USER, nonce))
    headers = auth.register_headers(USER, own.project, "127.0.0.1")
    return addresses.raw_request("task", "register", NOW, headers, payload, Encoding.FOBS)


@pytest.mark.parametrize("late", [0.0, CHALLENGE_SECONDS + 1])
def test_a_registration_that_comes_again_or_late_is_refused(world: World, late: float) -> None:
    other, addresses, nonce = challenged(world)
    message = registration(world, addresses, nonce)
    if not late:
        assert send(other, message) == [server.ClientRegistered(USER)]
    assert isinstance(send(other, message, NOW + late)[0], server.Dropped)
    reply = message_of(other.frames_to_send()[-1])
    assert (reply.return_code, reply.error) == ("unauthenticated", "no registration session")


@pytest.mark.parametrize(
    "forge",
    [
        lambda headers: headers.pop("__token__"),
        lambda headers: headers.update(__token__="other"),
        lambda headers: headers.update(client_name="lead@nvidia.com"),
        lambda headers: headers.update(cn__origin="_admin_other"),
        lambda headers: headers.update(cn__channel="odd"),
        lambda headers: headers.update(cn__msg_type="reply"),
        lambda headers: headers.update(sm__id="odd"),
        lambda headers: headers.pop("cn__destination"),
    ],
)
def test_a_message_that_proves_nothing_or_makes_no_sense_is_dropped(
    pair: tuple[ClientPeer, ServerPeer], forge: Callable[[dict[str, Any]], Any]
) -> None:
    one, other = pair
    one.request("hci_channel", "command", "delete everything", NOW)
    message = message_of(one.frames_to_send()[0])
    headers = dict(message.headers)
    forge(headers)
    (dropped,) = send(other, CellMessage(headers, message.payload))
    assert isinstance(dropped, server.Dropped)
    assert dropped.reason
    assert other.frames_to_send() == []


def test_the_servers_own_credentials_prove_no_client(world: World) -> None:
    """They are on the answer to a challenge, which anybody gets."""
    other, addresses, _ = challenged(world)
    proof = world.server.credentials.headers()
    stream = {"sm__id": 1, "sm__dt": 2, "sm__sq": 0, "sm__ch": "hci_channel", "sm__tp": "command", "sm__pe": "fobs"}
    message = addresses.one_way(Topic.STREAM_DATA, NOW, {**stream, **proof}, encode("{}"), Encoding.BYTES)
    (dropped,) = send(other, message)
    assert isinstance(dropped, server.Dropped)
    assert "a client's token" in dropped.reason


def test_a_token_begins_where_it_was_given(pair: tuple[ClientPeer, ServerPeer]) -> None:
    """The signature is over name and token as one text, so it fits wherever the one ends and the other begins."""
    one, other = pair
    one.request("hci_channel", "command", "x", NOW)
    message = message_of(one.frames_to_send()[0])
    token = "com" + message.headers["__token__"]
    forged = {**message.headers, "client_name": "admin@nvidia.", "__token__": token}
    (dropped,) = send(other, CellMessage(forged, message.payload))
    assert isinstance(dropped, server.Dropped)
    assert "a client's token" in dropped.reason


def test_a_client_drops_what_its_server_did_not_prove(pair: tuple[ClientPeer, ServerPeer]) -> None:
    one, other = pair
    other.push("hci_channel", "SESSION_EXPIRED", "idle", NOW)
    message = message_of(other.frames_to_send()[0])
    forged = FrameEncoder().data({**message.headers, "__token_signature__": "AAAA"}, message.payload)
    (dropped,) = one.receive(decode_frame(forged), NOW)
    assert isinstance(dropped, client.Dropped)


@pytest.mark.parametrize("name", ["server", "_admin_", "_admin_x", "", "site-1", "_admin_" + "0" * 36])
def test_a_cell_that_is_no_admin_is_not_greeted(world: World, name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        ServerPeer(world.server, NOW).receive(decode_frame(FrameEncoder().greeting(FrameType.HELLO, name, NOW)), NOW)


@pytest.mark.parametrize("kind", [FrameType.READY, FrameType.DATA, FrameType.FRAG])
def test_the_greeting_comes_first(world: World, kind: FrameType) -> None:
    with pytest.raises(RemoteProtocolError, match="expected HELLO first"):
        ServerPeer(world.server, NOW).receive(Frame(kind, {}, b""), NOW)
    with pytest.raises(RemoteProtocolError):
        ClientPeer(world.admin, NOW).receive(Frame(FrameType.HELLO if kind is FrameType.READY else kind, {}, b""), NOW)


def test_what_comes_before_the_challenge_is_dropped(world: World) -> None:
    one = ClientPeer(world.admin, NOW)
    one.receive(decode_frame(FrameEncoder().greeting(FrameType.READY, "server", NOW)), NOW)
    push = Addresses("server", one.name).one_way(Topic.STREAM_DATA, NOW, {"sm__id": 1, "sm__dt": 2, "sm__sq": 0})
    (dropped,) = one.receive(decode_frame(FrameEncoder().data(push.headers)), NOW)
    assert isinstance(dropped, client.Dropped)


@pytest.fixture(scope="module")
def shared_pair(world: World) -> tuple[ClientPeer, ServerPeer]:
    """One pair for all examples: connecting costs eight signatures."""
    return connected(world)


@given(data=st.binary(max_size=200))
def test_noise_after_the_greeting_is_dropped(shared_pair: tuple[ClientPeer, ServerPeer], data: bytes) -> None:
    one, other = shared_pair
    frames: list[Frame | BadFrame] = [Frame(FrameType.DATA, {}, data), BadFrame("noise")]
    try:
        frames += FrameReader().feed(data)
    except RemoteProtocolError:
        assert len(data) >= 4
    for frame in frames:
        assert all(isinstance(event, (client.Dropped, server.Dropped)) for event in one.receive(frame, NOW))
        assert all(isinstance(event, (client.Dropped, server.Dropped)) for event in other.receive(frame, NOW))
