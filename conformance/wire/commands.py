"""Rules of commands, whichever dialect brings them: the envelope, its items, the token, the login."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.contract import CELL_RELEASES, Level, Observed
from conformance.wire.rules import OFFICIAL, OFFICIAL_CELL, Judgement, judged, rule, same
from conformance.wire.traffic import Command, SocketConnection, Traffic, tokens_in
from mock_server.transcript import Kind

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")
_META = {"cmd_timeout": (int, float), "custom_props": (dict,), "cmd_props": (object,)}


@rule(
    "WIRE-ENV-01",
    "The envelope of a request",
    "A request is an object of time, data and meta, and each of its items an object of type and data.",
    Observed(OFFICIAL, "the wire document, envelope: nothing else is in any request of the captures"),
)
def envelope(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        yield same(command.entry, sorted(command.names), ["data", "meta", "time"], "the names in the request")
        for names in command.item_names:
            yield same(command.entry, sorted(names), ["data", "type"], "the names in an item")


@rule(
    "WIRE-TIME-01",
    "The time of a request",
    "The time of a request is local time without a zone, as 2026-11-23 13:17:52.737106.",
    Observed(OFFICIAL, "the wire document, envelope"),
    level=Level.SHOULD,
)
def time(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        came = command.envelope.get("time")
        kept = isinstance(came, str) and _TIME.fullmatch(came)
        yield judged(command.entry, kept, "the time as YYYY-MM-DD HH:MM:SS.ffffff", came)


@rule(
    "WIRE-ITEM-01",
    "The items of a request",
    "A request has one command item, at most one token item, and no item of another type.",
    Observed(
        OFFICIAL, "the wire document, envelope: the first of each counts; an unknown type spoils the whole message"
    ),
)
def items(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        types = [item.get("type") for item in command.items]
        kept = sorted(map(str, types)) in (["command"], ["command", "token"])
        yield judged(command.entry, kept, "one command and at most one token", types)


@rule(
    "WIRE-ITEM-02",
    "The order of items",
    "The command is the first item of a request, the token the second.",
    Observed(OFFICIAL, "the captures; servers take them in any order"),
    level=Level.SHOULD,
)
def order(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        types = [item.get("type") for item in command.items if item.get("type") in ("command", "token")]
        if len(types) == 2:
            yield same(command.entry, types, ["command", "token"], "the command and the token")


@rule(
    "WIRE-TOKEN-01",
    "No token before the login",
    "A login carries no token, but where a client logs in again: then it may be one that the server gave.",
    Observed(OFFICIAL, "the wire document, login; who logs in again sends the token that it has (2.4.2, 2.6.3, 2.9.0)"),
)
def no_token(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        if not (command.is_login and command.connection.is_whole):
            continue
        if command.token is not None and isinstance(command.connection, SocketConnection) and not traffic.is_whole:
            continue  # a connection for each command: the token may have been given before the transcript begins
        given = command.token in traffic.tokens if traffic.is_whole else _has_token(command)
        yield judged(command.entry, command.token is None or given, "no token in the login", command.token)


@rule(
    "WIRE-TOKEN-02",
    "The token after the login",
    "Every command after the login carries the token that the server gave.",
    Observed(OFFICIAL, "the wire document, token check"),
)
def token(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        if command.is_login or (command.name == "_logout" and command.token is None and not _has_token(command)):
            continue  # who was refused, or given up on, has no token, and official clients log out all the same
        # A transcript that begins later does not know which tokens were given before.
        kept = command.token in traffic.tokens if traffic.is_whole else command.token is not None
        yield judged(command.entry, kept, "the token that the server gave", command.token)


def _has_token(command: Command) -> bool:
    """Whether the server gave a token on the connection before the command, as it may on one of CellNet."""
    earlier = (entry for entry in command.connection.outgoing if entry.number < command.entry.number)
    return any(tokens_in(entry.detail) for entry in earlier)


@rule(
    "WIRE-NAME-01",
    "Commands that exist",
    "A client sends only commands that the server has.",
    Observed(OFFICIAL, "clients look each command up in the reply to _commands"),
)
def name(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        later = (one for one in command.connection.entries if one.number > command.entry.number)
        outcome = next((one for one in later if one.kind is Kind.COMMAND), None)
        error = str(outcome.detail.get("error", "")) if outcome is not None else ""
        yield judged(
            command.entry, not error.startswith("Unknown command"), "a command of the release", command.line[:80]
        )


@rule(
    "WIRE-LOGIN-01",
    "The login",
    "The login is _cert_login and the name of the user, and nothing else.",
    Observed(OFFICIAL, "the wire document, login: a word more or less is refused"),
)
def login(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        if command.is_login:
            words = command.line.split(" ")
            expected = 2 if words[0] == "_cert_login" else 3
            yield judged(command.entry, len(words) == expected, f"{words[0]} with {expected - 1} words", command.line)


@rule(
    "WIRE-LOGIN-02",
    "What follows the login",
    "The first command of a session is _commands, which tells the client what the server has.",
    Observed(OFFICIAL, "the wire document, login"),
)
def after_login(traffic: Traffic) -> Iterator[Judgement]:
    begun: set[str] = set()
    for command in traffic.commands:
        given = command.token
        if given is not None and given in traffic.tokens and given not in begun:
            begun.add(given)
            yield same(command.entry, command.line, "_commands", "the first command of the session")


@rule(
    "WIRE-META-01",
    "The meta of a request",
    "The meta of a request has no key but cmd_timeout (a number), custom_props (an object) and cmd_props.",
    Observed(OFFICIAL, "the wire document, requests"),
)
def meta(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        came = command.envelope.get("meta")
        kept = isinstance(came, dict) and all(
            key in _META and isinstance(value, _META[key]) and not isinstance(value, bool)
            for key, value in came.items()
        )
        yield judged(command.entry, kept, f"a meta of {', '.join(_META)} at most", came)


@rule(
    "WIRE-META-02",
    "The timeout in the meta",
    "After set_timeout a request says cmd_timeout, in seconds, in its meta.",
    Observed(OFFICIAL_CELL, "the wire document, requests: servers wait for their sites accordingly"),
    releases=CELL_RELEASES,
)
def command_timeout(traffic: Traffic) -> Iterator[Judgement]:
    for command in traffic.commands:
        came = command.envelope.get("meta")
        if isinstance(came, dict) and "cmd_timeout" in came:
            value = came["cmd_timeout"]
            kept = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
            yield judged(command.entry, kept, "seconds above 0", value)
