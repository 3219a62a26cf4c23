"""Uploads and downloads over CellNet: pieces that are asked for, or sent, one after another."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from flare_client import errors
from flare_client.kit import StartupKit
from flare_client.progress import Target
from flare_client.protocol.cellnet import commands
from flare_client.protocol.cellnet import download as download_wire
from flare_client.protocol.cellnet import upload as upload_wire
from flare_client.protocol.cellnet.blocks import Content, blocks_of
from flare_client.protocol.cellnet.cell import SERVER_CELL, ReturnCode
from flare_client.protocol.command_line import join_words
from flare_client.protocol.envelope import Json
from flare_client.protocol.errors import LimitExceeded, RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS
from flare_client.protocol.statuses import MetaKey
from flare_client.transfer import RemoteFile, store_files

if TYPE_CHECKING:
    from flare_client.cellnet.link import Link, PendingAnswer
    from flare_client.cellnet.login import CellConnection
    from flare_client.protocol.cellnet.client import AnswerReceived
    from flare_client.protocol.cellnet.rules import CellRules

_PIECE_SECONDS = 5.0
"""How long the server may take to answer for one piece, at least."""
_RETRY_PAUSES = (2.0, 4.0, 8.0)
"""Seconds before a piece of a download is asked for again that did not come in time, as official clients do."""


def upload(
    connection: CellConnection,
    line: str,
    quoted: str,
    archive: BinaryIO,
    size: int,
    meta: Mapping[str, Json] | None,
) -> Mapping[str, Json]:
    """See ``Connection.upload``."""
    command = commands.encode_command(connection.envelope(line, meta))
    sender = upload_wire.UploadSender(connection.user, command, size, _rules(connection).upload_prefix)
    # A server knows an upload by its connection: one that breaks ends the upload.
    link = connection.live_link()
    seconds = max(_PIECE_SECONDS, connection.command_seconds)
    result = None
    while not sender.complete:
        piece = sender.piece(archive.read(upload_wire.PIECE_SIZE))
        answer = link.ask(upload_wire.CHANNEL, upload_wire.TOPIC, piece, seconds)
        try:
            result = upload_wire.read_answer(answer.content)
        except RemoteProtocolError as problem:
            raise errors.ConnectionLost(f"cannot connect to server: {problem.reason}") from problem
    link.tell(upload_wire.CHANNEL, upload_wire.DONE_TOPIC, sender.done())
    return connection.judge(quoted, result)[1]


def download(connection: CellConnection, kit: StartupKit, name: str, job_id: str) -> str:
    """See ``Connection.download``."""
    # A blank separates words on the wire; official clients send the first word as the id.
    words = job_id.split()
    folder = words[0] if words else job_id
    line = join_words([connection.command(name).full_name, folder])
    meta = connection.execute(line, quoted=f"{name} {job_id}")[1]
    files, tx_id = meta.get(MetaKey.FILES.value), meta.get(MetaKey.TX_ID.value)
    references = dict(_reference(entry) for entry in files) if isinstance(files, list) else {}
    if not references or not isinstance(tx_id, str) or meta.get(MetaKey.SOURCE_FQCN.value) != SERVER_CELL:
        raise errors.InternalError(
            f"expected the files of the result, a transaction and the server in the reply, but got {dict(meta)!r:.200}"
        )
    confirms = _rules(connection).confirms_downloads

    def offer(_: int, file: str) -> RemoteFile:
        reference = references[file]
        return RemoteFile(file, lambda target: _fetch(connection, reference, target, confirms=confirms))

    return store_files(kit.download_dir, folder, tx_id, list(references), offer, connection.progress)


def _rules(connection: CellConnection) -> CellRules:
    rules = connection.profile.cell
    if rules is None:
        raise AssertionError("a connection of this dialect has a profile of it")
    return rules


def _reference(entry: object) -> tuple[str, str]:
    if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(one, str) for one in entry):
        raise errors.InternalError(f"expected a file and its reference, but got {entry!r:.100}")
    return entry[0], entry[1]


def _fetch(connection: CellConnection, reference: str, target: Target, *, confirms: bool) -> None:
    file = download_wire.FileDownload(reference, confirms=confirms)
    pieces = _Pieces(connection, file)
    success = False
    try:
        while not file.complete:
            data = pieces.next()
            if file.received > DEFAULT_LIMITS.body:
                problem = LimitExceeded("body", DEFAULT_LIMITS.body, file.received)
                raise errors.InternalError(problem.reason) from problem
            if not file.complete:
                pieces.ask()  # it comes while this one is written
            for block in blocks_of(data):
                target.write(block)
        target.flush()
        success = True
    finally:
        pieces.forget()
        confirmation = file.confirmation(success=success)
        if confirmation is not None:
            pieces.link.tell(download_wire.CHANNEL, download_wire.TOPIC, confirmation)


class _Pieces:
    """The pieces of one file, each asked for once the one before it came.

    A request says how far the file came: where the connection broke, it goes on over another one.
    """

    def __init__(self, connection: CellConnection, file: download_wire.FileDownload) -> None:
        self._connection = connection
        self.link: Link = connection.live_link()
        self._file = file
        self._pending: PendingAnswer | None = None

    def ask(self) -> PendingAnswer:
        """Ask for the next piece."""
        self._pending = self.link.start(download_wire.CHANNEL, download_wire.TOPIC, self._file.request())
        return self._pending

    def next(self) -> Content:
        """Wait for the next piece, and ask for it first where that was not done.

        Raises:
            InternalError: the server cannot give it, or its count differs.
            CommandTimeout: it does not come, though it was asked for again.
            ConnectionLost: the connection is over, and so are those that took its place.
        """
        answer = self._answer()
        if answer.code != ReturnCode.OK.value:
            raise errors.InternalError(f"expected a piece of the result, but the server answers {answer.code!r}")
        try:
            return self._file.take(answer.content)
        except RemoteProtocolError as problem:
            raise errors.InternalError(problem.reason) from problem

    def forget(self) -> None:
        """Want no more pieces."""
        if self._pending is not None:
            self._pending.forget()

    def _answer(self) -> AnswerReceived:
        for pause in _RETRY_PAUSES:
            try:
                return self._take()
            except errors.CommandTimeout:
                time.sleep(pause)
            except errors.ConnectionLost:
                self.link = self._connection.live_link()
        return self._take()

    def _take(self) -> AnswerReceived:
        pending, self._pending = self._pending or self.ask(), None
        return pending.answer(_PIECE_SECONDS)
