"""Job definitions up and results down, whichever wire they take; everything is streamed from and to disk.

Owns what both dialects share: how a folder is packed, where files are put, when nothing of them is kept. How bytes
travel is the connection's.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flare_client import errors
from flare_client.archives import (
    extract_archive,
    move_to_free_name,
    pack_job_folder,
    refusing_clashes,
    remove_tree,
)
from flare_client.kit import StartupKit
from flare_client.progress import Progress, ReportedReads, ReportedWrites, Target
from flare_client.protocol.archive import safe_relative_path
from flare_client.protocol.command_line import join_words
from flare_client.protocol.envelope import Json
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import DEFAULT_LIMITS
from flare_client.signatures import folder_signer
from flare_client.unfolding import ArrivingArchive

if TYPE_CHECKING:
    from flare_client.connection import Connection


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file that the server offers.

    Attributes:
        name: below the folder of the result.
        fetch: writes its content.
    """

    name: str
    fetch: Callable[[Target], None]


def upload_job(
    connection: Connection,
    kit: StartupKit,
    folder: Path,
    *,
    options: Sequence[str] = (),
    meta: Mapping[str, Json] | None = None,
) -> Mapping[str, Json]:
    """Pack, sign and send a job folder; the folder itself is left as it is.

    Args:
        connection: a logged-in connection.
        kit: holds the key and the certificate to sign with.
        folder: the job folder.
        options: words after the folder in the command.
        meta: of the request.

    Returns:
        The meta of the reply.
    """
    line = join_words([connection.command("submit_job").full_name, folder.name, *options])
    with tempfile.TemporaryDirectory(prefix="flare-submit-") as scratch:
        archive = Path(scratch) / "job.zip"
        pack_job_folder(folder, archive, folder_signer(kit) if connection.signs_jobs else None)
        progress = connection.progress
        with archive.open("rb") if progress is None else ReportedReads(archive, folder.name, progress) as content:
            # Messages of errors quote the line that a user of the official console would type.
            reply = connection.upload(line, f"submit_job {folder}", content, archive.stat().st_size, meta)
            if isinstance(content, ReportedReads):
                content.finish()
            return reply


def watched(file: RemoteFile, progress: Progress | None) -> RemoteFile:
    """The same file, whose coming is told.

    Args:
        file: the file.
        progress: is told; ``None``: nobody wants to know.
    """
    if progress is None:
        return file
    report = progress

    def fetch(target: Target) -> None:
        reported = ReportedWrites(target, file.name, report)
        file.fetch(reported)
        reported.finish()

    return RemoteFile(file.name, fetch)


def store_files(
    target: Path,
    job_id: str,
    tx_id: str,
    names: Sequence[object],
    offer: Callable[[int, str], RemoteFile],
    progress: Progress | None = None,
) -> str:
    """Fetch the files of a result, unfold the archives among them, and give the whole its name.

    Args:
        target: the folder that takes the result.
        job_id: names the result.
        tx_id: names the folder of what is not whole yet.
        names: of the files, as the server says.
        offer: makes the offer of a file out of its place in ``names`` and its name.
        progress: is told how far each file has come.

    Returns:
        The path of the result.

    Raises:
        UnsafeArchive: there are too many files, or one would be written outside. Nothing is kept.
    """
    if len(names) > DEFAULT_LIMITS.files:
        raise errors.UnsafeArchive(
            f"expected at most {DEFAULT_LIMITS.files:,} files, but the server names {len(names):,}"
        )
    staging = target / checked_name(f"{job_id}__{tx_id}")
    offers = [watched(offer(place, str(name)), progress) for place, name in enumerate(names)]
    paths = [staging / checked_name(one.name) for one in offers]
    try:
        for one, path in zip(offers, paths, strict=True):
            with refusing_clashes(job_id):
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".zip":
                    _fetch_archive(one, path)
                else:
                    with path.open("wb") as file:
                        one.fetch(file)
        return str(move_to_free_name(staging, target / checked_name(job_id)))
    except BaseException:
        # A part of a result under the name of the whole would be worse than none.
        remove_tree(staging)
        raise


def _fetch_archive(offered: RemoteFile, path: Path) -> None:
    with ArrivingArchive(path) as archive:
        offered.fetch(archive)
        archive.finish()
        extract_archive(path, fresh_folder(path.with_suffix("")), aside=archive.aside)
    path.unlink()


def move_result(location: str, destination: str) -> str:
    """Move a downloaded result into a folder, which is made where there is none.

    Args:
        location: the result; an address instead of a folder stays as it is (release 2.3).
        destination: the folder to move it into.

    Returns:
        The new path; with a suffix where there is one of that name already.

    Raises:
        OSError: it cannot be moved. It is where it was, and nothing of it at the destination.
    """
    result = Path(location)
    if not result.is_dir():
        return location
    target = _absolute(destination)
    try:
        return str(_moved(result, fresh_folder(target)))
    except OSError as problem:
        raise OSError(
            problem.errno, f"expected to move the result to {target}, but: {problem.strerror}. It is at {result}"
        ) from problem


def check_destination(destination: str) -> None:
    """See whether a result could be put into a folder, as far as that can be seen before there is one.

    Raises:
        OSError: it could not; nothing was fetched yet.
    """
    target = _absolute(destination)
    nearest = next(path for path in (target, *target.parents) if path.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"expected a folder at {target}, but {nearest} is a file")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"expected to write to {target}, but may not write to {nearest}")


def _absolute(folder: str) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links


def _moved(result: Path, target: Path) -> Path:
    try:
        return move_to_free_name(result, target / result.name)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
    # On another disk, where nothing can be renamed to: the name is given once the copy is whole.
    staging = Path(tempfile.mkdtemp(prefix=".flare-download-", dir=target))
    try:
        shutil.copytree(result, staging, symlinks=True, dirs_exist_ok=True)
        place = move_to_free_name(staging, target / result.name)
    except BaseException:
        remove_tree(staging)
        raise
    remove_tree(result)
    return place


def checked_name(name: str) -> Path:
    """A path below a folder.

    Raises:
        UnsafeArchive: it would lead out of the folder, or is no name.
    """
    try:
        return Path(safe_relative_path(name))
    except RemoteProtocolError as problem:
        raise errors.UnsafeArchive(f"the server names a file that is refused: {problem.reason}") from problem


def fresh_folder(path: Path) -> Path:
    """Make a folder, with those above it."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def absolute_job_folder(path: str, upload_dir: Path, *, as_given_first: bool) -> Path:
    """Find a job folder: as given, and below the upload folder where the path is relative.

    Args:
        path: as the caller gave it.
        upload_dir: the kit's.
        as_given_first: which of both is tried first.

    Raises:
        InvalidJobDefinition: neither is a folder.
    """
    places = [upload_dir / path, Path(path)]
    for place in reversed(places) if as_given_first else places:
        if os.path.isdir(place):  # noqa: PTH112 - is_dir() raises where a name is too long for one
            return _absolute(str(place))
    raise errors.InvalidJobDefinition(f"job_definition_path '{path}' is not a valid folder")
