"""The transcript of a server: the last things that happened, bounded in number and bytes.

What is noted is kept as it is and becomes an entry when somebody reads it: a server that nobody watches pays for a
reference, and no more.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.cellnet.blocks import first_of
from flare_client.protocol.cellnet.sfm import PREFIX_SIZE, Frame
from flare_client.protocol.envelope import ItemType
from flare_client.protocol.limits import MIB
from mock_server.clock import Clock, RealClock
from mock_server.transcript.entry import Entry
from mock_server.transcript.facts import (
    KEPT,
    Commanded,
    Fact,
    FrameCame,
    FrameSent,
    ReplySent,
    RequestCame,
    Trace,
)
from mock_server.transcript.forms import form_of
from mock_server.transcript.redaction import Redactor

Listener = Callable[[Entry], None]

_FIXED = 512
"""Bytes that a record takes beside what it refers to, roughly."""


@dataclasses.dataclass(frozen=True)
class Retention:
    """How much a transcript keeps; what is older goes.

    Attributes:
        entries: how many; 0 keeps nothing.
        bytes: what they may take together, roughly.
    """

    entries: int = 20_000
    bytes: int = 16 * MIB

    def __post_init__(self) -> None:
        if self.entries < 0 or self.bytes < 0:
            raise ValueError(f"expected no negative bounds of a transcript, but got {self}")


class _Record:
    """What is kept of a fact until somebody reads it."""

    __slots__ = ("connection", "entry", "fact", "number", "session", "time", "user", "weight")

    def __init__(self, number: int, time: float, trace: Trace | None, fact: Fact, weight: int) -> None:
        self.number = number
        self.time = time
        self.connection = trace.number if trace is not None else 0
        self.user = trace.user if trace is not None else ""
        self.session = trace.session if trace is not None else None
        self.fact: Fact | None = fact
        self.weight = weight
        self.entry: Entry | None = None


class Transcript:
    """What happened on a server; safe to read from any thread, also after the server has stopped.

    Args:
        retention: how much is kept.
        clock: dates the entries.

    Attributes:
        retention: how much is kept.
        redactor: takes the secrets out.
        clock: dates the entries.
    """

    def __init__(self, retention: Retention | None = None, clock: Clock | None = None) -> None:
        self.retention = retention or Retention()
        self.clock: Clock = clock or RealClock()
        self.redactor = Redactor()
        self._records: collections.deque[_Record] = collections.deque()
        self._bytes = 0
        self._number = 0
        self._connections = itertools.count(1)
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    # --- told by the server -----------------------------------------------------------------------------------------

    def connection(self) -> int:
        """A number for a new connection."""
        return next(self._connections)

    def note(self, connection: Trace | None, fact: Fact) -> None:
        """Take a fact.

        Args:
            connection: where it happened; ``None`` for what happened on none.
            fact: what happened.
        """
        most, records = self.retention, self._records
        if not most.entries:
            return
        if isinstance(fact, Commanded) and fact.token:
            self.redactor.learn(fact.token, "session")
        weigh = _WEIGHTS.get(type(fact))
        weight = weigh(fact) if weigh is not None else 0
        if weight > KEPT:
            fact, weight = _cut(fact), KEPT
        with self._lock:
            self._number += 1
            record = _Record(self._number, self.clock.time(), connection, fact, weight + _FIXED)
            records.append(record)
            self._bytes += record.weight
            while len(records) > most.entries or self._bytes > most.bytes:
                self._bytes -= records.popleft().weight
            if not self._listeners:
                return
            listeners, entry = list(self._listeners), self._entry(record)
        for listener in listeners:
            listener(entry)

    # --- for who reads it -------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The number of the last entry; 0 where there is none yet."""
        return self._number

    @property
    def first(self) -> int:
        """The number of the oldest entry that is kept; one more than ``last`` where none is."""
        with self._lock:
            return self._records[0].number if self._records else self._number + 1

    def entries(self, since: int = 0, before: int | None = None) -> list[Entry]:
        """The entries that are kept, oldest first.

        Args:
            since: only those with a greater number.
            before: only those with a lesser number.
        """
        with self._lock:
            end = self._number + 1 if before is None else before
            return [self._entry(record) for record in self._records if since < record.number < end]

    def as_text(self, since: int = 0) -> str:
        """The entries for people, a line each.

        Args:
            since: only those with a greater number.
        """
        return "\n".join(map(str, self.entries(since)))

    def write_jsonl(self, path: str | Path, since: int = 0) -> int:
        """Write the entries to a file, one JSON object a line.

        Args:
            path: the file; it is written anew.
            since: only those with a greater number.

        Returns:
            How many there are.

        Raises:
            OSError: the file cannot be written.
        """
        entries = self.entries(since)
        with Path(path).open("w", encoding="utf-8") as file:
            file.writelines(as_line(entry) for entry in entries)
        return len(entries)

    def clear(self) -> None:
        """Forget what happened; numbers go on."""
        with self._lock:
            self._records.clear()
            self._bytes = 0

    def follow(self, listener: Listener) -> Callable[[], None]:
        """Have a function called with each entry from now on.

        Args:
            listener: runs on the server's loop; it must not wait.

        Returns:
            A function that ends it.
        """
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                self._listeners = [one for one in self._listeners if one is not listener]

        return end

    def _entry(self, record: _Record) -> Entry:
        if record.entry is None and record.fact is not None:
            kind, direction, summary, detail = form_of(record.fact, self.redactor)
            session = self.redactor.mark(record.session, "session") if record.session else ""
            time = datetime.datetime.fromtimestamp(record.time, datetime.timezone.utc).isoformat(
                timespec="microseconds"
            )
            user = self.redactor.text(record.user)
            record.entry = Entry(
                record.number, time, record.connection, user, session, direction, kind, summary, detail
            )
            record.fact = None
        if record.entry is None:
            raise AssertionError("a record has a fact or an entry")
        return record.entry


def as_line(entry: Entry) -> str:
    """An entry as a line of a JSONL file."""
    return json.dumps(entry.to_json(), ensure_ascii=False) + "\n"


def _frame_weight(fact: FrameCame) -> int:
    frame = fact.frame
    return len(frame.payload) + 2 * int.from_bytes(frame.prefix[4:6], "big") if isinstance(frame, Frame) else 0


def _request_weight(fact: RequestCame) -> int:
    return getattr(fact.framing, "size", 0) or getattr(fact.framing, "meta_size", 0)


_WEIGHTS: Mapping[type, Callable[[Any], int]] = {
    FrameSent: lambda fact: len(fact.data),
    ReplySent: lambda fact: len(fact.data),
    Commanded: lambda fact: len(fact.line),
    FrameCame: _frame_weight,
    RequestCame: _request_weight,
}
"""Bytes that a fact refers to, roughly; those of other kinds refer to none worth counting."""


def _cut(fact: Fact) -> Fact:
    """A fact of which only the beginning is kept: a block of a file, a job in a command line, a long reply."""
    if isinstance(fact, FrameSent):
        kept = PREFIX_SIZE + int.from_bytes(first_of(fact.data, PREFIX_SIZE)[4:6], "big") + KEPT
        return FrameSent(first_of(fact.data, kept))
    if isinstance(fact, ReplySent):
        return ReplySent(fact.data[:KEPT] + fact.data[-2:])
    if isinstance(fact, FrameCame) and isinstance(fact.frame, Frame):
        return FrameCame(dataclasses.replace(fact.frame, payload=first_of(fact.frame.payload, KEPT)), fact.led_to)
    if isinstance(fact, RequestCame):
        items = tuple(
            dataclasses.replace(item, data=item.data[:KEPT])
            if item.type is ItemType.COMMAND and isinstance(item.data, str)
            else item
            for item in fact.envelope.items
        )
        return RequestCame(dataclasses.replace(fact.envelope, items=items), fact.framing)
    return dataclasses.replace(fact, line=fact.line[:KEPT]) if isinstance(fact, Commanded) else fact
