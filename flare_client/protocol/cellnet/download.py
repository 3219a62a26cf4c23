"""Downloads over CellNet: files behind reference ids, fetched piece by piece, the client saying how far it is.

The reply to ``download_job`` names the files, each with a reference id, and the cell that has them. Each piece is a
request of its own; the state that it carries is the client's count of bytes, so a request may be repeated. From 2.9 on
the end is confirmed, so that the server may forget the file.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from flare_client.protocol.cellnet.blocks import Blocks, Content
from flare_client.protocol.cellnet.cell import Channel
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import MIB

CHANNEL = Channel.DOWNLOAD.value
TOPIC = "download_service__download"
PIECE_SIZE = 5 * MIB
"""Bytes in every piece but the last."""

_REF, _STATE, _RECEIVED, _STATUS, _DATA = "ref_id", "state", "received_bytes", "status", "data"
_CONFIRM_CAPABLE, _CANCEL_CAPABLE = "confirm_capable", "cancel_capable"
_CONFIRM_EXPECTED, _NONCE, _CONFIRM, _CANCEL = "confirm_expected", "confirm_nonce", "confirm", "cancel"
_SUCCESS, _FAILED = "success", "failed"
_OK, _EOF, _ERROR = "ok", "eof", "error"


# --- the client's side ------------------------------------------------------------------------------------------------


class FileDownload:
    """Fetches one file.

    Args:
        ref_id: the file's reference, from the reply to the command.
        confirms: whether this side confirms the end, as clients from 2.9 on do.
    """

    def __init__(self, ref_id: str, *, confirms: bool) -> None:
        self._ref_id = ref_id
        self._confirms = confirms
        self._nonce: str | None = None
        self.received = 0
        self.complete = False

    def request(self) -> dict[str, Any]:
        """The request for the next piece; the same again until an answer was taken."""
        request: dict[str, Any] = {_REF: self._ref_id}
        if self._confirms:
            request[_CONFIRM_CAPABLE] = True
        if self.received:
            request[_STATE] = {_RECEIVED: self.received}
        return request

    def take(self, content: Any) -> Content:
        """Take the answer to a request, and return its bytes; none at the end.

        Raises:
            RemoteProtocolError: the server cannot give the file, or its count differs.
        """
        status = content.get(_STATUS) if isinstance(content, dict) else None
        if status == _EOF:
            self.complete = True
            nonce = content.get(_NONCE)
            if content.get(_CONFIRM_EXPECTED) is True and isinstance(nonce, str):
                self._nonce = nonce
            return b""
        data = content.get(_DATA) if status == _OK else None
        if not isinstance(data, (bytes, Blocks)) or not data:
            raise RemoteProtocolError(
                f"expected a piece of the file {self._ref_id}, but the server answers {status!r:.60}"
            )
        state = content.get(_STATE)
        count = state.get(_RECEIVED) if isinstance(state, dict) else None
        if count != self.received + len(data):
            raise RemoteProtocolError(
                f"expected {self.received + len(data)} bytes so far, but the server says {count!r:.60}"
            )
        self.received += len(data)
        return data

    def confirmation(self, *, success: bool) -> dict[str, Any] | None:
        """What tells the server that the file arrived, where it asked to be told; nobody answers it."""
        if self._nonce is None:
            return None
        return {_REF: self._ref_id, _CONFIRM: _SUCCESS if success else _FAILED, _NONCE: self._nonce}


# --- the server's side ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PieceWanted:
    """A request for a piece.

    Attributes:
        ref_id: of which file.
        offset: from which byte on.
        confirms: whether the client would confirm the end.
    """

    ref_id: str
    offset: int
    confirms: bool


@dataclasses.dataclass(frozen=True)
class Confirmed:
    """The client has the file, or has given it up.

    Attributes:
        ref_id: of which file.
        nonce: what the end was announced with; empty where the download was cancelled.
        success: whether it arrived.
    """

    ref_id: str
    nonce: str
    success: bool


def read_request(content: Any) -> PieceWanted | Confirmed:
    """Read what a client asks the download service.

    Raises:
        RemoteProtocolError: it is malformed.
    """
    ref_id = content.get(_REF) if isinstance(content, dict) else None
    if not isinstance(ref_id, str) or not ref_id:
        raise RemoteProtocolError(f"expected a map with {_REF}, but got {content!r:.100}")
    if content.get(_CANCEL) is True:
        return Confirmed(ref_id, "", success=False)
    if _CONFIRM in content:
        nonce = content.get(_NONCE)
        if content[_CONFIRM] not in (_SUCCESS, _FAILED) or not isinstance(nonce, str):
            raise RemoteProtocolError(f"expected a confirmation with its nonce, but got {content!r:.100}")
        return Confirmed(ref_id, nonce, success=content[_CONFIRM] == _SUCCESS)
    state = content.get(_STATE)
    offset = state.get(_RECEIVED) if isinstance(state, dict) else 0
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise RemoteProtocolError(f"expected a count of bytes in {_RECEIVED}, but got {offset!r:.60}")
    return PieceWanted(ref_id, offset, content.get(_CONFIRM_CAPABLE) is True)


def piece(data: bytes, offset: int, *, cancel_capable: bool) -> dict[str, Any]:
    """The answer that brings a piece.

    Args:
        data: the bytes from ``offset`` on.
        offset: what the request asked for.
        cancel_capable: whether the server, as one of 2.9, may be told to stop.
    """
    answer = {_STATUS: _OK, _STATE: {_RECEIVED: offset + len(data)}, _DATA: data}
    return {**answer, _CANCEL_CAPABLE: True} if cancel_capable else answer


def reshaped(answer: dict[str, Any], change: Callable[[bytes], bytes]) -> dict[str, Any]:
    """An answer whose bytes, if it brings any, were changed on the way; what it says of them is not.

    Args:
        answer: as ``piece`` makes it.
        change: what became of its bytes.
    """
    data = answer.get(_DATA)
    return {**answer, _DATA: change(data)} if isinstance(data, bytes) else answer


def end(nonce: str | None) -> dict[str, Any]:
    """The answer that there is no more.

    Args:
        nonce: what the client is to confirm with; ``None`` where nothing is to be confirmed.
    """
    return {_STATUS: _EOF} if nonce is None else {_STATUS: _EOF, _CONFIRM_EXPECTED: True, _NONCE: nonce}


def failure() -> dict[str, Any]:
    """The answer that the file cannot be read."""
    return {_STATUS: _ERROR}
