"""Targets of the CellNet dialect that read one thing: msgpack, frames, messages, objects, proofs, commands."""

from __future__ import annotations

import functools
import itertools
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

from websockets.utils import apply_mask

from flare_client.protocol.cellnet import auth, commands, fobs
from flare_client.protocol.cellnet.blocks import LARGE, Blocks
from flare_client.protocol.cellnet.cell import Addresses, Topic, read_message
from flare_client.protocol.cellnet.fobs import FLContext, Shareable
from flare_client.protocol.cellnet.grpc_frame import decode_grpc_frame, encode_grpc_frame
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.cellnet.proof import NotProven, Signer, Verifier
from flare_client.protocol.cellnet.sfm import (
    PREFIX_SIZE,
    BadFrame,
    Frame,
    FrameEncoder,
    FrameReader,
    FrameType,
    decode_frame,
    read_greeting,
)
from flare_client.protocol.cellnet.tokens import (
    AuthHeader,
    Credentials,
    admin_token,
    check_credentials,
    read_admin_token,
    server_credentials,
)
from flare_client.protocol.envelope import Envelope, request, string
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import Limits
from tests.flare_client.protocol.cellnet.websocket_reading import by_the_library, with_whole_messages
from tests.fuzz.format_targets import der
from tests.fuzz.hci_targets import fed
from tests.fuzz.project import NAME, PROJECT, USER
from tests.fuzz.target import Choices, Target, cuts, require, traced

LIMITS = Limits(frame=1024, depth=12, stream=4096, streams=3)
ROOMY = Limits(depth=40)
"""For what is written again: objects that came without a part are written with it, and nest deeper."""

# --- packing --------------------------------------------------------------------------------------------------------


def _contents() -> list[Any]:
    return [
        None,
        {"endpoint_name": "server", "timestamp": 1.5, "fqcn": "server"},
        {"a": [1, -1, 1 << 63, True, None, b"\x00\xff", "\u00fc" * 40, {"b": [[]]}], 5: {2.5: "x" * 300}},
        [[[[[[[[[[[["deep"]]]]]]]]]]]],
        list(range(70)),
    ]


def _packed() -> Iterator[bytes]:
    for content in _contents():
        yield pack(content)
    yield b"\xc7\x04\x05abcd"  # an extension type
    yield b"\xd6\xff\x00\x00\x00\x01"  # a timestamp, which msgpack decodes by itself
    yield b"\xdd\x00\x00\x40\x00" * 4000  # lists in lists, each announcing thousands more
    yield b"\xdf\x00\x00\x40\x00" + b"\x01" * 100
    yield b"\x91" * 3000 + b"\xc0"
    yield b"\x81\x91\x01\x02"  # a list as a key
    yield b"\xda\xff\xffshort"


def _packing(data: bytes) -> None:
    with traced():
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        try:
            content = unpack(data, LIMITS.depth)
        except RemoteProtocolError:
            content = None
        peak = tracemalloc.get_traced_memory()[1] - before
        # An empty list of one byte takes 56, and a place in another list.
        require(peak <= 256 * len(data) + (1 << 16), "the memory for an input follows its size", len(data), peak)
    if content is None:
        return  # refused, or nothing to look at
    _require_plain(content)
    require(repr(unpack(pack(content), LIMITS.depth)) == repr(content), "what is read, written and read is the same")


def _require_plain(content: Any) -> None:
    level = [content]
    for depth in itertools.count():
        require(depth <= LIMITS.depth, "nesting is bounded", depth)
        lists = [item for item in level if isinstance(item, (list, dict))]
        plain = [item for item in level if isinstance(item, (str, bytes, int, float, type(None)))]
        require(len(lists) + len(plain) == len(level), "only plain types are read", level)
        if not lists:
            return
        level = [part for item in lists for part in (item if isinstance(item, list) else [*item, *item.values()])]


# --- frames ---------------------------------------------------------------------------------------------------------


def _frames() -> Iterator[bytes]:
    encoder = FrameEncoder()
    addresses = Addresses("_admin_1", "server")
    message = addresses.raw_request("task", "challenge", 1.5, {"cn": USER, "nonce": "n"}, b"payload")
    data = encoder.data(message.headers, message.payload)
    hello = encoder.greeting(FrameType.HELLO, "_admin_1", 1.5)
    yield hello + encoder.ping() + data + encoder.pong()
    yield data + encoder.data({}) + data
    yield hello + b"\x00\x00\x00\x05" + bytes(12)
    yield encoder.data({"a": 1}, bytes(2000)) + hello
    yield hello[:6] + b"\x09" + hello[7:] + hello
    yield data[:4] + b"\xff\xff" + data[6:]


def _sfm(data: bytes) -> None:
    whole, *others = (fed(FrameReader(LIMITS).feed, blocks) for blocks in cuts(data))
    for other in others:
        # A fault ends the connection, so what a reader returns with it does not count.
        same = other[1] == whole[1] and (whole[1] is not None or repr(other[0]) == repr(whole[0]))
        require(same, "frames and faults do not depend on how a stream is cut", whole, other)
    if whole[1] is not None:
        _require_dead(data)
    for frame in whole[0]:
        require(isinstance(frame, BadFrame) or len(frame.payload) <= LIMITS.frame, "a frame is within the limit")
        if isinstance(frame, Frame):
            _require_frame(frame)


def _require_dead(data: bytes) -> None:
    """What cannot be read cannot be read later either, nor while somebody still holds the first fault."""
    reader, faults = FrameReader(LIMITS), []
    for block in (data, b"more", b""):
        try:
            require(reader.feed(block) == [], "nothing is read after a fault")
        except RemoteProtocolError as problem:
            faults.append(problem)
    require(len(faults) == 3 and len({str(fault) for fault in faults}) == 1, "a fault stays one", faults)


def _require_frame(frame: Frame) -> None:
    if frame.type in (FrameType.HELLO, FrameType.READY):
        try:
            require(read_greeting(frame).endpoint_name, "who greets has a name")
        except RemoteProtocolError:
            return
    if frame.type is not FrameType.DATA:
        return
    wire = FrameEncoder().data(frame.headers, frame.payload)
    again = decode_frame(wire)
    require(repr(again) == repr(frame), "what is read, written and read is the same", frame, again)


def _whole_frames() -> Iterator[bytes]:
    for frame in (FrameEncoder().data({"x": 1}, b"abc"), FrameEncoder().greeting(FrameType.READY, "server", 1.0)):
        yield frame
        yield encode_grpc_frame(1, frame)
        yield b"\x1d\x01\x02\x03\x04\x22\x02xx" + encode_grpc_frame(1 << 31, frame) + b"\x92\x00\x01y"
    yield b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
    yield b"\x0b\x0c"


def _frame(data: bytes) -> None:
    """A message of WebSocket or gRPC: one frame and nothing else."""
    require(decode_grpc_frame(encode_grpc_frame(len(data), data)) == data, "gRPC brings what was sent")
    try:
        inner = decode_grpc_frame(data)
        require(not inner or inner in data, "a frame is a part of the message", inner)
    except RemoteProtocolError:
        inner = data
    for one in (data, inner):
        try:
            found = decode_frame(one, LIMITS)
        except RemoteProtocolError:
            continue
        require(PREFIX_SIZE <= len(one) <= LIMITS.frame, "a frame is within the limits", len(one))
        if isinstance(found, Frame):
            _require_frame(found)


# --- the messages of a WebSocket ------------------------------------------------------------------------------------


def _websocket_frame(first: int, data: bytes, *, masked: bool) -> bytes:
    """A frame with a mask that is always the same, if any."""
    mask, mark = (b"\x01\x80\x00\xff", 0x80) if masked else (b"", 0)
    size = len(data)
    if size < 126:
        header = bytes((first, mark | size))
    elif size < 1 << 16:
        header = bytes((first, mark | 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((first, mark | 127)) + size.to_bytes(8, "big")
    return header + mask + (bytes(apply_mask(data, mask)) if masked else data)


def _websocket_bytes() -> Iterator[bytes]:
    for masked in (False, True):
        framed = functools.partial(_websocket_frame, masked=masked)
        side, whole, ping = bytes((masked,)), framed(0x82, b"x" * 200), framed(0x89, b"there?")
        parts = framed(0x02, b"begins") + ping + framed(0x80, b"ends")
        yield side + whole + framed(0x82, b"tiny") + parts + whole
        yield side + framed(0x82, bytes(LARGE)) + framed(0x81, b"text") + whole
        yield side + framed(0x02, b"begins") + whole + whole
        yield side + whole + framed(0x88, b"\x03\xe8bye") + whole


def _websocket(data: bytes) -> None:
    masked, wire = bool(data[:1] and data[0] & 1), data[1:]
    alone = by_the_library(wire, masked=masked, limit=2 * LARGE)
    for cut in (1, 5, len(wire)) if len(wire) < LIMITS.stream else (len(wire) // 3, len(wire)):
        found = with_whole_messages(wire, masked=masked, limit=2 * LARGE, cut=max(1, cut))
        require(found == alone, "the same comes as by the library alone", cut, found, alone)


# --- messages -------------------------------------------------------------------------------------------------------


def _messages() -> Iterator[bytes]:
    here = Addresses("_admin_1", "server")
    asked = here.raw_request("task", "register", 1.5, {"project_name": NAME})
    for message in (asked, Addresses("server", "_admin_1").raw_reply(asked, 1.5, {}), here.one_way(Topic.BYE, 2.5, {})):
        headers = {**message.headers, **({"cn__req_id": "id"} if "cn__req_id" in message.headers else {})}
        yield pack(headers)
        yield pack({**headers, "cn__return_code": ["ok"], "cn__channel": {}, "cn__req_id": 7, "cn__error": b"x"})
        yield pack({**headers, "cn__msg_type": "other"})


def _cell(data: bytes) -> None:
    try:
        headers = unpack(data, LIMITS.depth)
    except RemoteProtocolError:
        return
    if not isinstance(headers, dict):
        return
    try:
        message = read_message(headers, b"payload")
    except RemoteProtocolError:
        return
    texts = (message.type, message.origin, message.channel, message.topic, message.request_id, message.error)
    require(all(isinstance(text, str) for text in texts), "what names a message is text", texts)
    code = message.return_code
    require(code is None or isinstance(code, str), "a return code is text", code)
    reply = Addresses("server", message.origin).raw_reply(message, 1.5, {})
    again = read_message(reply.headers, reply.payload)
    require(again.request_id == message.request_id, "a reply names its request", message, again)


# --- objects --------------------------------------------------------------------------------------------------------


def _objects() -> Iterator[bytes]:
    context = FLContext({"__identity_name__": USER, "x": None})
    for content in (*_contents()[:3], Shareable({"a": [context]}, {"__peer_ctx__": context, "n": Shareable({})})):
        yield fobs.encode(content)

    def section(body: bytes, marker: int = fobs._MAIN) -> bytes:
        return b"".join(fobs._section(marker, body))

    reference = fobs._object(fobs._DATUM_REF, {"datum_id": "00000000-0000-0000-0000-000000000000"})
    yield section(pack({"d": [reference]})) + section(bytes(16) + b"text", fobs._TEXT_DATUM)
    yield section(pack(reference)) + section(bytes(16) + b"\xff", fobs._BLOB_DATUM)
    yield section(pack({fobs._TYPE: "os.system", fobs._DATA: ["x"], fobs._DECOMPOSER: "x"}))
    yield section(pack(fobs._object(fobs._SHAREABLE, 5)))
    yield section(pack(fobs._object(fobs._FL_CONTEXT, [None, {"a": {}}])))
    yield section(pack(fobs._object(fobs._SHAREABLE, {fobs.HEADERS: fobs._object(fobs._SHAREABLE, {})})))


def _require_accepted(content: Any) -> None:
    """Nothing but the accepted classes is ever made."""
    if isinstance(content, Shareable):
        content = [content.items, content.headers]
    elif isinstance(content, FLContext):
        content = content.props
    if isinstance(content, dict):
        content = [*content, *content.values()]
    if isinstance(content, list):
        for one in content:
            _require_accepted(one)
        return
    require(type(content) in (str, bytes, int, float, bool, type(None)), "only accepted types are made", content)


def _fobs(data: bytes) -> None:
    blocks = Blocks(data[start : start + 7] for start in range(0, len(data), 7))
    try:
        content = fobs.decode(data, LIMITS)
    except RemoteProtocolError:
        require(_is_refused(blocks), "what is refused is refused in blocks, too", data)
        return
    _require_accepted(content)
    require(
        repr(fobs.decode(blocks, LIMITS)) == repr(content), "in how many blocks it lies makes no difference", content
    )
    again = fobs.decode(fobs.encode(content), ROOMY)
    require(repr(again) == repr(content), "what is read, written and read is the same", content, again)


def _is_refused(blocks: Blocks) -> bool:
    try:
        fobs.decode(blocks, LIMITS)
    except RemoteProtocolError:
        return True
    return False


# --- proofs ---------------------------------------------------------------------------------------------------------

_NONCE = "7d8c5b1e-0000-4000-8000-000000000000"


@functools.cache
def _server_signer() -> Signer:
    return Signer(PROJECT.server_key)


@functools.cache
def _server_verifier() -> Verifier:
    return Verifier(PROJECT.server_pem)


@functools.cache
def _genuine() -> tuple[tuple[str, Any], ...]:
    """What a well-behaved peer says at each step, by the name of the step."""
    user, server = Signer(PROJECT.user_key), _server_signer()
    return (
        ("challenge", auth.challenge_reply(server, PROJECT.server_pem, "server", _NONCE, "n")),
        ("register", auth.register_request(user, PROJECT.user_pem, USER, _NONCE)),
        ("admit", auth.register_reply(server, USER, "token", "NA", {"nvflare_version": "2.9.0"})),
        ("login", commands.login_headers(USER, user, PROJECT.user_pem, "default")),
        ("message", server_credentials(server).headers()),
    )


_ODD: tuple[Any, ...] = (None, "", b"", 0, True, [], {}, "other", "AAAA", b"AAAA", {"cert": 1}, "\u00fc", 1 << 63)


def _proofs() -> Iterator[bytes]:
    fields = 6
    for step in range(len(_genuine())):
        yield bytes([step])
        for field in range(fields):
            yield bytes([step, 0, field, 1])
            yield bytes([step, 1, field])
            yield bytes([step, 2, field, 3, 17])
            yield bytes([step, 3, field]) + der(PROJECT.stranger_pem)
            yield bytes([step, 4, field]) + PROJECT.user_pem
            yield bytes([step, 3, field]) + der(PROJECT.server_pem)


def _altered(content: dict[str, Any], choices: Choices) -> dict[str, Any]:
    """What was said, with one field replaced, left out, bent, or with another certificate."""
    found = dict(content)
    while choices:
        kind, name = choices.below(5), list(content)[choices.below(len(content))]
        if kind == 0:
            found[name] = _ODD[choices.below(len(_ODD))]
        elif kind == 1:
            found.pop(name, None)
        elif kind == 2:
            value, at, byte = found.get(name), choices.byte(), choices.byte()
            if isinstance(value, bytes) and value:
                found[name] = value[: at % len(value)] + bytes([byte]) + value[at % len(value) + 1 :]
            elif isinstance(value, str) and value:
                found[name] = value[: at % len(value)] + chr(byte) + value[at % len(value) + 1 :]
        elif kind == 3:
            found[name] = PROJECT.pem(choices.rest())
        else:
            found[name] = choices.rest()
    return found


def _auth(data: bytes) -> None:
    """Whoever is believed said what a genuine peer says."""
    choices = Choices(data)
    step, genuine = _genuine()[choices.below(len(_genuine()))]
    original = dict(genuine.items) if isinstance(genuine, Shareable) else dict(genuine)
    content = _altered(original, choices)
    said: Any = Shareable(content) if isinstance(genuine, Shareable) else content
    ca = PROJECT.ca_pem
    try:
        if step == "challenge":
            auth.check_challenge_reply(said, "server", ca, _NONCE)
        elif step == "register":
            require(auth.check_register_request(said, USER, ca, _NONCE).common_name == USER, "the user is the user")
        elif step == "admit":
            found = auth.check_register_reply(said, USER, _server_verifier())
            require(isinstance(found, Credentials) and found.token == "token", "a token is the server's", found)
        elif step == "login":
            require(commands.check_login(said, ca)[0].common_name == USER, "who logs in is the user", said)
        else:
            require(check_credentials(said, _server_verifier()) + said[AuthHeader.TOKEN] == "serverserver", "proven")
    except (NotProven, RemoteProtocolError):
        require(content != original, "what a genuine peer says is believed", step)


_CLAIMS = {"n": USER, "r": "project_admin", "o": "nvidia", "s": "session"}


@functools.cache
def _token() -> str:
    return admin_token(_server_signer(), _CLAIMS)


def _tokens() -> Iterator[bytes]:
    yield b""
    yield b"\x00\x05A"
    yield b"\x01\x00:" + b"x"
    yield b"\xff" + b"QUJD:QUJD"
    yield b"\xff:"
    yield b"\xff" + b"\xc3\xbc:\xed"


def _admin_token(data: bytes) -> None:
    token = data[1:].decode("utf-8", "replace")
    if data[:1] != b"\xff":
        at = int.from_bytes(data[:2], "big") % len(_token())
        token = _token()[:at] + data[2:].decode("utf-8", "replace") + _token()[at + len(data[2:]) :]
    try:
        claims = read_admin_token(token, _server_verifier())
    except NotProven:
        require(token != _token(), "a genuine token is believed")
        return
    require(claims == _CLAIMS, "only what the server signed is believed", claims)


# --- commands -------------------------------------------------------------------------------------------------------


def _commands() -> Iterator[bytes]:
    for envelope in (request("list_jobs", "token", {"a": 1}), Envelope((string("OK"),), {"status": "ok"})):
        yield fobs.encode(commands.encode_command(envelope))
        yield fobs.encode(json.loads(envelope.encode()))


def _command(data: bytes) -> None:
    try:
        envelope = commands.read_command(fobs.decode(data, LIMITS), LIMITS)
    except RemoteProtocolError:
        return
    text = commands.encode_command(envelope)
    again = commands.read_command(fobs.decode(fobs.encode(text)), LIMITS)
    require(commands.encode_command(again) == text, "what is read, written and read is the same", text)


_SAME = "only RemoteProtocolError; what is read, written and read is the same"

TARGETS = [
    Target("packing", _SAME + "; plain types, bounded depth", _packing, _packed, measures=True),
    Target("sfm", _SAME + "; the same frames however cut; a fault stays one", _sfm, _frames),
    Target("frame", _SAME + "; gRPC brings what was sent", _frame, _whole_frames),
    Target("websocket", "the same comes as by the library alone, however cut", _websocket, _websocket_bytes),
    Target(
        "cell", "only RemoteProtocolError; what names a message is text; a reply names its request", _cell, _messages
    ),
    Target("fobs", _SAME + "; nothing but the accepted classes is made", _fobs, _objects),
    Target("auth", "only NotProven and RemoteProtocolError; only genuine peers are believed", _auth, _proofs),
    Target("token", "only NotProven; only what the server signed is believed", _admin_token, _tokens),
    Target("command", _SAME, _command, _commands),
]
