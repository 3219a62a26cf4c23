"""Which members of a received archive are accepted."""

from __future__ import annotations

import stat
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.archive import ArchiveLimits, check_members, safe_relative_path
from flare_client.protocol.errors import RemoteProtocolError

KIB = 1024


def member(name: str, size: int = 0, *, kind: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name  # the constructor would cut at a NUL
    info.file_size = size
    info.external_attr = kind << 16
    info.flag_bits = flags
    return info


@pytest.mark.parametrize(
    ("name", "path"),
    [("a", "a"), ("a/b.txt", "a/b.txt"), ("./a//b", "a/b"), ("a/", "a"), ("..a/b..", "..a/b.."), ("a/c:d", "a/c:d")],
)
def test_a_path_below_the_target_is_taken(name: str, path: str) -> None:
    assert safe_relative_path(name) == PurePosixPath(path)


@pytest.mark.parametrize(
    "name",
    ["", ".", "./", "..", "../a", "a/../b", "a/..", "/a", "//a", "a\\b", "..\\a", "a\0b", "C:/a", "C:", "c:a"],
)
def test_a_path_that_may_leave_the_target_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError, match="below the target folder") as caught:
        safe_relative_path(name)
    assert repr(name) in caught.value.reason


@pytest.mark.parametrize(
    "names", [("a", "a/b"), ("a/b/c", "a"), ("a", "a/"), ("x/", "./x", "y"), ("a/", "a/b", "a/b/c")]
)
def test_a_file_and_a_folder_of_one_name_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(RemoteProtocolError, match="a file and a folder of one name"):
        check_members([member(name) for name in names], 100)


def test_folders_may_be_named_before_and_after_what_is_in_them() -> None:
    assert len(check_members([member(name) for name in ("a/", "a/b", "c/d", "c/", "a/")], 100)) == 5


_NAMES = st.text(st.sampled_from("ab./\\:\0 é"), max_size=12)


@given(_NAMES)
def test_an_accepted_path_stays_below_any_target(name: str) -> None:
    try:
        path = safe_relative_path(name)
    except RemoteProtocolError:
        return
    assert path.parts
    assert not path.is_absolute()
    assert not {"..", "."} & set(path.parts)
    assert PurePosixPath("/target") in (PurePosixPath("/target") / path).parents


def test_files_and_folders_are_told_apart() -> None:
    found = check_members([member("a/", kind=stat.S_IFDIR | 0o755), member("a/b", 3, kind=stat.S_IFREG | 0o644)], 100)
    assert [(str(m.path), m.is_folder) for m in found] == [("a", True), ("a/b", False)]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int) -> None:
    with pytest.raises(RemoteProtocolError, match="'odd' is neither"):
        check_members([member("odd", kind=kind | 0o777)], 100)


def test_an_encrypted_member_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="'secret' has one"):
        check_members([member("secret", flags=0x1)], 100)


@pytest.mark.parametrize("other", ["a/b", "a//b", "./a/b"])
def test_a_file_that_comes_twice_is_refused(other: str) -> None:
    with pytest.raises(RemoteProtocolError, match="twice"):
        check_members([member("a/b"), member(other)], 100)


def test_a_folder_may_come_twice() -> None:
    assert len(check_members([member("a/"), member("a/")], 100)) == 2


def test_the_number_of_members_is_limited() -> None:
    limits = ArchiveLimits(entries=2)
    assert len(check_members([member("a"), member("b/")], 100, limits)) == 2
    with pytest.raises(RemoteProtocolError, match="at most 2 archive members"):
        check_members([member("a"), member("b/"), member("c")], 100, limits)


def test_a_bomb_is_told_by_its_ratio() -> None:
    limits = ArchiveLimits(ratio=10, free=0)
    assert check_members([member("a", 400), member("b", 600)], 100, limits)
    with pytest.raises(RemoteProtocolError, match="at most 1,000 bytes from an archive of 100, but it declares 1,001"):
        check_members([member("a", 400), member("b", 601)], 100, limits)


@given(
    st.integers(0, 10**9),
    st.builds(ArchiveLimits, total=st.integers(0, 10**9), ratio=st.integers(1, 1000), free=st.integers(0, 10**9)),
)
def test_the_allowance_never_passes_the_total_and_grows_with_the_archive(size: int, limits: ArchiveLimits) -> None:
    allowed = limits.allowance(size)
    assert 0 <= allowed <= limits.total
    assert limits.allowance(size + 1) >= allowed
    assert allowed >= min(limits.free, limits.total)


@given(st.lists(st.tuples(_NAMES, st.integers(0, 2 * KIB)), max_size=8))
def test_accepted_members_keep_all_rules(entries: list[tuple[str, int]]) -> None:
    limits = ArchiveLimits(entries=5, total=4 * KIB, free=4 * KIB)
    try:
        found = check_members([member(name, size) for name, size in entries], 100, limits)
    except RemoteProtocolError:
        return
    files = [m for m in found if not m.is_folder]
    assert len(found) == len(entries) <= limits.entries
    assert len({m.path for m in files}) == len(files)
    assert sum(m.info.file_size for m in files) <= limits.total
