"""Job definitions up and results down, in the way of each release; everything is streamed from and to disk."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
import uuid
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from flare_client import errors
from flare_client.archives import (
    extract_archive,
    merge_folder,
    move_to_free_name,
    pack_job_folder,
    refusing_clashes,
    remove_tree,
)
from flare_client.kit import StartupKit
from flare_client.login import AdminConnection
from flare_client.protocol.archive import safe_relative_path
from flare_client.protocol.command_line import join_words
from flare_client.protocol.envelope import ItemType, Json
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.hci.client import Answer, ClientEvent, FileEnd
from flare_client.protocol.hci.exchange import BodyData, encode_footer, encode_header
from flare_client.protocol.limits import DEFAULT_LIMITS
from flare_client.protocol.releases import Download, Upload
from flare_client.protocol.statuses import MetaKey
from flare_client.signatures import folder_signer

_BLOCK = 1024 * 1024
_BASE64_BLOCK = 3 * 256 * 1024
"""A multiple of 3, so that the pieces of an encoding join without padding in between."""

_URL_MARK = "Download_URL:"


def _inline_blocks(connection: AdminConnection, line: str, archive: BinaryIO) -> Iterator[bytes]:
    """A request whose last word is the archive in base64, encoded piece by piece."""
    mark = f"<{uuid.uuid4()}>"
    before, after = connection.request_blocks(f"{line} {mark}")[0].split(mark.encode("ascii"))
    yield before
    while block := archive.read(_BASE64_BLOCK):
        yield base64.b64encode(block)
    yield after


def _exchange_blocks(connection: AdminConnection, line: str, archive: BinaryIO, size: int) -> Iterator[bytes]:
    checksum = 0
    yield encode_header(connection.envelope(line).encode(), size)
    while block := archive.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
        yield block
    yield encode_footer(checksum)


def upload_job(connection: AdminConnection, kit: StartupKit, folder: Path, *, sign: bool) -> Mapping[str, Json]:
    """Pack, sign and send a job folder; the folder itself is left as it is.

    Args:
        connection: a logged-in connection.
        kit: holds the key and the certificate to sign with.
        folder: the job folder.
        sign: whether to add the signatures (official clients do in secure mode).

    Returns:
        The meta of the reply.
    """
    command = connection.command("submit_job")
    line = join_words([command.full_name, folder.name])
    with tempfile.TemporaryDirectory(prefix="flare-submit-") as scratch:
        archive = Path(scratch) / "job.zip"
        pack_job_folder(folder, archive, folder_signer(kit) if sign else None)
        with archive.open("rb") as content:
            blocks = (
                _exchange_blocks(connection, line, content, archive.stat().st_size)
                if command.client_cmd == Upload.BINARY_EXCHANGE.value
                else _inline_blocks(connection, line, content)
            )
            # Messages of errors quote the line that a user of the official console would type.
            _, meta = connection.send(f"submit_job {folder}", blocks)
    return meta


class _FileSink:
    """Writes the body of a file answer."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.complete = False

    def __call__(self, event: ClientEvent) -> None:
        if isinstance(event, BodyData):
            self._target.write(event.data)
        elif isinstance(event, FileEnd):
            self.complete = True


def download_result(connection: AdminConnection, kit: StartupKit, job_id: str) -> str:
    """Fetch the result of a job into the kit's download folder.

    Returns:
        The path of the result, or the address at which a too large one lies (release 2.3).

    Raises:
        UnsafeArchive: the result would write outside its folder, or is a bomb. Nothing is kept.
    """
    # A blank separates words on the wire; official clients send the first word as the id.
    words = job_id.split()
    command = connection.command("download_job")
    line = join_words([command.full_name, words[0] if words else job_id])
    reply, meta = connection.send(f"download_job {job_id}", connection.request_blocks(line))
    if connection.profile.download is Download.INLINE_BASE64:
        return _store_inline(kit, reply.all(ItemType.STRING), meta)
    return _pull_files(connection, kit, words[0] if words else job_id, meta)


def _store_inline(kit: StartupKit, texts: list[Json], meta: Mapping[str, Json]) -> str:
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
    folder = kit.download_dir / _checked_name(job_id)
    with tempfile.TemporaryDirectory(prefix="flare-download-", dir=kit.download_dir) as scratch:
        archive = Path(scratch) / "result.zip"
        with archive.open("wb") as target:
            try:
                for start in range(0, len(content), 4 * _BLOCK):
                    target.write(base64.b64decode(content[start : start + 4 * _BLOCK], validate=True))
            except binascii.Error as problem:
                raise errors.InternalError(f"expected the result in base64, but {problem}") from problem
        # Official 2.3 clients write over an earlier download; the archive itself holds the folder of the job. It
        # is unfolded aside, so that one that turns out broken half-way leaves an earlier download whole.
        unfolded = _fresh_folder(Path(scratch) / archive.stem)
        extract_archive(archive, unfolded)
        merge_folder(unfolded, kit.download_dir)
    return str(folder)


def _checked_name(name: str) -> Path:
    try:
        return Path(safe_relative_path(name))
    except RemoteProtocolError as problem:
        raise errors.UnsafeArchive(f"the server names a file that is refused: {problem.reason}") from problem


def _pull_files(connection: AdminConnection, kit: StartupKit, job_id: str, meta: Mapping[str, Json]) -> str:
    names = meta.get(MetaKey.FILES.value)
    tx_id, command = meta.get(MetaKey.TX_ID.value), meta.get(MetaKey.CMD_NAME.value)
    if not isinstance(names, list) or not names or not isinstance(tx_id, str) or not isinstance(command, str):
        raise errors.InternalError(
            f"expected the files of the result, a transaction and a command in the reply, but got {dict(meta)!r:.200}"
        )
    if len(names) > DEFAULT_LIMITS.files:
        raise errors.UnsafeArchive(
            f"expected at most {DEFAULT_LIMITS.files:,} files, but the server names {len(names):,}"
        )
    announced = connection.command(command)
    staging = kit.download_dir / _checked_name(f"{job_id}__{tx_id}")
    paths = [staging / _checked_name(str(name)) for name in names]
    try:
        for number, (name, path) in enumerate(zip(names, paths, strict=True), start=1):
            words = [announced.name, tx_id, job_id, str(name)]
            if number == len(names):
                words.append("end")  # the server may forget the staged files
            with refusing_clashes(job_id):
                _pull_file(connection, join_words(words), path)
                if path.suffix == ".zip":
                    extract_archive(path, _fresh_folder(path.with_suffix("")))
                    path.unlink()
        return str(move_to_free_name(staging, kit.download_dir / _checked_name(job_id)))
    except BaseException:
        # A part of a result under the name of the whole would be worse than none.
        remove_tree(staging)
        raise


def _fresh_folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _pull_file(connection: AdminConnection, line: str, path: Path) -> None:
    form = {Download.CHUNKED_PULL: Answer.CHUNKED_FILE, Download.BINARY_PULL: Answer.BINARY_FILE}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        sink = _FileSink(target)
        connection.receive(line, sink, form[connection.profile.download])
        target.flush()
    if not sink.complete:
        raise errors.InternalError(f"expected the file {path.name!r} from the server, but it sent a text reply")


def absolute_job_folder(path: str, upload_dir: Path) -> Path:
    """Find a job folder: below the upload folder first where the path is relative, then as given.

    Raises:
        InvalidJobDefinition: neither is a folder.
    """
    below = upload_dir / path
    if below.is_dir():
        return Path(os.path.abspath(below))  # noqa: PTH100 - resolve() would follow links
    if Path(path).is_dir():
        return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    raise errors.InvalidJobDefinition(f"job_definition_path '{path}' is not a valid folder")
