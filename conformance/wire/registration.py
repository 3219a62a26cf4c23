"""Rules of who is who (2.7-2.9): challenge, registration, the proof on every message, login and goodbye."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract import CELL_RELEASES, Observed
from conformance.wire.rules import OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.traffic import COMMANDS, CellConnection, Traffic
from mock_server.transcript import Entry

_NONCE = re.compile(r"<nonce \w+: UUID 4>")
_SIGNATURE = re.compile(r"<signature \w+: \d+ bytes>")
_CERTIFICATE = re.compile(r"<certificate .*CN=.* sha256:\w+>")
_PROOF = ("client_name", "__token__", "__token_signature__", "ssid")


@rule(
    "WIRE-AUTH-01",
    "The challenge",
    "The first message of a session is the challenge: the user's name in cn, a version 4 UUID in nonce, no payload.",
    Observed(OFFICIAL_CELL, "the wire document, challenge"),
    releases=CELL_RELEASES,
)
def challenge(traffic: Traffic) -> Iterator[Judgement]:
    known: set[str | None] = set()
    for connection in traffic.cells:
        first = next(iter(connection.messages), None)
        # A connection that is opened again may go on with what was proven before.
        if connection.is_whole and first is not None and connection.name not in known:
            found = first.detail["headers"]
            kept = (
                (found.get("cn__channel"), found.get("cn__topic")) == ("task", "challenge")
                and isinstance(found.get("cn"), str)
                and _NONCE.fullmatch(str(found.get("nonce")))
            )
            came = f"{found.get('cn__channel')}/{found.get('cn__topic')}, {found.get('cn')!r}, {found.get('nonce')!r}"
            yield judged(first, kept, "a challenge with cn and nonce", came)
        known.add(connection.name)


@rule(
    "WIRE-AUTH-02",
    "A nonce for every challenge",
    "Every challenge has a nonce of its own.",
    Observed(OFFICIAL_CELL, "the wire document, challenge: the server's signature over it proves that it is there now"),
    releases=CELL_RELEASES,
)
def nonce(traffic: Traffic) -> Iterator[Judgement]:
    seen: set[Any] = set()
    for connection in traffic.cells:
        for entry in connection.raw("task", "challenge"):
            came = entry.detail["headers"].get("nonce")
            yield judged(entry, came not in seen, "a new nonce", f"{came}, again")
            seen.add(came)


@rule(
    "WIRE-AUTH-03",
    "The headers of a registration",
    "The registration says client_name, as the challenge did, client_type admin, client_ip and project_name.",
    Observed(OFFICIAL_CELL, "the wire document, register"),
    releases=CELL_RELEASES,
)
def register_headers(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        asked = connection.raw("task", "challenge")
        for entry in connection.raw("task", "register"):
            found = entry.detail["headers"]
            user = asked[-1].detail["headers"].get("cn") if asked else found.get("client_name")
            came = [found.get("client_name"), found.get("client_type")]
            yield same(entry, came, [user, "admin"], "client_name and client_type")
            kept = all(isinstance(found.get(name), str) for name in ("client_ip", "project_name"))
            yield judged(entry, kept, "client_ip and project_name", [found.get("client_ip"), found.get("project_name")])


@rule(
    "WIRE-AUTH-04",
    "The content of a registration",
    "The registration brings certificate, its common name and a signature, and the user's name in the peer context.",
    Observed(OFFICIAL_CELL, "the wire document, register"),
    releases=CELL_RELEASES,
)
def register_content(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.raw("task", "register"):
            content = entry.detail.get("content")
            said = content.get("Shareable") if isinstance(content, Mapping) else None
            said = said if isinstance(said, Mapping) else {}
            context = (said.get("__headers__") or {}).get("__peer_ctx__")
            identity = (context or {}).get("FLContext", {}).get("__identity_name__")
            kept = (
                isinstance(said.get("cn"), str)
                and _CERTIFICATE.fullmatch(str(said.get("cert")))
                and _SIGNATURE.fullmatch(str(said.get("signature")))
                and identity == entry.detail["headers"].get("client_name")
            )
            yield judged(entry, kept, "cert, signature and cn, and __identity_name__ in __peer_ctx__", said)


@rule(
    "WIRE-AUTH-05",
    "The signature of a registration",
    "The user's key signs the common name and the server's nonce, as one text: RSA-PSS with the longest salt.",
    Observed(OFFICIAL_CELL, "the wire document, authentication"),
    releases=CELL_RELEASES,
)
def signature(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        for entry in connection.raw("task", "register"):
            dropped = str(entry.detail.get("dropped", ""))
            yield judged(entry, "signature" not in dropped, "a signature that fits", dropped)


@rule(
    "WIRE-PROOF-01",
    "The proof on every message",
    "After the registration every message carries client_name, token, signature and ssid as the server gave them.",
    Observed(OFFICIAL_CELL, "the wire document, auth headers: what has none is dropped in silence"),
    releases=CELL_RELEASES,
)
def proof(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        registered = connection.registered
        if registered is None:
            continue
        given = {"client_name": registered.detail["registered"], **_given(connection)}
        for entry in connection.messages:
            if entry.number > registered.number and entry.detail["headers"].get("cn__channel") != "task":
                came = {name: entry.detail["headers"].get(name) for name in _PROOF}
                yield same(entry, came, given, "the proof")


@rule(
    "WIRE-PROOF-02",
    "No proof before the registration",
    "Challenge and registration carry no token.",
    Observed(OFFICIAL_CELL, "the captures"),
    releases=CELL_RELEASES,
)
def no_proof(traffic: Traffic) -> Iterator[Judgement]:
    for connection in traffic.cells:
        if connection.is_whole:
            for entry in (*connection.raw("task", "challenge"), *connection.raw("task", "register")):
                came = [name for name in _PROOF[1:] if name in entry.detail["headers"]]
                yield same(entry, came, [], "the headers of a proof")


@rule(
    "WIRE-LOGIN-03",
    "The headers of the login",
    "The message of the login carries user_name, cert and signature, from 2.8 on study, beside the proof.",
    Observed(OFFICIAL_CELL, "the wire document, HCI login"),
    releases=CELL_RELEASES,
)
def login_headers(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        if not command.is_login or command.form != "stream":
            continue
        found = command.entry.detail["headers"]
        kept = (
            isinstance(found.get("user_name"), str)
            and _CERTIFICATE.fullmatch(str(found.get("cert")))
            and _SIGNATURE.fullmatch(str(found.get("signature")))
            and (traffic.release == "2.7" or isinstance(found.get("study"), str))
        )
        came = {name: found.get(name) for name in ("user_name", "cert", "signature", "study")}
        yield judged(command.entry, kept, "user_name, cert, signature and study", came)


@rule(
    "WIRE-LOGOUT-01",
    "Logging out",
    "A client that closes its session sends _logout as its last command.",
    Observed(OFFICIAL_CELL, "the wire document, session life"),
    releases=CELL_RELEASES,
)
def logout(traffic: Traffic) -> Iterator[Judgement]:
    for connection in _left(traffic):
        if connection.commands and not _was_told_of_the_end(connection) and _is_logged_in(connection):
            last = connection.commands[-1]
            yield same(last.entry, last.line, "_logout", "the last command")


@rule(
    "WIRE-BYE-01",
    "The goodbye",
    "A client says bye before it closes the connection, as its last request.",
    Observed(OFFICIAL_CELL, "the wire document, session life: the server forgets the cell by it"),
    releases=CELL_RELEASES,
)
def goodbye(traffic: Traffic) -> Iterator[Judgement]:
    for connection in _left(traffic):
        said = [entry for entry in connection.messages if entry.detail["headers"].get("cn__topic") != "sm__ACK"]
        # A client whose session the server ends says so while a request of another thread is on its way (2.9.0).
        last = _bye_or_last(said) if _was_told_of_the_end(connection) else said[-1]
        headers = last.detail["headers"]
        came = (headers.get("cn__channel"), headers.get("cn__topic"))
        yield same(last, came, ("cellnet.channel", "bye"), "the last request")


def _was_told_of_the_end(connection: CellConnection) -> bool:
    return any((entry.detail.get("headers") or {}).get("sm__tp") == "SESSION_EXPIRED" for entry in connection.outgoing)


def _bye_or_last(said: list[Entry]) -> Entry:
    return next((entry for entry in said if entry.detail["headers"].get("cn__topic") == "bye"), said[-1])


def _given(connection: CellConnection) -> dict[str, Any]:
    """What the server answered to the registration."""
    for entry in connection.outgoing:
        if (entry.detail.get("headers") or {}).get("cn__topic") == "register":
            content = entry.detail.get("content")
            if isinstance(content, Mapping) and content:
                return {name: content.get(name) for name in _PROOF[1:]}
    return {}


def _left(traffic: Traffic) -> list[CellConnection]:
    """The connections of registered cells that the client closed, and no fault broke."""
    return [
        connection
        for connection in traffic.cells
        if (closed := connection.event("closed")) is not None
        and closed.detail["by"] == "client"
        and connection.is_whole
        and connection.registered is not None
        and not connection.is_disturbed
    ]


def _is_logged_in(connection: CellConnection) -> bool:
    """Whether the server gave a token on the connection, or it took one."""
    return any(command.token for command in connection.commands) and any(
        entry.detail.get("request") == COMMANDS for entry in connection.messages
    )
