"""Wrong on the wire of CellNet, a rule each."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.mutants.base import Wrong, client, factory, mutant
from conformance.mutants.twists import CellTwist, OutFrame, each, edited_command, junk, twist, twisted
from flare_client.protocol.cellnet import fobs
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.cellnet.packing import pack, unpack
from flare_client.protocol.cellnet.sfm import FrameType
from flare_client.protocol.cellnet.tokens import AuthHeader

_2_9 = "2.9"
_DONE = "ObjectStreamer.Abort"
_UPLOAD = "ObjectStreamer.Request"
_DOWNLOAD = "download_service__download"


# --- commands ---------------------------------------------------------------------------------------------------------


@twist("WIRE-META-02", release=_2_9)
class KeepsTheTimeout(CellTwist):
    """It does not tell the server of set_timeout."""

    def content(self, topic: str, content: Any) -> Any:
        return edited_command(content, lambda envelope: envelope["meta"].pop("cmd_timeout", None))


# --- frames -----------------------------------------------------------------------------------------------------------


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


# --- messages ---------------------------------------------------------------------------------------------------------


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


# --- who is who -------------------------------------------------------------------------------------------------------


@twist("WIRE-AUTH-01", release=_2_9)
class ChallengesByNumber(CellTwist):
    """It challenges the server by a number."""

    def __init__(self) -> None:
        self.nonce = str(uuid.uuid4().int)


@twist("WIRE-AUTH-02", release=_2_9)
class ChallengesAlwaysTheSame(CellTwist):
    """It challenges the server by the same nonce in every session."""

    nonce = "22222222-2222-4222-8222-222222222222"


@twist("WIRE-AUTH-03", release=_2_9)
class RegistersAsASite(CellTwist):
    """It registers as a client of another type."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            frame.headers["client_type"] = "regular"
        yield frame


@twist("WIRE-AUTH-04", release=_2_9)
class RegistersWithoutContext(CellTwist):
    """It registers without a peer context."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            frame = frame.with_payload(fobs.encode(Shareable(fobs.decode(frame.payload).items)))
        yield frame


class _SignsWrong(CellTwist):
    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            content = fobs.decode(frame.payload)
            items = {**content.items, "signature": content.items["signature"][::-1]}
            frame = frame.with_payload(fobs.encode(Shareable(items, content.headers)))
        yield frame


@mutant("WIRE-AUTH-05", release=_2_9)
def signs_wrong_at_first(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It registers with a wrong signature, and again with a good one where that was refused."""
    try:
        return twisted(_SignsWrong)(username, kit, secure=secure, timeout=timeout, **further)
    except client().NoConnection:
        return factory(Wrong)(username, kit, secure=secure, timeout=timeout, **further)


@twist("WIRE-PROOF-01", release=_2_9)
class ForgetsTheServersSession(CellTwist):
    """It leaves the id of the server's session out of its proof."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.headers.pop("ssid", None)
        yield frame


@twist("WIRE-PROOF-02", release=_2_9)
class ProvesTooEarly(CellTwist):
    """It carries a token before it was given one."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic in ("challenge", "register"):
            frame.headers[AuthHeader.TOKEN] = str(uuid.uuid4())
        yield frame


@twist("WIRE-LOGIN-03", release=_2_9, also={"STUDY-*": "its sessions are all in the default study"})
class NamesNoStudy(CellTwist):
    """It logs in without naming a study."""

    def headers(self, headers: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in headers.items() if name != "study"}


@mutant("WIRE-LOGOUT-01", release=_2_9)
def leaves_without_logout(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It closes its connection without logging out."""
    session = factory(Wrong)(username, kit, secure=secure, timeout=timeout, **further)
    connection = session._session._connection
    connection.log_out = connection._link.close
    return session


@twist("WIRE-BYE-01", release=_2_9)
class LeavesWithoutGoodbye(CellTwist):
    """It closes its connection without a goodbye."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return () if frame.topic == "bye" else each(frame)


# --- streams ----------------------------------------------------------------------------------------------------------


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


# --- uploads and downloads --------------------------------------------------------------------------------------------


def _with_headers(content: Shareable, **headers: Any) -> Shareable:
    return dataclasses.replace(content, headers={**content.headers, **headers})


@twist("WIRE-UP-01", release=_2_9)
class UploadsForAnother(CellTwist):
    """It names another sender in the pieces of an upload."""

    def content(self, topic: str, content: Any) -> Any:
        if topic != _UPLOAD:
            return content
        return _with_headers(content, __peer_props__={"__run_num__": "", "__identity_name__": "lead@nvidia.com"})


@twist("WIRE-UP-02", release=_2_9)
class RepeatsTheCommand(CellTwist):
    """It brings the command with every piece of an upload."""

    def __init__(self) -> None:
        self._context: Any = None

    def content(self, topic: str, content: Any) -> Any:
        if topic != _UPLOAD:
            return content
        self._context = content.headers.get("ObjectStreamer.CTX") or self._context
        return _with_headers(content, **{"ObjectStreamer.CTX": self._context})


@twist("WIRE-UP-03", release=_2_9)
class UploadsAsBefore(CellTwist):
    """It names the fields of a piece as releases to 2.7 do."""

    def content(self, topic: str, content: Any) -> Any:
        if topic != _UPLOAD:
            return content
        items = {name.replace("Streamer.", "FileStreamer."): value for name, value in content.items.items()}
        return dataclasses.replace(content, items=items)


@mutant("WIRE-UP-04", release=_2_9)
def uploads_in_large_pieces(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It uploads in pieces of 1.5 MiB."""
    session = factory(Wrong)(username, kit, secure=secure, timeout=timeout, **further)
    connection = session._session._connection
    upload = connection.upload
    connection.upload = lambda line, quoted, archive, size, meta=None: upload(
        line, quoted, _LargeReads(archive), size, meta
    )
    return session


class _LargeReads:
    """A file that gives more than was asked for."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return bytes(self._file.read(size + size // 2))


@twist("WIRE-UP-05", release=_2_9)
class LeavesUploadsOpen(CellTwist):
    """It does not end the transaction of an upload."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return () if frame.headers.get("sm__tp") == _DONE else each(frame)


@twist("WIRE-DOWN-01", release=_2_9)
class CountsFromZero(CellTwist):
    """It says 0 received bytes with the first request for a file."""

    def content(self, topic: str, content: Any) -> Any:
        if topic == _DOWNLOAD and "state" not in content and "confirm" not in content:
            return {**content, "state": {"received_bytes": 0}}
        return content


@twist("WIRE-DOWN-02", release=_2_9)
class ConfirmsNothing(CellTwist):
    """It says that it would confirm the end of a file, and does not."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        is_confirmation = frame.headers.get("sm__tp") == _DOWNLOAD and "sm__ri" not in frame.headers
        return () if is_confirmation else each(frame)
