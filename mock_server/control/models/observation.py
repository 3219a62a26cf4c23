"""What came: calls and the transcript."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mock_server.control.models.base import Answer, Body, Limit
from mock_server.transcript import Direction, Kind


class CallsQuery(Body):
    """Which commands to list, oldest first."""

    command: str = "*"
    """A glob on the name."""
    user: str = "*"
    """A glob."""
    limit: Limit = 1_000
    """The newest so many."""


class CallView(Answer):
    """One command that came."""

    name: str
    args: list[str]
    user: str
    session: str
    """A mark that tells sessions apart; empty for a login."""
    answer: str
    """The form of the answer: ``reply``, ``file``, ``empty``, ``silence``, ``close`` or ``reset``."""
    status: str | None
    """The status in the meta of the reply."""
    error: str
    upload_size: int | None
    """Bytes of the file that came with it."""


class CallList(Answer):
    """Commands that came, oldest first."""

    found: int
    """How many fit what was asked for."""
    calls: list[CallView]


class TranscriptQuery(Body):
    """Which entries of the transcript to list, oldest first."""

    since: int = Field(default=0, ge=0)
    """Only entries with a greater number."""
    limit: Limit = 500
    """The newest so many of those that fit."""
    before: int | None = Field(default=None, ge=1)
    """Only entries with a lesser number: what is older than the first one that came."""
    kind: list[Kind] = Field(default=[])
    """All kinds where none is named."""
    direction: list[Direction] = Field(default=[])
    user: str = "*"
    """A glob."""
    connection: int | None = Field(default=None, ge=0)
    session: str = ""
    """The mark of a session."""
    text: str = ""
    """Words that must all be in an entry, whatever their case."""


class EntryView(Answer):
    """An entry of the transcript."""

    number: int
    time: str
    connection: int
    user: str
    session: str
    direction: str
    kind: str
    summary: str
    detail: dict[str, Any]


class TranscriptView(Answer):
    """Entries of the transcript, oldest first."""

    last: int
    """The number of the newest entry of all; ask with it as ``since`` for what comes after."""
    found: int
    """How many fit what was asked for."""
    entries: list[EntryView]
