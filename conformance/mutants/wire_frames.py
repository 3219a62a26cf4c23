"""Wrong on the wire of CellNet: frames."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.mutants.twists import CellTwist, OutFrame, each, twist
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.cellnet.sfm import FrameType

_2_9 = "2.9"


@twist("WIRE-HELLO-01", release=_2_9)
class GreetsTwice(CellTwist):
    """It says HELLO twice."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return each(frame, frame.copy()) if frame.type == FrameType.HELLO else each(frame)


@twist("WIRE-HELLO-02", release=_2_9)
class GreetsWithItsVersion(CellTwist):
    """It says its version in HELLO."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.type == FrameType.HELLO:
            frame.payload = pack({**unpack(frame.payload), "version": "1.0"})
        yield frame


@twist("WIRE-HELLO-03", release=_2_9)
class HasOneName(CellTwist):
    """It has the same cell name in every session."""

    name = "_admin_11111111-1111-4111-8111-111111111111"


@twist("WIRE-PREFIX-01", release=_2_9)
class SetsAFlag(CellTwist):
    """It marks its frames as requests by a flag."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.flags = 0x2000
        yield frame


@twist("WIRE-PREFIX-02", release=_2_9)
class AcknowledgesFrames(CellTwist):
    """It sends a frame of type ACK after each other frame."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return each(frame, OutFrame(FrameType.ACK, {}, b"", app=0))


@twist("WIRE-SEQ-01", release=_2_9)
class CountsInTwos(CellTwist):
    """It counts its frames in twos."""

    def __init__(self) -> None:
        self._number = -1

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        self._number += 2
        frame.sequence = self._number
        yield frame


@twist("WIRE-SEQ-02", release=_2_9)
class HasOneStream(CellTwist):
    """It gives all frames one stream number."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.stream = 1 if frame.type == FrameType.HELLO else 17
        yield frame
