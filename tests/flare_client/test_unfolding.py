"""Archives that arrive: what lies aside is what the archive says, wherever the bytes were cut, or nothing is kept."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flare_client import transfer, unfolding
from flare_client.archives import extract_archive
from flare_client.errors import UnsafeArchive
from flare_client.protocol.archive import ArchiveLimits
from flare_client.transfer import RemoteFile, Target
from flare_client.unfolding import ArrivingArchive

LARGE = 3000
BIG = os.urandom(2 * LARGE)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "_LARGE", LARGE)


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content, method in members:
            archive.writestr(name, content, method)
    return file.getvalue()


MEMBERS = [
    ("job/", b"", zipfile.ZIP_STORED),
    ("job/small", b"x" * (LARGE - 1), zipfile.ZIP_STORED),
    ("job/big", BIG, zipfile.ZIP_STORED),
    ("job/packed", BIG * 2, zipfile.ZIP_DEFLATED),
    ("job/none", b"", zipfile.ZIP_STORED),
    ("job/app/big", BIG[::-1], zipfile.ZIP_STORED),
]
WHOLE = zipped(*MEMBERS)


def arrive(tmp_path: Path, data: bytes, size: int = 1 << 20, limits: ArchiveLimits | None = None) -> dict[str, bytes]:
    path, target = tmp_path / "x.zip", tmp_path / "x"
    with ArrivingArchive(path) as archive:
        for start in range(0, len(data), size):
            assert archive.write(data[start : start + size]) == len(data[start : start + size])
        archive.flush()
        archive.finish()
        assert path.stat().st_size == len(data)
        extract_archive(path, target, limits or ArchiveLimits(), archive.aside)
        assert not any(one.path.exists() for one in archive.aside.values())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x", "x.zip"]
    return {one.relative_to(target).as_posix(): one.read_bytes() for one in target.rglob("*") if one.is_file()}


def refused(tmp_path: Path, data: bytes, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(UnsafeArchive) as caught:
        arrive(tmp_path, data, limits=limits)
    assert not list(tmp_path.glob(".aside-*"))
    return str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 30, 31, 4096, 1 << 20])
def test_an_archive_unfolds_however_its_bytes_are_cut(tmp_path: Path, size: int) -> None:
    expected = {name: content for name, content, _ in MEMBERS if not name.endswith("/")}
    assert arrive(tmp_path, WHOLE, size) == expected


def test_only_large_stored_members_lie_aside(tmp_path: Path) -> None:
    with ArrivingArchive(tmp_path / "x.zip") as archive:
        archive.write(WHOLE)
        archive.finish()
        found = {one.path.read_bytes() for one in archive.aside.values()}
        assert found == {BIG, BIG[::-1]}
        assert BIG not in (tmp_path / "x.zip").read_bytes()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="zipfile of Python 3.10 writes short sizes where they fit")
def test_sizes_may_have_64_bits(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(BIG)
    data = (tmp_path / "made.zip").read_bytes()
    (tmp_path / "made.zip").unlink()
    assert data[18:26] == b"\xff" * 8
    assert arrive(tmp_path, data, 11) == {"big": BIG}


class _Pipe(io.RawIOBase):
    """Takes bytes and knows no places: the sizes of a member come after it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def test_sizes_that_come_after_a_member_leave_all_in_the_archive(tmp_path: Path) -> None:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload] # enough of a file
        archive.writestr("a", BIG)
        archive.writestr("b", BIG)
    assert arrive(tmp_path, bytes(pipe.data)) == {"a": BIG, "b": BIG}


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all " * 100, b"PK\3\4" + bytes(26), WHOLE[:-30]])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "x.zip is refused" in refused(tmp_path, data)


@pytest.mark.parametrize("end", [WHOLE.index(BIG) + 100, WHOLE.index(BIG) - 3, WHOLE.index(BIG) + len(BIG)])
def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path, end: int) -> None:
    assert "x.zip is refused" in refused(tmp_path, WHOLE[:end])


def changed(change: Callable[[bytearray, int, int], None]) -> bytes:
    """The archive with a change, which is told where the header of ``job/big`` is, and where its directory entry."""
    data = bytearray(WHOLE)
    change(data, data.index(b"job/big") - 30, data.rindex(b"job/big") - 46)
    return bytes(data)


def patch(place: int, value: int) -> bytes:
    return changed(lambda data, _, entry: struct.pack_into("<I", data, entry + place, value))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (WHOLE.replace(BIG, BIG[:-1] + bytes((BIG[-1] ^ 1,))), "CRC"),
        (patch(16, 7), "CRC"),
        (patch(24, len(BIG) - 1), "differ"),
        (patch(20, len(BIG) - 1), "differ"),
        (changed(lambda data, header, _: data.__setitem__(slice(header + 30, header + 33), b"JOB")), "differ"),
        (changed(lambda data, header, _: struct.pack_into("<II", data, header + 18, LARGE, LARGE)), "differ"),
        (changed(lambda data, _, entry: data.__setitem__(entry + 10, zipfile.ZIP_DEFLATED)), "refused"),
    ],
    ids=["bytes", "checksum", "size", "packed size", "name", "size in the header", "method"],
)
def test_what_the_directory_says_of_a_member_that_lies_aside_must_be_true(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    assert data != WHOLE
    assert reason in refused(tmp_path, data)


def test_a_member_that_is_named_twice_is_there_once(tmp_path: Path) -> None:
    def change(data: bytearray, header: int, _: int) -> None:
        entry = data.rindex(b"job/app/big") - 46
        struct.pack_into("<I", data, entry + 42, header)

    assert "refused" in refused(tmp_path, changed(change))


def test_a_member_that_lies_aside_counts_as_any_other(tmp_path: Path) -> None:
    text = refused(tmp_path, WHOLE, ArchiveLimits(ratio=0, free=LARGE))
    assert f"expected at most {LARGE:,} bytes" in text


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
def test_a_member_that_lies_aside_goes_nowhere_else(tmp_path: Path, name: str) -> None:
    assert "expected a path below" in refused(tmp_path, zipped((name, BIG, zipfile.ZIP_STORED)))
    assert not (tmp_path.parent / "out").exists()


def test_an_archive_in_a_large_member_is_content(tmp_path: Path) -> None:
    inner = zipped(("inner", BIG, zipfile.ZIP_STORED))
    assert arrive(tmp_path, zipped(("x.zip", inner, zipfile.ZIP_STORED)), 100) == {"x.zip": inner}


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def fetch(target: Target) -> None:
        target.write(WHOLE[:9000])
        raise OSError("the line is cut")

    with pytest.raises(OSError, match="cut"):
        transfer.store_files(tmp_path, "job", "tx", ["a.zip"], lambda _, name: RemoteFile(name, fetch))
    assert list(tmp_path.iterdir()) == []


def test_a_download_has_its_large_members_in_their_places(tmp_path: Path) -> None:
    def fetch(target: Target) -> None:
        target.write(WHOLE)

    found = transfer.store_files(tmp_path, "job", "tx", ["a.zip", "b"], lambda _, name: RemoteFile(name, fetch))
    assert (Path(found) / "a" / "job" / "big").read_bytes() == BIG
    assert (Path(found) / "b").read_bytes() == WHOLE
    assert sorted(one.name for one in Path(found).iterdir()) == ["a", "b"]
