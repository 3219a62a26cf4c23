"""What a command answers: a reply, a file, or one of the ways in which an official server stays silent.

Commands build answers and know nothing of bytes; endpoints turn answers into bytes and know nothing of commands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from flare_client.protocol import envelope
from flare_client.protocol.envelope import Envelope, Item, ItemType, Json
from flare_client.protocol.statuses import MetaKey, MetaStatus

T = TypeVar("T")


def meta(status: MetaStatus, info: str = "", extra: Mapping[MetaKey, Json] | None = None) -> dict[str, Json]:
    """A reply meta: status, info, then whatever the command adds."""
    return {
        MetaKey.STATUS.value: status.value,
        MetaKey.INFO.value: info,
        **{key.value: value for key, value in (extra or {}).items()},
    }


class Reply:
    """A text reply under construction.

    It follows the official server's writer: a ``success`` or ``error`` item without a meta of its own sets status and
    info, later items overwrite earlier keys, other items set nothing (observed: 2.3.12-2.6.3).
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.meta: dict[str, Json] = {}

    def _add(self, item: Item, extra: Mapping[str, Json] | None) -> Reply:
        self.items.append(item)
        self.meta.update(extra or {})
        return self

    def string(self, text: str, meta: Mapping[str, Json] | None = None) -> Reply:
        """Add a text item."""
        return self._add(envelope.string(text), meta)

    def success(self, text: str = "", meta: Mapping[str, Json] | None = None) -> Reply:
        """Add a success item."""
        return self._add(
            envelope.success(text),
            meta if meta is not None else {MetaKey.STATUS.value: MetaStatus.OK.value, MetaKey.INFO.value: text},
        )

    def error(self, text: str, meta: Mapping[str, Json] | None = None) -> Reply:
        """Add an error item."""
        return self._add(
            envelope.error(text),
            meta if meta is not None else {MetaKey.STATUS.value: MetaStatus.ERROR.value, MetaKey.INFO.value: text},
        )

    def table(self, rows: list[list[Json]], meta: Mapping[str, Json] | None = None) -> Reply:
        """Add a table; row 0 is the header."""
        return self._add(envelope.table(rows), meta)

    def dict(self, value: Mapping[str, Json], meta: Mapping[str, Json] | None = None) -> Reply:
        """Add an object."""
        return self._add(Item(ItemType.DICT, dict(value)), meta)

    def token(self, token: str) -> Reply:
        """Add a session token."""
        return self._add(Item(ItemType.TOKEN, token), None)

    def shutdown(self, text: str) -> Reply:
        """Add the item that makes a client close its session."""
        return self._add(Item(ItemType.SHUTDOWN, text), None)

    def with_meta(self, meta: Mapping[str, Json]) -> Reply:
        """Set keys of the meta without an item."""
        self.meta.update(meta)
        return self

    def envelope(self, time: str) -> Envelope:
        """The finished reply."""
        return Envelope(tuple(self.items), self.meta, time)


@dataclasses.dataclass(frozen=True)
class FileAnswer:
    """A file in the transfer form of the release.

    Attributes:
        path: the file, read while it is sent.
        staging: a folder to remove once the file is sent.
    """

    path: Path
    staging: Path | None = None


@dataclasses.dataclass(frozen=True)
class InlineFileAnswer:
    """A reply whose only text item is a file in base64, encoded while it is sent.

    Attributes:
        path: the file.
        meta: the meta of the reply.
    """

    path: Path
    meta: Mapping[str, Json]


@dataclasses.dataclass(frozen=True)
class EmptyAnswer:
    """The end marker alone."""


@dataclasses.dataclass(frozen=True)
class SilentAnswer:
    """The connection is closed without a byte."""


@dataclasses.dataclass(frozen=True)
class Late(Generic[T]):
    """What is not there yet.

    Attributes:
        seconds: until then.
        then: gives it; called once, at that time.
    """

    seconds: float
    then: Callable[[], T]


Answer = Reply | FileAnswer | InlineFileAnswer | EmptyAnswer | SilentAnswer
