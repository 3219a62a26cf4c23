"""Wrong on the wire of CellNet: uploads and downloads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from conformance.mutants.base import Wrong, factory, mutant
from conformance.mutants.twists import CellTwist, OutFrame, each, twist
from flare_client.protocol.cellnet.fobs import Shareable

_2_9 = "2.9"
_DONE = "ObjectStreamer.Abort"
_UPLOAD = "ObjectStreamer.Request"
_DOWNLOAD = "download_service__download"


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
