"""Rules of the socket dialect (2.3-2.6): the framing of requests, one request a connection, uploads and downloads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract import SOCKET_RELEASES, Observed
from conformance.wire.rules import OFFICIAL_SOCKET, Judgement, judged, rule, same
from conformance.wire.traffic import Command, Traffic
from mock_server.transcript import Direction

_INLINE, _EXCHANGE = SOCKET_RELEASES[:2], SOCKET_RELEASES[2:]
_PULLS = SOCKET_RELEASES[1:]
_ZIP_IN_BASE64 = re.compile(r"UEsDB[A-Za-z0-9+/]*=*")
"""How an archive begins in base64."""


@rule(
    "WIRE-END-01",
    "The end of a request",
    "A text request is one line, which ends with 0x03, and the message ends with 0x04.",
    Observed(OFFICIAL_SOCKET, "the wire document, text message; servers would do without the 0x03"),
    releases=SOCKET_RELEASES,
)
def end(traffic: Traffic) -> Iterator[Judgement]:
    for entry, framing in _texts(traffic):
        kept = framing["ends"] == "0304" and framing["line_ends"] == 1
        came = f"{framing['line_ends']} line ends, and {framing['ends'] or 'neither'} at the end"
        yield judged(entry, kept, "one line that ends with 03, and 04 after it", came)


@rule(
    "WIRE-ASCII-01",
    "ASCII alone",
    "A text request is ASCII: other characters are escaped.",
    Observed("2.3.12, 2.4.2, 2.5.2", "servers decode block by block, and a character that is cut is lost"),
    releases=SOCKET_RELEASES,
)
def ascii_alone(traffic: Traffic) -> Iterator[Judgement]:
    for entry, framing in _texts(traffic):
        yield judged(entry, framing["ascii"], "ASCII", "bytes above 0x7f")


@rule(
    "WIRE-READ-01",
    "A request that can be read",
    "A text request is one JSON document that the server can read.",
    Observed(OFFICIAL_SOCKET, "the wire document, malformed input: protocol violation"),
    releases=SOCKET_RELEASES,
)
def readable(traffic: Traffic) -> Iterator[Judgement]:
    for entry, _ in _texts(traffic):
        yield judged(entry, "refused" not in entry.detail, "a request", str(entry.detail.get("refused")))


@rule(
    "WIRE-ONE-01",
    "One request a connection",
    "A connection carries one request, and no byte after its end.",
    Observed(OFFICIAL_SOCKET, "the wire document, connections: no keep-alive, no pipelining"),
    releases=SOCKET_RELEASES,
)
def one_request(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.sockets:
        closed = connection.event("closed")
        if closed is not None and connection.is_whole and not connection.is_disturbed:
            came = f"{len(connection.requests)} requests and {closed.detail['unread']} bytes more"
            kept = len(connection.requests) == 1 and not closed.detail["unread"]
            yield judged(closed, kept, "one request and nothing after it", came)


@rule(
    "WIRE-WAIT-01",
    "Who closes",
    "The server closes the connection after its answer; the client waits for that answer.",
    Observed(OFFICIAL_SOCKET, "the wire document, connections: no half-close"),
    releases=SOCKET_RELEASES,
)
def waits(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.sockets:
        closed = connection.event("closed")
        if closed is not None and connection.requests and not connection.is_disturbed:
            yield same(closed, closed.detail["by"], "server", "who closes")


@rule(
    "WIRE-SUBMIT-01",
    "A job in the command line",
    "submit_job carries the archive of the job in base64 as its last word.",
    Observed("2.3.12, 2.4.2", "the wire document, submit_job"),
    releases=_INLINE,
)
def inline(traffic: Traffic) -> Iterator[Judgement]:
    for command in _submissions(traffic):
        words = command.line.rsplit(" ", 1)
        kept = len(words) == 2 and _ZIP_IN_BASE64.fullmatch(words[1])
        yield judged(command.entry, kept, "an archive in base64 as the last word", words[-1][:40])


@rule(
    "WIRE-SUBMIT-02",
    "A job in a binary exchange",
    "submit_job is a binary exchange, whose body is the archive of the job; every other command is a text.",
    Observed("2.5.2, 2.6.3", "the wire document, binary exchange"),
    releases=_EXCHANGE,
)
def exchange(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.sockets:
        for command in connection.commands:
            expected = "exchange" if command.name == "submit_job" else "text"
            yield same(command.entry, command.form, expected, f"the form of {command.name}")


@rule(
    "WIRE-SUBMIT-03",
    "The envelope of a binary exchange",
    "The envelope of a binary exchange is JSON without the 0x03 and 0x04 of a text.",
    Observed("2.5.2, 2.6.3", "the wire document, binary exchange"),
    releases=_EXCHANGE,
)
def exchange_envelope(traffic: Traffic) -> Iterator[Judgement]:
    for entry, framing in _framings(traffic, "exchange"):
        yield same(entry, framing["line_ends"], 0, "the line ends in the envelope")


@rule(
    "WIRE-SUBMIT-04",
    "The sum of a binary exchange",
    "The body of a binary exchange has the announced size; four zero bytes and its CRC-32 follow.",
    Observed("2.5.2, 2.6.3", "the wire document, binary exchange: a wrong sum is answered by the end marker alone"),
    releases=_EXCHANGE,
)
def exchange_sum(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.sockets:
        for entry in connection.requests:
            is_over = connection.event("closed") is not None
            if entry.detail["framing"]["form"] != "exchange" or connection.is_disturbed or not is_over:
                continue
            later = [one for one in connection.incoming if one.number > entry.number]
            reason = next((one.detail["refused"] for one in (entry, *later) if "refused" in one.detail), None)
            whole = any("body_size" in one.detail for one in later)
            yield judged(entry, whole and reason is None, "the whole body, the end marker and the sum", str(reason))


@rule(
    "WIRE-PULL-01",
    "The files of a download",
    "After download_job each listed file is asked for once, in their order, and the last with the word end.",
    Observed("2.4.2, 2.5.2, 2.6.3", "the wire document, download_job: the server forgets the files by that word"),
    releases=_PULLS,
)
def pulls(traffic: Traffic) -> Iterator[Judgement]:
    pulled = [command for command in traffic.commands if command.name == "download_job_file"]
    for number, command in enumerate(pulled):
        words = command.line.split(" ")
        same_download = [one for one in pulled if one.line.split(" ")[1:2] == words[1:2]]
        is_last = command is same_download[-1]
        listed = _listed(traffic, words[1] if len(words) > 1 else "")
        place = same_download.index(command)
        expected = [listed[place] if listed and place < len(listed) else words[3] if len(words) > 3 else ""]
        expected += ["end"] if (place == len(listed) - 1 if listed else is_last) else []
        yield same(command.entry, words[3:], expected, f"the last words of request {number + 1} for a file")


def _listed(traffic: Traffic, transaction: str) -> list[str]:
    """The files that the server listed for a download."""
    for connection in traffic.sockets:
        for entry in connection.outgoing:
            meta = entry.detail.get("meta")
            if isinstance(meta, Mapping) and transaction and meta.get("tx_id") == transaction:
                return list(map(str, meta.get("files") or []))
    return []


def _framings(traffic: Traffic, form: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for connection in traffic.sockets:
        for entry in connection.requests:
            framing = entry.detail["framing"]
            if framing["form"] == form and entry.direction is Direction.IN:
                yield entry, framing


def _texts(traffic: Traffic) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    return _framings(traffic, "text")


def _submissions(traffic: Traffic) -> list[Command]:
    return [command for command in traffic.commands if command.name == "submit_job"]
