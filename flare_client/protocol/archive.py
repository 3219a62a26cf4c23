"""What an archive may contain: the rules by which members of a received zip are accepted, without touching a disk.

A job result comes from programs of other people. A member may not leave the target, may not be a link or a device,
may not shadow another, and the whole may not be a bomb.
"""

from __future__ import annotations

import dataclasses
import stat
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath

from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.limits import GIB, MIB


@dataclasses.dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may unfold to."""

    entries: int = 200_000
    total: int = 256 * GIB
    """Bytes of all members together."""
    ratio: int = 200
    """Unfolded bytes for each byte of the archive, once ``free`` is used up."""
    free: int = 512 * MIB
    """Bytes that may unfold whatever the ratio."""

    def allowance(self, archive_size: int) -> int:
        """How many bytes an archive of that size may unfold to."""
        return min(self.total, max(self.free, archive_size * self.ratio))


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()


@dataclasses.dataclass(frozen=True)
class Member:
    """A member that may be extracted."""

    info: zipfile.ZipInfo
    path: PurePosixPath
    """Relative, without ``.`` and ``..``."""
    is_folder: bool


def safe_relative_path(name: str) -> PurePosixPath:
    """Read the name of a member or of a file in a download as a path below the target.

    Raises:
        RemoteProtocolError: the name is empty, absolute, names a drive, climbs out, or holds a NUL or a backslash.
    """
    path = PurePosixPath(name)
    if (
        not path.parts
        or path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or "\0" in name
        or ":" in path.parts[0]
    ):
        raise RemoteProtocolError(f"expected a path below the target folder, but got {name!r}")
    return path


def check_members(
    infos: Iterable[zipfile.ZipInfo], archive_size: int, limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS
) -> list[Member]:
    """Check every member of an archive before the first is extracted.

    Sizes are checked as declared; whoever extracts counts the bytes that really come, too.

    Raises:
        RemoteProtocolError: a member breaks a rule; its text names the member.
    """
    members: list[Member] = []
    files: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    declared = 0
    for info in infos:
        if len(members) >= limits.entries:
            raise RemoteProtocolError(f"expected at most {limits.entries:,} archive members, but there are more")
        path = safe_relative_path(info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise RemoteProtocolError(f"expected files and folders in the archive, but {info.filename!r} is neither")
        if info.flag_bits & 0x1:
            raise RemoteProtocolError(f"expected an archive without passwords, but {info.filename!r} has one")
        if not info.is_dir():
            if path in files:
                raise RemoteProtocolError(f"expected each file once, but the archive holds {info.filename!r} twice")
            files.add(path)
            declared += info.file_size
        else:
            folders.add(path)
        folders.update(path.parents)
        members.append(Member(info, path, info.is_dir()))
    if clashes := files & folders:
        raise RemoteProtocolError(f"the archive holds a file and a folder of one name, {str(min(clashes))!r}")
    allowed = limits.allowance(archive_size)
    if declared > allowed:
        raise RemoteProtocolError(
            f"expected at most {allowed:,} bytes from an archive of {archive_size:,}, but it declares {declared:,}"
        )
    return members
