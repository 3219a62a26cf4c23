"""Uploads over CellNet: an archive in pieces, each a request that is answered; the last answer is the command's reply.

The command travels with the first piece. The server runs it when the last piece is there, so an upload that will be
refused is taken in whole before.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from flare_client.protocol.cellnet.auth import IDENTITY_PROP, PEER_CONTEXT
from flare_client.protocol.cellnet.blocks import Blocks, Content
from flare_client.protocol.cellnet.cell import Channel
from flare_client.protocol.cellnet.fobs import FLContext, Shareable
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS, MIB, Limits

CHANNEL = Channel.AUX.value
TOPIC = "ObjectStreamer.Request"
DONE_TOPIC = "ObjectStreamer.Abort"
"""Sent after every upload, also one that went well; it says that the transaction is over, and nobody answers."""
PIECE_SIZE = MIB
"""Bytes in every piece but the last, which may be empty."""

OK = "OK"
ABORTED = "TASK_ABORTED"

_STREAM_CHANNEL, _STREAM_TOPIC = "hci.upload", "folder"
_CHANNEL, _TOPIC, _TX, _SEQUENCE = (f"ObjectStreamer.{name}" for name in ("CHANNEL", "TOPIC", "TX_ID", "SEQ"))
_CONTEXT, _END_RESULT = "ObjectStreamer.CTX", "ObjectStreamer.END_RESULT"
_FILE_SIZE = "FileStreamer.file_size"
_COMMAND = "conn_data"
_RETURN_CODE, _SHAREABLE_TOPIC, _PEER_PROPS = "__rc__", "__topic__", "__peer_props__"


class UploadPrefix:
    """How the fields of a piece begin; there is no negotiation, so a client must know the server's release."""

    R27 = "FileStreamer."
    FROM_28 = "Streamer."


# --- the client's side ------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class UploadSender:
    """Makes the pieces of one upload, in order.

    Attributes:
        user: the user's name.
        command: the envelope of the command, as text.
        size: bytes of the archive.
        prefix: one of ``UploadPrefix``.
    """

    user: str
    command: str
    size: int
    prefix: str
    _sequence: int = 0
    _sent: int = 0
    _tx_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def complete(self) -> bool:
        """Whether the last piece was made."""
        return self._sequence > 0 and self._sent >= self.size

    def piece(self, data: bytes) -> Shareable:
        """The next piece.

        Args:
            data: ``PIECE_SIZE`` bytes of the archive, or what is left of it.
        """
        headers: dict[str, Any] = {
            _CHANNEL: _STREAM_CHANNEL,
            _TOPIC: _STREAM_TOPIC,
            _TX: self._tx_id,
            _SEQUENCE: self._sequence,
            _SHAREABLE_TOPIC: TOPIC,
            _PEER_PROPS: self._peer(),
        }
        if self._sequence == 0:
            headers[_CONTEXT] = {
                _COMMAND: self.command,
                _FILE_SIZE: self.size,
                f"{self.prefix}file_name": "job.zip",
                _SHAREABLE_TOPIC: _STREAM_TOPIC,
                "__channel__": _STREAM_CHANNEL,
            }
        self._sequence += 1
        self._sent += len(data)
        eof = self._sent >= self.size
        items = {f"{self.prefix}data": data, f"{self.prefix}size": len(data), f"{self.prefix}eof": eof}
        return Shareable(items, headers)

    def done(self) -> Shareable:
        """What ends the transaction, after the last answer."""
        headers = {
            _RETURN_CODE: ABORTED,
            _TX: self._tx_id,
            _SHAREABLE_TOPIC: DONE_TOPIC,
            _PEER_PROPS: self._peer(),
        }
        return Shareable({}, headers)

    def _peer(self) -> dict[str, Any]:
        # A server answers nothing else to a request without these.
        return {"__run_num__": "", IDENTITY_PROP: self.user}


def read_answer(content: Any) -> str | None:
    """Read the answer to a piece.

    Returns:
        The envelope of the command's reply, as text, with the answer to the last piece; ``None`` before.

    Raises:
        RemoteProtocolError: the server did not take the piece.
    """
    headers = content.headers if isinstance(content, Shareable) else {}
    code = headers.get(_RETURN_CODE)
    if code != OK:
        raise RemoteProtocolError(f"expected the piece of the upload to be taken, but the server answers {code!r:.60}")
    result = headers.get(_END_RESULT)
    return result if isinstance(result, str) else None


# --- the server's side ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class UploadPiece:
    """A piece that came.

    Attributes:
        tx_id: of which upload.
        data: the bytes.
        is_first: whether ``command`` and ``size`` come with it.
        is_last: whether the upload is whole.
        command: the envelope of the command, as text.
        size: bytes that the whole will have.
    """

    tx_id: str
    data: Content
    is_first: bool
    is_last: bool
    command: str = ""
    size: int = 0


class UploadReader:
    """Reads the pieces of uploads; holds what is known of those that are not whole, and none of their bytes.

    Args:
        limits: ``body`` bounds an upload, ``streams`` how many may be under way.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._open: dict[str, tuple[int, int, int]] = {}

    def read(self, content: Any) -> UploadPiece:
        """Read a piece.

        Raises:
            RemoteProtocolError: it is out of order, of an unknown upload, larger than announced, or malformed.
            LimitExceeded: the upload is larger than the limit.
        """
        if not isinstance(content, Shareable):
            raise RemoteProtocolError(f"expected a Shareable, but got {type(content).__name__}")
        headers, items = content.headers, content.items
        if not isinstance(headers.get(_PEER_PROPS), dict) or not headers[_PEER_PROPS]:
            raise RemoteProtocolError(f"expected the sender's properties in {_PEER_PROPS}, but there are none")
        tx_id, sequence = headers.get(_TX), headers.get(_SEQUENCE)
        if not isinstance(tx_id, str) or not isinstance(sequence, int):
            raise RemoteProtocolError(f"expected a transaction and a number, but got {tx_id!r:.60}, {sequence!r:.60}")
        prefix = next((one for one in (UploadPrefix.R27, UploadPrefix.FROM_28) if f"{one}eof" in items), None)
        if prefix is None:
            raise RemoteProtocolError(f"expected a piece of a file, but got {sorted(map(str, items))!r:.100}")
        data = items.get(f"{prefix}data") or b""
        if not isinstance(data, (bytes, Blocks)):
            raise RemoteProtocolError(f"expected bytes in {prefix}data, but got {type(data).__name__}")
        eof = items[f"{prefix}eof"] is True
        return self._begin(tx_id, headers, data, eof) if sequence == 0 else self._go_on(tx_id, sequence, data, eof)

    def drop(self, tx_id: str) -> None:
        """Forget an upload."""
        self._open.pop(tx_id, None)

    def _begin(self, tx_id: str, headers: Mapping[str, Any], data: Content, eof: bool) -> UploadPiece:
        context = headers.get(_CONTEXT)
        command = context.get(_COMMAND) if isinstance(context, dict) else None
        size = context.get(_FILE_SIZE) if isinstance(context, dict) else None
        if not isinstance(command, str) or not isinstance(size, int) or size < 0:
            raise RemoteProtocolError(f"expected a command and a size with the first piece, but got {context!r:.100}")
        if size > self._limits.body:
            raise LimitExceeded("body", self._limits.body, size)
        if tx_id in self._open or len(self._open) >= self._limits.streams:
            raise RemoteProtocolError(f"expected a new upload beside at most {self._limits.streams}, but got {tx_id}")
        self._note(tx_id, 1, len(data), size, eof)
        return UploadPiece(tx_id, data, is_first=True, is_last=eof, command=command, size=size)

    def _go_on(self, tx_id: str, sequence: int, data: Content, eof: bool) -> UploadPiece:
        if tx_id not in self._open:
            raise RemoteProtocolError(f"expected a piece of an upload that has begun, but got one of {tx_id}")
        expected, received, size = self._open[tx_id]
        if sequence != expected:
            raise RemoteProtocolError(f"expected piece {expected} of the upload, but got {sequence}")
        self._note(tx_id, sequence + 1, received + len(data), size, eof)
        return UploadPiece(tx_id, data, is_first=False, is_last=eof)

    def _note(self, tx_id: str, expected: int, received: int, size: int, eof: bool) -> None:
        self._open.pop(tx_id, None)
        if received > size or (eof and received != size):
            raise RemoteProtocolError(f"expected an upload of {size} bytes, but got {received}")
        if not eof:
            self._open[tx_id] = (expected, received, size)


def answer(result: str | None = None, server: str = "server") -> Shareable:
    """The answer to a piece.

    Args:
        result: the envelope of the command's reply, as text, after the last piece.
        server: the name that the server gives itself.
    """
    headers: dict[str, Any] = {_RETURN_CODE: OK, PEER_CONTEXT: FLContext({IDENTITY_PROP: server})}
    if result is not None:
        headers[_END_RESULT] = result
    return Shareable({}, headers)


def refusal(code: str) -> Shareable:
    """The answer to a piece that is not taken: ``BAD_REQUEST_DATA``, ``TASK_ABORTED``, ``EXECUTION_EXCEPTION``."""
    return Shareable({}, {_RETURN_CODE: code})
