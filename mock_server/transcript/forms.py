"""How each fact looks in the transcript: a kind, a direction, a line and a detail."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet import fobs
from flare_client.protocol.cellnet.cell import Encoding, Header
from flare_client.protocol.cellnet.packing import unpack
from flare_client.protocol.cellnet.sfm import PREFIX_SIZE, BadFrame, Frame, FrameType, decode_frame, read_prefix
from flare_client.protocol.cellnet.streams import PieceType, StreamHeader
from flare_client.protocol.errors import ProtocolError
from flare_client.protocol.hci.text import TextFraming, read_reply
from mock_server.transcript.entry import Direction, Kind
from mock_server.transcript.facts import (
    BodyCame,
    Closed,
    Commanded,
    Decided,
    Fact,
    FileSent,
    FrameCame,
    FrameSent,
    HandshakeFailed,
    Injected,
    Opened,
    ReplySent,
    RequestBroken,
    RequestCame,
    Secured,
    Upgraded,
    Varied,
)
from mock_server.transcript.redaction import Redactor, describe_bytes, describe_certificate

Form = tuple[Kind, Direction, str, dict[str, Any]]

_MOST_SUMMARY = 160


def form_of(fact: Fact, redactor: Redactor) -> Form:
    """The form of a fact.

    Args:
        fact: as it was noted.
        redactor: takes the secrets out.
    """
    kind, direction, summary, detail = _form(fact, redactor)
    line = " ".join(redactor.text(summary).split())
    return kind, direction, line if len(line) <= _MOST_SUMMARY else f"{line[: _MOST_SUMMARY - 1]}…", detail


@functools.singledispatch
def _form(fact: Fact, redactor: Redactor) -> Form:
    raise AssertionError(f"no form for {fact!r}, {redactor!r}")


# --- connections ------------------------------------------------------------------------------------------------------


@_form.register
def _(fact: Opened, _redactor: Redactor) -> Form:
    return Kind.CONNECTION, Direction.NONE, f"opened by {fact.address}", {"event": "opened", "address": fact.address}


@_form.register
def _(fact: Closed, redactor: Redactor) -> Form:
    detail = {"event": "closed", "by": fact.by, "reason": redactor.text(fact.reason), "unread": fact.unread}
    return Kind.CONNECTION, Direction.NONE, f"closed by the {fact.by}" + _after(fact.reason), detail


@_form.register
def _(fact: Secured, _redactor: Redactor) -> Form:
    subject = describe_certificate(fact.certificate) if fact.certificate is not None else None
    detail = {
        "event": "tls",
        "version": fact.version,
        "cipher": fact.cipher,
        "resumed": fact.resumed,
        "certificate": subject,
    }
    return Kind.HANDSHAKE, Direction.NONE, f"{fact.version}, {subject or 'no certificate'}", detail


@_form.register
def _(fact: HandshakeFailed, redactor: Redactor) -> Form:
    detail = {"event": "tls failed", "reason": redactor.text(fact.reason)}
    return Kind.HANDSHAKE, Direction.NONE, f"TLS failed: {fact.reason}", detail


@_form.register
def _(fact: Upgraded, redactor: Redactor) -> Form:
    headers = redactor.plain(dict(fact.headers))
    detail = {"event": "upgrade", "path": fact.path, "accepted": fact.accepted, "headers": headers}
    verb = "opened" if fact.accepted else "refused"
    return Kind.HANDSHAKE, Direction.IN, f"WebSocket {verb} at {fact.path}", detail


@_form.register
def _(fact: Decided, redactor: Redactor) -> Form:
    return Kind.DECISION, Direction.NONE, fact.what, redactor.plain({"what": fact.what, **fact.more})


@_form.register
def _(fact: Injected, redactor: Redactor) -> Form:
    return Kind.FAULT, Direction.NONE, fact.what, redactor.plain({"what": fact.what, **fact.more})


@_form.register
def _(fact: Varied, redactor: Redactor) -> Form:
    detail = redactor.plain({"variations": list(fact.names), "command": fact.command, **fact.more})
    return Kind.VARIATION, Direction.NONE, f"{', '.join(fact.names)} in the answer to {fact.command}", detail


# --- the socket dialect -----------------------------------------------------------------------------------------------


@_form.register
def _(fact: RequestCame, redactor: Redactor) -> Form:
    envelope = fact.envelope
    detail = {
        "dialect": "hci",
        "framing": _framing(fact.framing),
        "names": list(envelope.names),
        "item_names": [list(item.names) for item in envelope.items],
        "time": redactor.plain(envelope.time),
        "data": redactor.plain([item.to_json() for item in envelope.items]),
        "meta": redactor.plain(dict(envelope.meta)),
    }
    return Kind.MESSAGE, Direction.IN, _envelope_line(detail["data"]), detail


@_form.register
def _(fact: BodyCame, _redactor: Redactor) -> Form:
    return Kind.MESSAGE, Direction.IN, f"body of {fact.size:,} bytes", {"dialect": "hci", "body_size": fact.size}


@_form.register
def _(fact: RequestBroken, redactor: Redactor) -> Form:
    reason = redactor.text(fact.reason)
    detail = {"dialect": "hci", "framing": _framing(fact.framing), "refused": reason, "answer": fact.answer}
    return Kind.MESSAGE, Direction.IN, f"a broken request: {reason}", detail


@_form.register
def _(fact: ReplySent, redactor: Redactor) -> Form:
    detail: dict[str, Any] = {"dialect": "hci", "size": len(fact.data), "ends": fact.data[-2:].hex()}
    try:
        envelope = read_reply(fact.data.removesuffix(b"\x04").decode("utf-8", "replace"))
    except ProtocolError:
        envelope = None
    if envelope is None:
        detail["data"] = redactor.plain(fact.data.decode("utf-8", "replace"))
        return Kind.MESSAGE, Direction.OUT, f"{len(fact.data)} bytes", detail
    detail["data"] = redactor.plain([item.to_json() for item in envelope.items])
    detail["meta"] = redactor.plain(dict(envelope.meta))
    return Kind.MESSAGE, Direction.OUT, _envelope_line(detail["data"]), detail


@_form.register
def _(fact: FileSent, redactor: Redactor) -> Form:
    name = redactor.text(fact.name)
    detail = {"dialect": "hci", "file": name, "form": fact.form, "size": fact.size, "whole": fact.whole}
    line = f"file {name}, {fact.size:,} bytes" + ("" if fact.whole else ", not all of it")
    return Kind.MESSAGE, Direction.OUT, line, detail


def _framing(framing: Any) -> dict[str, Any]:
    if isinstance(framing, TextFraming):
        return {
            "form": "text",
            "size": framing.size + framing.is_ended,
            "line_ends": framing.line_ends,
            "ends": ("03" if framing.ends_line else "") + ("04" if framing.is_ended else ""),
            "ascii": framing.is_ascii,
        }
    return {
        "form": "exchange",
        "meta_size": framing.meta_size,
        "body_size": framing.body_size,
        "line_ends": framing.line_ends,
    }


def _envelope_line(items: list[Any]) -> str:
    """The first item that says something: a command without its token, a reply by its first words."""
    words = []
    for item in items:
        if not isinstance(item, dict):
            continue
        kind, data = item.get("type"), item.get("data", item.get("rows"))
        if kind == "command":
            return _short(data)
        words.append(f"{kind}: {_short(data)}" if kind in ("string", "error", "token") else str(kind))
    return ", ".join(words) or "nothing"


def _short(data: Any) -> str:
    if isinstance(data, Mapping) and "begins" in data:
        data = data["begins"]
    text = str(data)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _after(reason: str) -> str:
    return f": {reason}" if reason else ""


# --- CellNet ----------------------------------------------------------------------------------------------------------


@_form.register
def _(fact: FrameCame, redactor: Redactor) -> Form:
    detail = _prefix(fact.frame.prefix)
    line = f"{detail.get('type', 'frame')}"
    if isinstance(fact.frame, BadFrame):
        detail["refused"] = redactor.text(fact.frame.reason)
    else:
        line = _frame(detail, fact.frame, redactor)
    for word in fact.led_to:
        detail.update(redactor.plain(dict(word)))
        line += "".join(f", {verb}: {word[verb]}" for verb in ("dropped", "refused") if verb in word)
    return Kind.MESSAGE, Direction.IN, line, detail


@_form.register
def _(fact: FrameSent, redactor: Redactor) -> Form:
    data = bytes(fact.data)
    detail = _prefix(data[:PREFIX_SIZE])
    frame = _decode_cut(data)
    line = _frame(detail, frame, redactor) if isinstance(frame, Frame) else f"{len(fact.data)} bytes"
    return Kind.MESSAGE, Direction.OUT, line, detail


def _decode_cut(data: bytes) -> Frame | BadFrame | None:
    """A frame of this side; of a long one only the beginning was kept."""
    try:
        return decode_frame(len(data).to_bytes(4, "big") + data[4:])
    except ProtocolError:
        return None


def _prefix(prefix: bytes) -> dict[str, Any]:
    detail: dict[str, Any] = {"dialect": "cellnet"}
    if len(prefix) == PREFIX_SIZE:
        found = read_prefix(prefix)
        known = found.type in FrameType._value2member_map_
        detail |= {"type": FrameType(found.type).name if known else str(found.type), "frame": found._asdict()}
    return detail


def _frame(detail: dict[str, Any], frame: Frame, redactor: Redactor) -> str:
    payload = bytes(frame.payload)
    detail["payload"] = describe_bytes(payload)
    if "frame" in detail:
        detail["payload"]["size"] = detail["frame"]["length"] - PREFIX_SIZE - detail["frame"]["header_size"]
    if frame.type is not FrameType.DATA:
        content = _unpacked(payload)
        detail["content"] = redactor.plain(content)
        name = content.get("endpoint_name") if isinstance(content, Mapping) else None
        return f"{frame.type.name} {name or ''}".strip()
    detail["headers"] = redactor.plain(dict(frame.headers))
    content = _content(frame, detail["payload"]["size"])
    if content is not None:
        detail["content"] = redactor.plain(content)
    return _message_line(frame.headers, detail)


def _unpacked(payload: bytes) -> Any:
    try:
        return unpack(payload) if payload else None
    except ProtocolError:
        return None


def _content(frame: Frame, size: int) -> Any:
    """What a message says that is whole in itself: raw, or a stream of one piece."""
    headers = frame.headers
    encoding = headers.get(Header.ENCODING)
    if StreamHeader.ID in headers:
        alone = headers.get(StreamHeader.TYPE) == PieceType.FINAL and headers.get(StreamHeader.SEQUENCE) == 0
        encoding = headers.get(StreamHeader.ENCODING) if alone else None
    if encoding != Encoding.FOBS.value or len(frame.payload) != size:
        return None
    try:
        return fobs.decode(frame.payload)
    except ProtocolError:
        return None


def _message_line(headers: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    channel, topic = headers.get(Header.CHANNEL, ""), headers.get(Header.TOPIC, "")
    kind = headers.get(StreamHeader.TYPE)
    if kind in (PieceType.ACK, PieceType.ERROR) and StreamHeader.ID in headers:
        verb = "acknowledges" if kind == PieceType.ACK else f"gives up ({headers.get(StreamHeader.ERROR)})"
        return f"{verb} stream {headers[StreamHeader.ID]} at {headers.get(StreamHeader.OFFSET)}"
    if StreamHeader.ID in headers:
        where = f"{headers.get(StreamHeader.CHANNEL, '')}/{headers.get(StreamHeader.TOPIC, '')}"
        piece = f"piece {headers.get(StreamHeader.SEQUENCE)}" + (", the last" if kind == PieceType.FINAL else "")
        return f"{where} {_said(detail)} ({piece}, {detail['payload']['size']:,} bytes)"
    return f"{headers.get(Header.TYPE, '')} {channel}/{topic} {headers.get(Header.RETURN_CODE, '')}".strip()


def _said(detail: Mapping[str, Any]) -> str:
    """The command line in an envelope, or the first words of a reply."""
    content = detail.get("content")
    envelope = content.get("json") if isinstance(content, Mapping) else None
    items = envelope.get("data") if isinstance(envelope, Mapping) else None
    return _envelope_line(items) if isinstance(items, list) else ""


# --- commands ---------------------------------------------------------------------------------------------------------


@_form.register
def _(fact: Commanded, redactor: Redactor) -> Form:
    detail = redactor.plain(
        {
            "line": fact.line,
            "user": fact.user,
            "answer": fact.answer,
            "status": fact.status,
            "info": fact.info,
            "error": fact.error,
            "upload_size": fact.upload_size,
        }
    )
    outcome = " ".join(filter(None, (fact.answer if fact.status is None else fact.status, fact.error or fact.info)))
    return Kind.COMMAND, Direction.NONE, f"{_short(redactor.text(fact.line))} = {outcome}", detail
