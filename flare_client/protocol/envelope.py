"""The envelope: the JSON object that every request and reply is.

``{"time": ..., "data": [item, ...], "meta": {...}}``; ``data`` is a list of typed items. Encoding is ASCII only:
official peers decode block by block, so a character of several bytes may be cut and lost (observed: 2.3.12-2.6.3).
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flare_client.protocol.errors import LocalProtocolError, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, Limits

Json = Any
"""A value that JSON can hold."""


class ItemType(str, enum.Enum):
    """The kinds of items. A message with any other kind is invalid as a whole."""

    STRING = "string"
    SUCCESS = "success"
    ERROR = "error"
    TABLE = "table"
    DICT = "dict"
    COMMAND = "command"
    TOKEN = "token"
    SHUTDOWN = "shutdown"


_ENCODER = json.JSONEncoder(check_circular=False)
"""What refers to itself ends in a ``RecursionError`` here; to look out for it costs a good part of the whole."""
_ITEM_TYPES = {kind.value: kind for kind in ItemType}


@dataclasses.dataclass(frozen=True)
class Item:
    """One item: ``data`` is text or an object; the rows of a table."""

    type: ItemType
    data: Json
    names: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    """The names in it as it came, in order; none where this side made it."""

    def to_json(self) -> dict[str, Json]:
        """The item as it stands in the envelope."""
        return {"type": self.type.value, "rows" if self.type is ItemType.TABLE else "data": self.data}


@dataclasses.dataclass(frozen=True)
class Envelope:
    """A request or a reply."""

    items: tuple[Item, ...]
    meta: Mapping[str, Json] = dataclasses.field(default_factory=dict)
    time: str | None = None
    """The sender's local time; informational."""
    has_meta: bool = True
    """Whether the message carried ``meta`` at all: a client keeps the meta of an earlier line otherwise."""
    names: tuple[str, ...] = dataclasses.field(default=(), compare=False, repr=False)
    """The names at its top as it came, in order; none where this side made it."""

    def first(self, kind: ItemType) -> Json | None:
        """The data of the first item of a kind, or ``None``."""
        return next((item.data for item in self.items if item.type is kind), None)

    def all(self, kind: ItemType) -> list[Json]:
        """The data of every item of a kind."""
        return [item.data for item in self.items if item.type is kind]

    def encode(self) -> bytes:
        """The JSON text, ASCII only, without terminators.

        Raises:
            LocalProtocolError: an item or the meta holds what JSON cannot.
        """
        try:
            return _ENCODER.encode(
                {"time": self.time or "", "data": [item.to_json() for item in self.items], "meta": self.meta}
            ).encode("ascii")
        except (TypeError, ValueError, RecursionError) as error:
            raise LocalProtocolError(f"expected items and meta that JSON can hold, but {error}") from error


def string(text: str) -> Item:
    """A text item."""
    return Item(ItemType.STRING, text)


def error(text: str) -> Item:
    """An error item."""
    return Item(ItemType.ERROR, text)


def success(text: str = "") -> Item:
    """A success item."""
    return Item(ItemType.SUCCESS, text)


def request(line: str, token: str | None, meta: Mapping[str, Json] | None = None, time: str | None = None) -> Envelope:
    """A request: a command line, the session token once there is one, and the request meta."""
    items = [Item(ItemType.COMMAND, line)]
    if token is not None:
        items.append(Item(ItemType.TOKEN, token))
    return Envelope(tuple(items), meta or {}, time)


# Matches from every quote on, also where the string never ends: a match that failed would be tried again from the next
# quote, and a message of quotes would cost the square of its length.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)


def _check_depth(text: str, allowed: int) -> None:
    # The JSON parser recurses: the depth is looked at before it does. Brackets inside strings make the first count
    # too high, never too low, so what passes it is safe; the rest is counted exactly.
    if text.count("[") + text.count("{") <= allowed:
        return
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    if deepest > allowed:
        raise RemoteProtocolError(f"expected JSON nested at most {allowed} deep, but it is nested {deepest} deep")


def _read_item(value: Json) -> Item:
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"expected an item to be an object, but got {type(value).__name__}")
    name = value.get("type")
    kind = _ITEM_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise RemoteProtocolError(f"expected an item type of {sorted(_ITEM_TYPES)}, but got {value.get('type')!r:.80}")
    if kind is ItemType.TABLE:
        rows = value.get("rows")
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise RemoteProtocolError("expected the rows of a table to be a list of lists")
        return Item(kind, rows, tuple(value))
    data = value.get("data")
    if not isinstance(data, (str, dict)):
        raise RemoteProtocolError(
            f"expected the data of a {kind.value} item to be text or an object, but got {type(data).__name__}"
        )
    return Item(kind, data, tuple(value))


def read_envelope(text: str, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Read an envelope from its JSON text.

    Raises:
        RemoteProtocolError: the text is no JSON, or no envelope, or one item of it is invalid; the whole message
            is invalid then, on both sides.
    """
    _check_depth(text, limits.depth)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RemoteProtocolError(f"expected a JSON document, but got {text[:60]!r} ({problem})") from problem
    if not isinstance(value, dict):
        raise RemoteProtocolError(f"expected a JSON object, but got {type(value).__name__}")
    data = value.get("data")
    if not isinstance(data, list):
        raise RemoteProtocolError(f"expected `data` to be a list, but got {type(data).__name__}")
    meta = value.get("meta")
    time = value.get("time")
    return Envelope(
        items=tuple(_read_item(item) for item in data),
        meta=meta if isinstance(meta, dict) else {},
        time=time if isinstance(time, str) else None,
        has_meta=bool(meta) and isinstance(meta, dict),
        names=tuple(value),
    )


def table(rows: Iterable[Iterable[Json]]) -> Item:
    """A table item; row 0 is the header."""
    return Item(ItemType.TABLE, [list(row) for row in rows])
