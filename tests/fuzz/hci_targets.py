"""Targets of the socket dialect: text messages, binary exchanges, chunked frames, both ends of a connection."""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from flare_client.protocol.command_line import join_words, split_line
from flare_client.protocol.commands import PULL_FOLDER_COMMAND, read_announcement, recognise_release
from flare_client.protocol.envelope import Envelope, ItemType, error, read_envelope, request, string, success, table
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.hci.chunks import ChunkReader, encode_chunk, encode_end
from flare_client.protocol.hci.client import Answer, ClientConnection, FileEnd, ReplyReceived
from flare_client.protocol.hci.exchange import BodyData, ExchangeEnd, ExchangeReader, encode_footer, encode_header
from flare_client.protocol.hci.server import RequestEnd, RequestReceived, RequestRefused, ServerConnection, State
from flare_client.protocol.hci.text import TextReader, encode_text, read_reply, read_request
from flare_client.protocol.limits import Limits
from flare_client.protocol.releases import PROFILES, Dialect
from flare_client.protocol.statuses import api_status, says_goodbye
from tests.fuzz.target import Target, cuts, require

LIMITS = Limits(text=4096, request_text=2048, exchange_meta=512, body=1024, depth=12)
"""Small, so that small inputs reach them."""

_PROFILES = [profile for profile in PROFILES.values() if profile.dialect is Dialect.HCI]
_JOB = {"name": "hello", "deploy_map": {"app": ["@ALL"]}, "note": "\u00e9 \ud83d\ude00 \x07", "size": 1e300}

Outcome = tuple[list[Any], str | None]
"""What came out of a reader, and the reason with which it failed, if it did."""


def reason_of(text: str) -> str:
    """A reason without what depends on the cuts: how far over a limit a peer was when it was noticed."""
    return re.sub(r"sent [\d,]+ or more", "sent more", text)


def fed(feed: Callable[[bytes], Any], blocks: list[bytes]) -> Outcome:
    """Give blocks to a reader up to its first fault; neighbouring bytes of a body count as one."""
    events: list[Any] = []
    for block in blocks:
        try:
            for event in feed(block) or ():
                if isinstance(event, BodyData) and events and isinstance(events[-1], BodyData):
                    events[-1] = BodyData(events[-1].data + event.data)
                elif isinstance(event, RequestRefused):
                    events.append(dataclasses.replace(event, reason=reason_of(event.reason)))
                else:
                    events.append(event)
        except RemoteProtocolError as problem:
            return events, reason_of(problem.reason)
    return events, None


def same_however_cut(make: Callable[[], Callable[[bytes], Any]], data: bytes) -> Outcome:
    """Deliver a stream in several ways, and require one outcome; what came before a fault counts."""
    whole, *others = (fed(make(), blocks) for blocks in cuts(data))
    for other in others:
        require(other == whole, "events and faults do not depend on how a stream is cut", whole, other)
    return whole


# --- envelopes ------------------------------------------------------------------------------------------------------


def _envelopes() -> list[Envelope]:
    return [
        request("list_jobs -d", "token", {"k": [1, None, True]}, "2024-01-01 00:00:00.000000"),
        Envelope((string("OK"), success("done"), error("not authorized"))),
        Envelope((table([["scope", "name"], ["a", 5, None, {"x": []}]]),), {"status": "ok", "info": "\u00fc"}),
        Envelope((), {}),
    ]


def _texts() -> Iterator[bytes]:
    for envelope in _envelopes():
        yield envelope.encode()
    yield b'{"data": [{"type": "dict", "data": {"a": {"b": [[[1.5e3, -0, NaN]]]}}}], "meta": null}'
    yield b'{"data": [{"type": "string", "data": "[[[{{{\\"[[["}], "time": 7}'
    yield b'{"data": ' + b"[" * 30 + b"]" * 30 + b"}"
    yield b'{"data": "' + b'\\"' * 16_000 + b"\\\n" + b"[" * 13  # quotes that never end, many times over


def _envelope(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    try:
        found = read_envelope(text, LIMITS)
    except RemoteProtocolError:
        return
    encoded = found.encode()
    again = read_envelope(encoded.decode("ascii"), LIMITS)
    require(again.encode() == encoded, "what is read, written and read again is the same", encoded, again)
    require(len(again.items) == len(found.items), "no item is lost", found, again)
    require(isinstance(api_status(found.items).value, str), "every reply has a status")
    require(
        not says_goodbye(found.items) or found.first(ItemType.SHUTDOWN) is not None, "goodbye needs its item", found
    )


def _announcements() -> Iterator[bytes]:
    header = ["scope", "name", "description", "usage", "confirm", "client_cmd", "visible"]
    upload = _PROFILES[-1].upload.value
    rows = [header, ["s", "submit_job", "d", "u", "none", upload, "t"]]
    yield json.dumps([*rows, ["s", "download_job", "d", "u", "none", PULL_FOLDER_COMMAND, "t"]]).encode()
    yield json.dumps([*rows, ["s", "download_job", "d", "u", "none"], ["t", "submit_job", 1, 2, 3, 4], []]).encode()


def _announcement(data: bytes) -> None:
    try:
        rows = json.loads(data)
        envelope = read_envelope(json.dumps({"data": [{"type": "table", "rows": rows}]}), LIMITS)
    except (ValueError, RecursionError, RemoteProtocolError):
        return
    found = read_announcement(envelope.first(ItemType.TABLE) or [])
    require(all(name == command.name for name, command in found.items()), "commands stand under their names", found)
    profile = recognise_release(found)
    require(profile is None or profile in PROFILES.values(), "a release is a known one", profile)


def _lines() -> Iterator[bytes]:
    yield b'submit_job "a folder/with blanks" x'
    yield b"  list_jobs   -d -n  x\ty "
    yield b'a "b\\" c" d\'e f\' "open'


def _command_line(data: bytes) -> None:
    line = data.decode("utf-8", "replace")
    try:
        words = split_line(line)
    except ValueError as problem:
        require('"' in line and str(problem).startswith("No "), "only an open quote is a fault", line, problem)
        return
    if not any(set(word) & set("\"'\\") or not word for word in words):
        require(split_line(join_words(words)) == words, "words that are joined and split are the same", words)


# --- readers --------------------------------------------------------------------------------------------------------


def _text_messages() -> Iterator[bytes]:
    for envelope in _envelopes():
        yield encode_text(envelope)
    first, second = (envelope.encode() for envelope in _envelopes()[:2])
    yield first + b"\x03" + second + b"\x03\x04trailing"
    yield b"\x04"
    yield b"\x03\x03\x04"
    yield b"\xff\x04"
    yield b"x" * 5000 + b"\x04"


class _Text:
    """A text reader that tells its message as an event."""

    def __init__(self) -> None:
        self.reader = TextReader(LIMITS.text)

    def feed(self, data: bytes) -> list[Any]:
        was_complete = self.reader.complete
        try:
            self.reader.feed(data)
        except RemoteProtocolError:
            require(not self.reader.complete, "a message that is too long is not complete")
            raise
        return [self.reader.text()] if self.reader.complete and not was_complete else []


def _hci_text(data: bytes) -> None:
    events, _ = same_however_cut(lambda: _Text().feed, data)
    require(len(events) <= 1, "a message ends once", events)
    for text in events:
        require(len(text.encode()) <= LIMITS.text, "a message is within the limit", len(text))
        for read in (read_request, read_reply):
            try:
                read(text, LIMITS)
            except RemoteProtocolError:
                continue


def exchange(meta: bytes, body: bytes) -> bytes:
    """A whole binary exchange."""
    return encode_header(meta, len(body)) + body + encode_footer(zlib.crc32(body))


def _exchanges() -> Iterator[bytes]:
    meta = request("submit_job x", "token").encode()
    yield exchange(meta, b"some body" * 20)
    yield exchange(b"", b"")
    yield exchange(meta, b"")
    yield exchange(meta, b"abc")[:-1] + b"!"
    yield exchange(meta, b"abc")[:-8] + b"\x01" + bytes(7)
    yield encode_header(b"", 1 << 40)
    yield encode_header(meta, 10)[:9] + b"\xff\xff\xff\xff"


def _hci_exchange(data: bytes) -> None:
    events, fault = same_however_cut(lambda: ExchangeReader(LIMITS).feed, data)
    if events and isinstance(events[-1], ExchangeEnd):
        require(fault is None, "nothing after the end is a fault", fault)
        header, body = events[0], b"".join(event.data for event in events if isinstance(event, BodyData))
        require(len(body) == header.body_size, "the body is as long as announced", header, len(body))
        wire = exchange(header.meta, body)
        require(data[: len(wire)] == wire, "an exchange that is read and written again is the same", data)


def _chunked() -> Iterator[bytes]:
    blocks = [b"a" * 100, b"", b"bc"]
    frames = [encode_chunk(number, block) for number, block in enumerate(blocks, 1)]
    end = encode_end(zlib.crc32(b"".join(blocks)))
    yield b"".join(frames) + end + b"more"
    yield frames[0] + frames[2] + end
    yield frames[0] + encode_end(5)
    yield encode_chunk(1, b"x" * 1000) + encode_chunk(2, b"y" * 100)
    yield end


def _hci_chunks(data: bytes) -> None:
    whole, *others = (fed(ChunkReader(LIMITS).feed, blocks) for blocks in cuts(data))
    for other in others:
        # A fault ends the download, so what a reader returns with it does not count.
        same = other[1] == whole[1] and (whole[1] is not None or other[0] == whole[0])
        require(same, "events and faults do not depend on how a stream is cut", whole, other)
    size = sum(len(event.data) for event in whole[0] if isinstance(event, BodyData))
    require(size <= LIMITS.body, "a file is within the limit", size)
    require(all(isinstance(event, BodyData) for event in whole[0][:-1]), "the end comes last", whole)


# --- connections ----------------------------------------------------------------------------------------------------


def _requests() -> Iterator[bytes]:
    for first in range(len(_PROFILES) * 2):
        for body in (*_text_messages(), *_exchanges()):
            yield bytes([first]) + body


def _hci_server(data: bytes) -> None:
    if not data:
        return
    profile = _PROFILES[data[0] // 2 % len(_PROFILES)]
    outcomes = []
    for blocks in cuts(data[1:]):
        connection = ServerConnection(profile, LIMITS)
        events, fault = fed(connection.receive_data, blocks)
        require(fault is None, "no fault of a client is an exception of the server", fault)
        if data[0] % 2:
            events += connection.receive_eof()
        _check_request(connection, events)
        outcomes.append(events)
    require(all(one == outcomes[0] for one in outcomes), "events do not depend on how a stream is cut", *outcomes)


def _check_request(connection: ServerConnection, events: list[Any]) -> None:
    kinds = [type(event) for event in events]
    for kind in (RequestReceived, RequestEnd, RequestRefused):
        require(kinds.count(kind) <= 1, "a connection carries one request", kinds)
    ended = RequestRefused in kinds or RequestEnd in kinds or (bool(events) and events[0].body_size is None)
    require(ended == (connection.state is State.ANSWER), "it is the server's turn once the request ended", kinds)
    if RequestEnd in kinds:
        size = sum(len(event.data) for event in events if isinstance(event, BodyData))
        require(size == events[0].body_size, "the body is as long as announced", size)
    if ended:
        require(connection.receive_data(b"{}\x04") == [] == connection.receive_eof(), "the rest is dropped")
        require(connection.send_reply(Envelope(())).endswith(b"\x03\x04"), "the server answers")
        require(connection.state is State.CLOSED, "one answer closes")


def _answers() -> Iterator[bytes]:
    for first in range(len(Answer)):
        for body in (*_text_messages(), *_exchanges(), *_chunked()):
            yield bytes([first]) + body


def _hci_client(data: bytes) -> None:
    if not data:
        return
    answer = list(Answer)[data[0] % len(Answer)]
    outcomes = []
    for blocks in cuts(data[1:]):
        connection = ClientConnection(answer, LIMITS)
        events, fault = fed(connection.receive_data, blocks)
        if fault is None:
            try:
                connection.receive_eof()
            except RemoteProtocolError as problem:
                require(not connection.complete, "only an answer that is not complete is a fault at the end", problem)
                fault = problem.reason
        complete = any(isinstance(event, (ReplyReceived, FileEnd)) for event in events)
        require((fault is None) == complete, "an answer is complete or a fault", events, fault)
        outcomes.append((events if fault is None else [], fault))
    require(all(one == outcomes[0] for one in outcomes), "the outcome does not depend on the cuts", *outcomes)


_CUT = "only RemoteProtocolError; the same events however the stream is cut; "

TARGETS = [
    Target("envelope", "only RemoteProtocolError; what is read, written and read is the same", _envelope, _texts),
    Target(
        "announcement", "every table of commands can be read; a release is a known one", _announcement, _announcements
    ),
    Target("command_line", "only an open quote is a fault; joining undoes splitting", _command_line, _lines),
    Target("hci_text", _CUT + "a message is within its limit", _hci_text, _text_messages),
    Target("hci_exchange", _CUT + "what is read and written again is the same", _hci_exchange, _exchanges),
    Target("hci_chunks", _CUT + "a file is within its limit", _hci_chunks, _chunked),
    Target("hci_server", "no exception; one request, one answer; the same however cut", _hci_server, _requests),
    Target("hci_client", _CUT + "an answer is complete or a fault", _hci_client, _answers),
]
