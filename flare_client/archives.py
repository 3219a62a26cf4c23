"""Archives on disk: a job folder into a zip, a received zip into a folder, both streamed.

What a received archive may contain is the protocol's business (``flare_client.protocol.archive``).
"""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flare_client.errors import InvalidJobDefinition, UnsafeArchive
from flare_client.protocol.archive import DEFAULT_ARCHIVE_LIMITS, ArchiveLimits, Member, check_members
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.unfolding import MemberAside

_BLOCK = 1024 * 1024

Signer = Callable[[Path], Mapping[str, bytes]]
"""Returns the extra files (name to content) that the signing of one folder adds to it."""


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """The files and the sub-folders of a folder, by name, so that a zip is the same each time."""
    files, folders = [], []
    for child in sorted(folder.iterdir()):
        if child.is_dir():
            folders.append(child)
        elif child.is_file():
            files.append(child)
        else:
            child.stat()  # a link that leads nowhere is told in the system's words
            # Who opens a pipe waits until somebody writes into it.
            raise InvalidJobDefinition(f"expected files and folders in a job, but {child} is neither")
    return files, folders


def _write_folder(archive: zipfile.ZipFile, folder: Path, name: str, signer: Signer | None) -> None:
    files, folders = _entries(folder)
    extra = signer(folder) if signer else {}
    for path in files:
        # A signature that an official client left in the folder gives way to the fresh one.
        if path.name not in extra:
            archive.write(path, f"{name}/{path.name}")
    for file_name, content in extra.items():
        archive.writestr(f"{name}/{file_name}", content)
    for path in folders:
        # The server looks for the entries of folders (2.3-2.9 reject an app without them).
        archive.write(path, f"{name}/{path.name}")
        _write_folder(archive, path, f"{name}/{path.name}", signer)


def pack_job_folder(folder: Path, target: Path, signer: Signer | None = None) -> None:
    """Write a job folder into a zip in the layout that servers expect, without touching the folder.

    Args:
        folder: the job folder; the last part of its path becomes the top of the archive.
        target: the zip to write.
        signer: adds the signature files of each folder.

    Raises:
        InvalidJobDefinition: there is something in it that is neither file nor folder, as a pipe.
        OSError: the folder cannot be read or the target not written.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        _write_folder(archive, folder, folder.name, signer)


_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What ``zipfile`` and the decompressors raise for an archive whose bytes make no sense."""


@contextlib.contextmanager
def _reading(source: Path) -> Iterator[None]:
    """Turn what a damaged archive makes ``zipfile`` raise into one error; faults of the disk stay what they are."""
    try:
        yield
    except _DAMAGE as problem:
        raise UnsafeArchive(f"the downloaded archive {source.name} is refused: {problem}") from problem
    except OSError as problem:
        # A seek to an offset below zero, and the words of the bz2 decoder, which come without a number.
        if problem.errno not in (None, errno.EINVAL):
            raise
        raise UnsafeArchive(f"the downloaded archive {source.name} is refused: {problem}") from problem


def _blocks(archive: zipfile.ZipFile, member: Member, source: Path) -> Iterator[bytes]:
    with _reading(source):
        content = archive.open(member.info)
    with content:
        while True:
            with _reading(source):
                block = content.read(_BLOCK)
            if not block:
                return
            yield block


def _make_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise UnsafeArchive(f"expected a file or nothing at {path}, but it is a symbolic link")


def _copy(blocks: Iterator[bytes], member: Member, path: Path, left: int) -> int:
    _make_way(path)
    written = 0
    with path.open("wb") as target:
        for block in blocks:
            written += len(block)
            if written > left:
                raise UnsafeArchive(
                    f"expected at most {left:,} more bytes from the archive, but {member.path} has more"
                )
            target.write(block)
    return written


def _check_way(folder: Path, path: Path) -> None:
    """A link that lies in the target already must not lead a member out of it."""
    real = Path(os.path.realpath(path.parent))
    if real != folder and folder not in real.parents:
        raise UnsafeArchive(f"expected {path} below {folder}, but a link leads to {real}")


def _place(archive: zipfile.ZipFile, member: Member, source: Path, lies: MemberAside, path: Path) -> int:
    """Give a member that lies aside its name, where all that the archive says of it is true."""
    info = member.info
    with _reading(source), archive.open(info):  # reads its header, and compares it with the directory
        if info.compress_type != zipfile.ZIP_STORED or not lies.size == info.file_size == info.compress_size:
            raise zipfile.BadZipFile(f"header and directory of {info.filename!r} differ")
        if lies.checksum != info.CRC:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")
    _make_way(path)
    lies.path.replace(path)
    return lies.size


def extract_archive(
    source: Path,
    folder: Path,
    limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
    aside: Mapping[int, MemberAside] | None = None,
) -> list[Path]:
    """Extract a received zip below a folder.

    Every member is checked before the first byte is written; bytes are counted as they come, whatever the archive
    declares.

    Args:
        source: the zip.
        folder: where to.
        limits: how much it may unfold to.
        aside: the members whose bytes are not in it but beside it, by the place of their headers; on the same file
            system. They are moved.

    Returns:
        The files that were written.

    Raises:
        UnsafeArchive: the archive is broken, would write elsewhere, or unfolds to more than the limits allow.
    """
    written: list[Path] = []
    lying = dict(aside or {})
    real_folder = Path(os.path.realpath(folder))
    with _reading(source):
        archive = zipfile.ZipFile(source)
    with archive:
        size = source.stat().st_size
        left = limits.allowance(size)
        try:
            members = check_members(archive.infolist(), size, limits)
        except RemoteProtocolError as problem:
            raise UnsafeArchive(f"the downloaded archive {source.name} is refused: {problem}") from problem
        for member in members:
            path = real_folder / member.path
            _check_way(real_folder, path)
            with refusing_clashes(source.name):
                if member.is_folder:
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                lies = lying.pop(member.info.header_offset, None)
                if lies is not None and lies.size <= left:
                    left -= _place(archive, member, source, lies, path)
                else:
                    left -= _copy(_blocks(archive, member, source), member, path, left)
            written.append(path)
    return written


@contextlib.contextmanager
def refusing_clashes(name: str) -> Iterator[None]:
    """Turn what the system says about a file in place of a folder, or the other way round, into ``UnsafeArchive``.

    Args:
        name: what was downloaded, for the message.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as problem:
        raise UnsafeArchive(f"the download {name} holds a file and a folder of one name") from problem


def merge_folder(source: Path, folder: Path) -> None:
    """Move what one folder holds into another, over files of the same names; both on one file system.

    A link in the way of a file is replaced; one in the way of a folder is not followed out of the target.

    Raises:
        UnsafeArchive: a link leads out, or a file and a folder have one name.
    """
    real_folder = Path(os.path.realpath(folder))
    for path in sorted(source.rglob("*")):
        target = real_folder / path.relative_to(source)
        _check_way(real_folder, target)
        with refusing_clashes(source.name):
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                path.replace(target)


def free_folder_name(wanted: Path) -> Iterator[Path]:
    """The names under which a download may be stored: the wanted one, then ``__1``, ``__2`` and so on."""
    yield wanted
    number = 1
    while True:
        yield wanted.with_name(f"{wanted.name}__{number}")
        number += 1


def move_to_free_name(source: Path, wanted: Path) -> Path:
    """Rename a folder to the first free name.

    Returns:
        Its new path.
    """
    for candidate in free_folder_name(wanted):
        # Renaming onto an empty folder would succeed on POSIX: only a name that is not there is free.
        if not candidate.exists():
            try:
                source.rename(candidate)
            except OSError:
                if candidate.exists():
                    continue  # taken by another download in between
                raise
            return candidate
    raise AssertionError("names never run out")


def remove_tree(folder: Path) -> None:
    """Remove a folder that a failed download left, as far as possible."""
    shutil.rmtree(folder, ignore_errors=True)
