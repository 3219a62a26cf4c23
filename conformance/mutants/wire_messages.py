"""Wrong on the wire of CellNet: messages of cells, and the commands in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from conformance.mutants.twists import CellTwist, OutFrame, edited_command, twist

_2_9 = "2.9"


@twist("WIRE-META-02", release=_2_9)
class KeepsTheTimeout(CellTwist):
    """It does not tell the server of set_timeout."""

    def content(self, topic: str, content: Any) -> Any:
        return edited_command(content, lambda envelope: envelope["meta"].pop("cmd_timeout", None))


@twist("WIRE-CELL-01", release=_2_9)
class LeavesOutAHeader(CellTwist):
    """It leaves cn__optional out of its messages."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.headers.pop("cn__optional", None)
        yield frame


@twist("WIRE-CELL-02", release=_2_9)
class GoesToTheParent(CellTwist):
    """It names another next hop than the server."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers:
            frame.headers["cn__to"] = "relay"
        yield frame


@twist("WIRE-CELL-03", release=_2_9)
class ClaimsToEncrypt(CellTwist):
    """It says that its payloads are encrypted."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers:
            frame.headers["cn__secure"] = True
        yield frame


@twist("WIRE-CELL-04", release=_2_9)
class AsksForPeers(CellTwist):
    """It asks the server's cell for its peers before it says goodbye."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "bye":
            yield frame.copy(cn__topic="peers", cn__req_id=str(uuid.uuid4()))
        yield frame


@twist("WIRE-CELL-05", release=_2_9)
class UsesAnIdTwice(CellTwist):
    """It says goodbye under the id of its registration."""

    def __init__(self) -> None:
        self._registration = ""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            self._registration = str(frame.headers["cn__req_id"])
        elif frame.topic == "bye":
            frame.headers["cn__req_id"] = self._registration
        yield frame


@twist("WIRE-CELL-06", release=_2_9)
class WantsAnswersToPieces(CellTwist):
    """It expects a reply to each piece of a stream."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece:
            frame.headers["cn__reply_expected"] = True
        yield frame


@twist("WIRE-CELL-07", release=_2_9)
class CallsPiecesFobs(CellTwist):
    """It says that a piece of a stream is FOBS."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece:
            frame.headers["cn__payload_encoding"] = "fobs"
        yield frame


@twist("WIRE-CELL-08", release=_2_9)
class SaysNoLength(CellTwist):
    """It says that every payload is empty."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers:
            frame.headers["cn__payload_len"] = 0
        yield frame


@twist("WIRE-CELL-09", release=_2_9)
class KnowsNoRoute(CellTwist):
    """It sends an empty route."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers:
            frame.headers["cn__route"] = []
        yield frame
