"""Uploads and downloads over sockets, in the way of each release to 2.6."""

from __future__ import annotations

import base64
import binascii
import tempfile
import uuid
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from flare_client import errors
from flare_client.archives import extract_archive, merge_folder
from flare_client.kit import StartupKit
from flare_client.progress import Progress, Target, Transferred
from flare_client.protocol.command_line import join_words
from flare_client.protocol.envelope import Envelope, ItemType, Json
from flare_client.protocol.hci.client import Answer, ClientEvent, FileEnd
from flare_client.protocol.hci.exchange import BodyData, encode_footer, encode_header
from flare_client.protocol.hci.text import encode_text
from flare_client.protocol.releases import Download, Upload
from flare_client.protocol.statuses import MetaKey
from flare_client.transfer import RemoteFile, checked_name, fresh_folder, store_files

if TYPE_CHECKING:
    from flare_client.hci.login import SocketConnection

_BLOCK = 1024 * 1024
_BASE64_BLOCK = 3 * 256 * 1024
"""A multiple of 3, so that the pieces of an encoding join without padding in between."""

_URL_MARK = "Download_URL:"


def _inline_blocks(
    connection: SocketConnection, line: str, archive: BinaryIO, meta: Mapping[str, Json] | None
) -> Iterator[bytes]:
    """A request whose last word is the archive in base64, encoded piece by piece."""
    mark = f"<{uuid.uuid4()}>"
    before, after = encode_text(connection.envelope(f"{line} {mark}", meta)).split(mark.encode("ascii"))
    yield before
    while block := archive.read(_BASE64_BLOCK):
        yield base64.b64encode(block)
    yield after


def _exchange_blocks(envelope: Envelope, archive: BinaryIO, size: int) -> Iterator[bytes]:
    checksum = 0
    yield encode_header(envelope.encode(), size)
    while block := archive.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
        yield block
    yield encode_footer(checksum)


def upload(
    connection: SocketConnection,
    line: str,
    quoted: str,
    archive: BinaryIO,
    size: int,
    meta: Mapping[str, Json] | None,
) -> Mapping[str, Json]:
    """See ``Connection.upload``."""
    blocks = (
        _exchange_blocks(connection.envelope(line, meta), archive, size)
        if connection.command("submit_job").client_cmd == Upload.BINARY_EXCHANGE.value
        else _inline_blocks(connection, line, archive, meta)
    )
    return connection.send(quoted, blocks)[1]


class _FileSink:
    """Writes the body of a file answer."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.complete = False

    def __call__(self, event: ClientEvent) -> None:
        if isinstance(event, BodyData):
            self._target.write(event.data)
        elif isinstance(event, FileEnd):
            self.complete = True


def download(connection: SocketConnection, kit: StartupKit, name: str, job_id: str) -> str:
    """See ``Connection.download``."""
    # A blank separates words on the wire; official clients send the first word as the id.
    words = job_id.split()
    command = connection.command(name)
    line = join_words([command.full_name, words[0] if words else job_id])
    reply, meta = connection.send(f"{name} {job_id}", [encode_text(connection.envelope(line))])
    if connection.profile.download is Download.INLINE_BASE64:
        return _store_inline(kit, reply.all(ItemType.STRING), meta, connection.progress)
    return _pull_files(connection, kit, words[0] if words else job_id, meta)


def _store_inline(kit: StartupKit, texts: list[Json], meta: Mapping[str, Json], progress: Progress | None) -> str:
    address = meta.get(MetaKey.JOB_DOWNLOAD_URL.value)
    if address:
        return str(address)
    job_id = meta.get(MetaKey.JOB_ID.value)
    if not texts or not isinstance(job_id, str):
        raise errors.InternalError(
            f"expected the result and its job id in the reply, but the meta is {dict(meta)!r:.200}"
        )
    content = str(texts[0])
    if content.startswith(_URL_MARK):
        return content[len(_URL_MARK) :]
    folder = kit.download_dir / checked_name(job_id)
    with tempfile.TemporaryDirectory(prefix="flare-download-", dir=kit.download_dir) as scratch:
        archive = Path(scratch) / "result.zip"
        with archive.open("wb") as target:
            try:
                for start in range(0, len(content), 4 * _BLOCK):
                    target.write(base64.b64decode(content[start : start + 4 * _BLOCK], validate=True))
            except binascii.Error as problem:
                raise errors.InternalError(f"expected the result in base64, but {problem}") from problem
        if progress is not None:  # all of it came in one reply
            size = archive.stat().st_size
            progress(Transferred(f"{job_id}.zip", size, size))
        # Official 2.3 clients write over an earlier download; the archive itself holds the folder of the job. It
        # is unfolded aside, so that one that turns out broken half-way leaves an earlier download whole.
        unfolded = fresh_folder(Path(scratch) / archive.stem)
        extract_archive(archive, unfolded)
        merge_folder(unfolded, kit.download_dir)
    return str(folder)


def _pull_files(connection: SocketConnection, kit: StartupKit, job_id: str, meta: Mapping[str, Json]) -> str:
    names = meta.get(MetaKey.FILES.value)
    tx_id, command = meta.get(MetaKey.TX_ID.value), meta.get(MetaKey.CMD_NAME.value)
    if not isinstance(names, list) or not names or not isinstance(tx_id, str) or not isinstance(command, str):
        raise errors.InternalError(
            f"expected the files of the result, a transaction and a command in the reply, but got {dict(meta)!r:.200}"
        )
    announced = connection.command(command)
    last = len(names) - 1

    def offer(place: int, name: str) -> RemoteFile:
        words = [announced.name, tx_id, job_id, name]
        if place == last:
            words.append("end")  # the server may forget the staged files
        return RemoteFile(name, lambda target: _pull_file(connection, join_words(words), name, target))

    return store_files(kit.download_dir, job_id, tx_id, names, offer, connection.progress)


def _pull_file(connection: SocketConnection, line: str, name: str, target: Target) -> None:
    form = {Download.CHUNKED_PULL: Answer.CHUNKED_FILE, Download.BINARY_PULL: Answer.BINARY_FILE}
    sink = _FileSink(target)
    connection.receive(line, sink, form[connection.profile.download])
    target.flush()
    if not sink.complete:
        raise errors.InternalError(f"expected the file {name!r} from the server, but it sent a text reply")
