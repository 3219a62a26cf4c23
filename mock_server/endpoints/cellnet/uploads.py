"""Uploads of one connection on their way to disk, piece by piece."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from flare_client.protocol.cellnet.blocks import blocks_of
from flare_client.protocol.cellnet.upload import UploadPiece, UploadReader
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import Limits


@dataclasses.dataclass
class _Open:
    command: str
    path: Path
    file: BinaryIO


@dataclasses.dataclass(frozen=True)
class Uploaded:
    """An upload that is whole.

    Attributes:
        command: the envelope of the command that came with it, as text.
        path: the file; the receiver's to keep or remove.
    """

    command: str
    path: Path


class Uploads:
    """The uploads of one connection.

    Args:
        folder: where files are written.
        limits: how much may be uploaded.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._reader = UploadReader(limits)
        self._open: dict[str, _Open] = {}

    def take(self, tx_id: str | None, content: object) -> Uploaded | None:
        """Take a piece.

        Args:
            tx_id: of which upload, as far as the piece says; it is dropped where the piece is refused.
            content: the decoded piece.

        Returns:
            The upload, with its last piece.

        Raises:
            RemoteProtocolError: the piece is refused.
            OSError: it cannot be written.
        """
        try:
            return self._write(self._reader.read(content))
        except (RemoteProtocolError, OSError):
            if tx_id is not None:
                self.drop(tx_id)
            raise

    def _write(self, piece: UploadPiece) -> Uploaded | None:
        if piece.is_first:
            named = tempfile.NamedTemporaryFile(dir=self._folder, suffix=".upload", delete=False)  # noqa: SIM115
            self._open[piece.tx_id] = _Open(piece.command, Path(named.name), cast(BinaryIO, named))
        upload = self._open[piece.tx_id]
        for block in blocks_of(piece.data):
            upload.file.write(block)
        if not piece.is_last:
            return None
        del self._open[piece.tx_id]
        upload.file.close()
        return Uploaded(upload.command, upload.path)

    def drop(self, tx_id: str) -> None:
        """Forget an upload and what came of it."""
        self._reader.drop(tx_id)
        upload = self._open.pop(tx_id, None)
        if upload is not None:
            upload.file.close()
            upload.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget all of them."""
        for tx_id in list(self._open):
            self.drop(tx_id)
