"""What came, and what the server made of it: calls, the transcript, and changes as they happen."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from mock_server.control.changes import changes
from mock_server.control.models.observation import CallList, CallsQuery, TranscriptQuery, TranscriptView
from mock_server.control.operations.asking import BAD, AtDesk, OfServer, operations_on, problems
from mock_server.control.views import call_view, entry_view
from mock_server.transcript import Entry, Transcript

router = operations_on("observation")

_TEXT = "text/plain"


@router.get("/calls", responses=problems(BAD))
def list_calls(server: OfServer, query: Annotated[CallsQuery, Query()]) -> CallList:
    """List the commands that came, oldest first."""
    found = [
        call
        for call in server.calls
        if fnmatch.fnmatchcase(call.name, query.command) and fnmatch.fnmatchcase(call.user, query.user)
    ]
    return CallList(found=len(found), calls=[call_view(call) for call in found[-query.limit :]])


@router.get(
    "/transcript",
    response_model=TranscriptView,
    responses={200: {"content": {_TEXT: {"schema": {"type": "string"}}}}, **problems(BAD)},
)
def read_transcript(
    server: OfServer, request: Request, query: Annotated[TranscriptQuery, Query()]
) -> TranscriptView | PlainTextResponse:
    """Read the transcript, oldest first; as text for people where `Accept` asks for `text/plain`."""
    last, found, entries = _chosen(server.transcript, query)
    if request.headers.get("accept", "").startswith(_TEXT):
        text = "".join(f"{entry}\n" for entry in entries)
        return PlainTextResponse(text.encode("utf-8", "replace"))
    return TranscriptView(last=last, found=found, entries=[entry_view(entry) for entry in entries])


@router.get(
    "/changes",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(),
    },
)
def follow_changes(desk: AtDesk) -> StreamingResponse:
    """Follow what changes, as server-sent events, until one closes the connection.

    Each event is named `change`; its data is JSON with a number for each part of the server, which is another one
    than before where the part has changed: `clock`, `jobs`, `sites`, `sessions`, `faults`, `transcript`, `server`.
    """
    return StreamingResponse(changes(desk), media_type="text/event-stream")


def _chosen(transcript: Transcript, query: TranscriptQuery) -> tuple[int, int, list[Entry]]:
    """The number of the last entry, how many fit, and the newest of these."""
    fits = _filter(query)
    last = transcript.last
    end = last + 1 if query.before is None else min(query.before, last + 1)
    if fits is None:
        # The newest so many: nobody pays for the form of those before.
        entries = transcript.entries(max(query.since, end - 1 - query.limit), end)
        return last, max(len(entries), end - max(query.since + 1, transcript.first)), entries
    entries = [entry for entry in transcript.entries(query.since, end) if fits(entry)]
    return last, len(entries), entries[-query.limit :]


def _filter(query: TranscriptQuery) -> Callable[[Entry], bool] | None:
    """What tells whether an entry is wanted; ``None``: all are."""
    words = query.text.casefold().split()
    kinds, directions = frozenset(query.kind), frozenset(query.direction)
    if not (words or kinds or directions or query.session or query.connection is not None or query.user != "*"):
        return None

    def fits(entry: Entry) -> bool:
        if kinds and entry.kind not in kinds:
            return False
        if directions and entry.direction not in directions:
            return False
        if query.connection is not None and entry.connection != query.connection:
            return False
        if query.session and entry.session != query.session:
            return False
        if not fnmatch.fnmatchcase(entry.user, query.user):
            return False
        if not words:
            return True
        text = f"{entry.summary} {entry.user} {json.dumps(entry.to_json()['detail'], ensure_ascii=False, default=str)}"
        folded = text.casefold()
        return all(word in folded for word in words)

    return fits
