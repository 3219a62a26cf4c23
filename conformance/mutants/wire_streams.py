"""Wrong on the wire of CellNet: streams and their acknowledgements."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from conformance.mutants.twists import CellTwist, OutFrame, each, junk, twist

_2_9 = "2.9"
_DONE = "ObjectStreamer.Abort"


@twist("WIRE-STREAM-01", release=_2_9)
class LeavesOutAHeaderOfStreams(CellTwist):
    """It does not say whether a stream is optional."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.headers.pop("sm__op", None)
        yield frame


@twist("WIRE-STREAM-02", release=_2_9)
class RepeatsPieces(CellTwist):
    """It sends every piece but the last of a stream twice."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return each(frame, frame.copy()) if frame.headers.get("sm__dt") == 1 else each(frame)


@twist("WIRE-STREAM-03", release=_2_9)
class KnowsNoOffsets(CellTwist):
    """It says offset 0 in every piece."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece:
            frame.headers["sm__os"] = 0
        yield frame


@twist("WIRE-STREAM-04", release=_2_9)
class EndsTwice(CellTwist):
    """It sends an empty last piece after the last piece of a stream."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers.get("sm__dt") != 2:
            return each(frame)
        number, offset = frame.headers["sm__sq"] + 1, frame.headers["sm__os"] + len(frame.payload)
        return each(frame, frame.copy(sm__sq=number, sm__os=offset).with_payload(b""))


@twist("WIRE-STREAM-05", release=_2_9)
class KnowsNoSizes(CellTwist):
    """It says that the size of a stream is unknown."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece:
            frame.headers["sm__sz"] = 0
        yield frame


@twist("WIRE-STREAM-06", release=_2_9)
class HalvesPieces(CellTwist):
    """It cuts streams into pieces of half the size."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if not frame.is_piece:
            return each(frame)
        number, offset, half = 2 * frame.headers["sm__sq"], frame.headers["sm__os"], len(frame.payload) // 2
        if frame.headers["sm__dt"] != 1:
            return each(frame.copy(sm__sq=number))
        first = frame.copy(sm__sq=number).with_payload(frame.payload[:half])
        return each(first, frame.copy(sm__sq=number + 1, sm__os=offset + half).with_payload(frame.payload[half:]))


@twist(
    "WIRE-STREAM-07",
    release=_2_9,
    also={"WIRE-UP-05": "what comes under a known id is dropped, the end of the upload here"},
)
class ReusesStreams(CellTwist):
    """It ends an upload under the id of the stream before."""

    def __init__(self) -> None:
        self._last = 0

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece and frame.headers["sm__tp"] == _DONE:
            frame.headers["sm__id"] = self._last
        elif frame.is_piece:
            self._last = frame.headers["sm__id"]
        yield frame


@twist("WIRE-STREAM-08", release=_2_9)
class WantsAnAnswerToTheEnd(CellTwist):
    """It wants an answer to the end of an upload."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers.get("sm__tp") == _DONE:
            frame.headers["sm__ri"] = str(uuid.uuid4())
        yield frame


@twist("WIRE-STREAM-09", release=_2_9)
class ChangesTheTopic(CellTwist):
    """It says another topic in the later pieces of a stream."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.is_piece and frame.headers["sm__sq"]:
            frame.headers["sm__tp"] = "more"
        yield frame


@twist("WIRE-FOBS-01", release=_2_9)
class SendsJunk(CellTwist):
    """It sends a stream that nobody can read after the end of an upload."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.headers.get("sm__tp") != _DONE:
            return each(frame)
        other = frame.copy(sm__id=frame.headers["sm__id"] + 1_000_000, sm__sz=len(junk()))
        return each(frame, other.with_payload(junk()))


@twist("WIRE-ACK-01", release=_2_9)
class AcknowledgesNoPiece(CellTwist):
    """It acknowledges bytes, and no piece."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "sm__ACK":
            frame.headers.pop("sm__sq", None)
        yield frame


@twist("WIRE-ACK-02", release=_2_9)
class GoesBack(CellTwist):
    """It acknowledges fewer bytes than before."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return each(frame, frame.copy(sm__os=1)) if frame.topic == "sm__ACK" else each(frame)


_NONE = "without acknowledgements there is none to judge, and a contract that has nothing to judge is not kept"


@twist("WIRE-ACK-03", release=_2_9, also={"WIRE-ACK-01": _NONE, "WIRE-ACK-02": _NONE})
class NeverAcknowledges(CellTwist):
    """It acknowledges nothing."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return () if frame.topic == "sm__ACK" else each(frame)
