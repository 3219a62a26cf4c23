"""Archives on disk: packing keeps a folder, extracting never leaves the target whatever the archive says."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import archives, errors
from flare_client.archives import extract_archive, free_folder_name, merge_folder, move_to_free_name, pack_job_folder
from flare_client.errors import InternalError, UnsafeArchive
from flare_client.protocol.archive import ArchiveLimits, check_members

LINK = (stat.S_IFLNK | 0o777) << 16


def info(name: str, external: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = external
    return made


def write_zip(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    """Files with their content and folders with ``None``, links not followed."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def refused(source: Path, target: Path, limits: ArchiveLimits | None = None) -> str:
    with pytest.raises(UnsafeArchive) as caught:
        extract_archive(source, target, limits or ArchiveLimits())
    assert isinstance(caught.value, InternalError)
    return str(caught.value)


# --- packing ------------------------------------------------------------------------------------------------------

_NAMES = st.text("abcXYZ01.-_ é", min_size=1, max_size=8).filter(lambda name: name.strip(". ") == name)
_TREES = st.recursive(
    st.binary(max_size=200), lambda inner: st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
).filter(lambda value: isinstance(value, dict))


def lay_out(folder: Path, content: object) -> None:
    if isinstance(content, bytes):
        folder.write_bytes(content)
        return
    assert isinstance(content, dict)
    folder.mkdir()
    for name, inner in content.items():
        lay_out(folder / name, inner)


@given(_TREES)
def test_what_is_packed_comes_out_the_same_and_the_source_is_unchanged(content: object) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        lay_out(root / "job", content)
        before = tree(root / "job")
        pack_job_folder(root / "job", root / "job.zip")
        assert tree(root / "job") == before
        (root / "out" / "job").mkdir(parents=True)  # the top has no entry of its own
        written = extract_archive(root / "job.zip", root / "out")
        assert tree(root / "out" / "job") == before
        assert {path.relative_to(os.path.realpath(root / "out")).as_posix() for path in written} == {
            f"job/{name}" for name, data in before.items() if data is not None
        }


def test_folders_have_entries_and_files_come_first(tmp_path: Path) -> None:
    """Servers reject an app whose folder has no entry of its own."""
    lay_out(tmp_path / "job", {"app": {"config": {"c.json": b"{}"}, "z.txt": b""}, "meta.json": b"{}"})
    pack_job_folder(tmp_path / "job", tmp_path / "job.zip")
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        assert archive.namelist() == [
            "job/meta.json",
            "job/app/",
            "job/app/z.txt",
            "job/app/config/",
            "job/app/config/c.json",
        ]


def test_the_same_folder_gives_the_same_archive(tmp_path: Path) -> None:
    lay_out(tmp_path / "job", {"b": b"1", "a": {"y": b"2", "x": b"3"}})
    for name in ("first.zip", "second.zip"):
        pack_job_folder(tmp_path / "job", tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_what_is_neither_file_nor_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    with pytest.raises(errors.InvalidJobDefinition, match="pipe is neither"):
        pack_job_folder(folder, tmp_path / "job.zip")
    (folder / "pipe").unlink()
    (folder / "link").symlink_to("nothing")
    with pytest.raises(FileNotFoundError):
        pack_job_folder(folder, tmp_path / "job.zip")


def test_a_file_from_before_1980_can_be_packed(tmp_path: Path) -> None:
    lay_out(tmp_path / "job", {"old": b"x"})
    os.utime(tmp_path / "job" / "old", (0, 0))
    pack_job_folder(tmp_path / "job", tmp_path / "job.zip")
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        assert archive.read("job/old") == b"x"


def test_added_files_replace_those_of_the_same_name(tmp_path: Path) -> None:
    lay_out(tmp_path / "job", {"sig": b"stale", "app": {"sig": b"stale too", "code": b"c"}})
    pack_job_folder(tmp_path / "job", tmp_path / "job.zip", lambda folder: {"sig": folder.name.encode()})
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        assert sorted(archive.namelist()) == ["job/app/", "job/app/code", "job/app/sig", "job/sig"]
        assert (archive.read("job/sig"), archive.read("job/app/sig")) == (b"job", b"app")
    assert (tmp_path / "job" / "sig").read_bytes() == b"stale"


# --- hostile archives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/tmp/flare-out", "..\\out", "C:/out", "a/.."])
def test_a_name_that_leads_out_is_refused_before_anything_is_written(tmp_path: Path, target: Path, name: str) -> None:
    source = write_zip(tmp_path / "x.zip", ("good", b"1"), (info(name), b"2"))
    assert "below the target" in refused(source, target)
    assert tree(tmp_path) == {"target": None, "x.zip": source.read_bytes()}


def test_a_symbolic_link_is_refused(tmp_path: Path, target: Path) -> None:
    source = write_zip(tmp_path / "x.zip", (info("link", LINK), b"/etc"), ("link/passwd", b"2"))
    assert "'link' is neither" in refused(source, target)
    assert tree(target) == {}


def test_a_link_in_the_target_leads_no_member_out(tmp_path: Path, target: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "way").symlink_to(outside, target_is_directory=True)
    assert "a link leads to" in refused(write_zip(tmp_path / "x.zip", ("way/file", b"2")), target)
    assert "a link leads to" in refused(write_zip(tmp_path / "y.zip", ("way/deep/folder/", b"")), target)
    assert tree(outside) == {}


def test_a_link_in_place_of_a_file_is_not_written_through(tmp_path: Path, target: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (target / "file").symlink_to(victim)
    assert "symbolic link" in refused(write_zip(tmp_path / "x.zip", ("file", b"2")), target)
    assert victim.read_bytes() == b"precious"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path, target: Path) -> None:
    (target / "file").symlink_to(tmp_path / "not-there")
    refused(write_zip(tmp_path / "x.zip", ("file", b"2")), target)
    assert not (tmp_path / "not-there").exists()


def test_a_folder_entry_over_a_link_makes_nothing_outside(tmp_path: Path, target: Path) -> None:
    outside = tmp_path / "outside"
    (target / "way").symlink_to(outside, target_is_directory=True)
    refused(write_zip(tmp_path / "x.zip", ("way/", b"")), target)
    assert not outside.exists()


def test_a_target_that_is_a_link_itself_is_fine(tmp_path: Path, target: Path) -> None:
    (tmp_path / "alias").symlink_to(target, target_is_directory=True)
    extract_archive(write_zip(tmp_path / "x.zip", ("a/b", b"1")), tmp_path / "alias")
    assert tree(target) == {"a": None, "a/b": b"1"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path: Path, target: Path) -> None:
    assert "twice" in refused(write_zip(tmp_path / "x.zip", ("a", b"1"), ("a", b"2")), target)
    assert tree(target) == {}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("a", "a/"), ("a/", "a")])
def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path, target: Path, names: tuple[str, str]) -> None:
    assert "a file and a folder of one name" in refused(
        write_zip(tmp_path / "x.zip", *((name, b"" if name.endswith("/") else b"1") for name in names)), target
    )


def test_an_encrypted_member_is_refused(tmp_path: Path, target: Path) -> None:
    source = write_zip(tmp_path / "x.zip", ("a", b"1"))
    content = bytearray(source.read_bytes())
    content[6] |= 1  # general purpose flag of the local header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and of the central directory
    source.write_bytes(content)
    assert "without passwords" in refused(source, target)


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path, target: Path) -> None:
    source = write_zip(tmp_path / "x.zip", ("zeros", bytes(1024 * 1024)))
    assert source.stat().st_size < 10_000
    assert "but it declares 1,048,576" in refused(source, target, ArchiveLimits(ratio=20, free=1024))
    assert tree(target) == {}


def lie_about_size(source: Path, size: int) -> None:
    """Declare another unfolded size in both headers of the first member."""
    content = bytearray(source.read_bytes())
    struct.pack_into("<I", content, 22, size)
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, size)
    source.write_bytes(content)


@pytest.mark.parametrize("declared", [0, 10, 2**20 - 1])
def test_an_archive_that_declares_less_than_it_holds_never_passes_the_limit(
    tmp_path: Path, target: Path, declared: int
) -> None:
    source = write_zip(tmp_path / "x.zip", ("zeros", bytes(2**20)))
    lie_about_size(source, declared)
    refused(source, target, ArchiveLimits(ratio=1, free=2**20))
    assert sum(len(data or b"") for data in tree(target).values()) <= 2**20


def test_bytes_are_counted_as_they_come_whatever_was_declared(tmp_path: Path) -> None:
    """``zipfile`` stops at the declared size by itself; a reader that did not must not fill the disk."""
    member = check_members([info("a")], 100)[0]
    with pytest.raises(UnsafeArchive, match="expected at most 10 more bytes"):
        archives._copy(iter([b"12345", b"678901", b"never"]), member, tmp_path / "a", 10)
    assert (tmp_path / "a").read_bytes() == b"12345"


def test_bytes_are_counted_over_all_members(tmp_path: Path, target: Path) -> None:
    source = write_zip(tmp_path / "x.zip", ("a", bytes(600)), ("b", bytes(600)))
    assert "declares 1,200" in refused(source, target, ArchiveLimits(ratio=0, free=1000))
    assert extract_archive(source, target, ArchiveLimits(ratio=0, free=1200))


def test_a_damaged_member_is_refused(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", b"content")
    source.write_bytes(source.read_bytes().replace(b"content", b"CONTENT"))
    assert "CRC" in refused(source, target)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06"])
def test_what_is_no_archive_is_refused(tmp_path: Path, target: Path, content: bytes) -> None:
    source = tmp_path / "x.zip"
    source.write_bytes(content)
    assert "x.zip is refused" in refused(source, target)


def test_a_truncated_archive_is_refused_wherever_it_is_cut(tmp_path: Path, target: Path) -> None:
    whole = write_zip(tmp_path / "whole.zip", ("a/b", b"content"), ("c", b"more")).read_bytes()
    source = tmp_path / "cut.zip"
    for end in range(len(whole)):
        source.write_bytes(whole[:end])
        refused(source, target)


@pytest.mark.parametrize("method", [1, 6, 99])
def test_an_unknown_compression_is_refused(tmp_path: Path, target: Path, method: int) -> None:
    source = write_zip(tmp_path / "x.zip", ("a", b"1"))
    content = bytearray(source.read_bytes())
    struct.pack_into("<H", content, 8, method)
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 10, method)
    source.write_bytes(content)
    refused(source, target)


def test_an_archive_inside_other_bytes_is_read(tmp_path: Path, target: Path) -> None:
    """Servers of 2.4 send ``job.zip`` inside a serialised object (observed)."""
    plain = write_zip(tmp_path / "x.zip", ("a", b"1")).read_bytes()
    source = tmp_path / "wrapped.zip"
    source.write_bytes(b"d" + struct.pack(">Q", len(plain)) + b"\x82\xa9job_data_\xc4" + plain + b"\xc0")
    extract_archive(source, target)
    assert tree(target) == {"a": b"1"}


_MEMBER_NAMES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "way", "file", "C:", "a\\b", "~"]), min_size=1, max_size=4
).flatmap(lambda parts: st.sampled_from(["/".join(parts), "/" + "/".join(parts), "/".join(parts) + "/"]))
_MEMBERS = st.lists(
    st.tuples(_MEMBER_NAMES, st.sampled_from([0, LINK, (stat.S_IFREG | 0o644) << 16, stat.S_IFIFO << 16])), max_size=6
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(_MEMBERS, st.binary(max_size=30))
def test_nothing_is_ever_written_outside_the_target(members: list[tuple[str, int]], noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        outside, target = root / "outside", root / "target"
        outside.mkdir()
        target.mkdir()
        (outside / "file").write_bytes(b"precious")
        (target / "way").symlink_to(outside, target_is_directory=True)
        (target / "file").symlink_to(outside / "file")
        source = root / "x.zip"
        write_zip(source, *((info(name, kind), b"" if name.endswith("/") else b"hostile") for name, kind in members))
        source.write_bytes(noise + source.read_bytes())
        before = tree(outside)
        try:
            written = extract_archive(source, target)
        except UnsafeArchive:
            written = []
        assert tree(outside) == before
        assert sorted(path.name for path in root.iterdir()) == ["outside", "target", "x.zip"]
        real = Path(os.path.realpath(target))
        for path in written:
            assert real in Path(os.path.realpath(path)).parents
            assert not path.is_symlink()


@given(st.data())
def test_a_damaged_archive_is_extracted_or_refused_and_nothing_else(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "target").mkdir()
        content = bytearray(write_zip(root / "x.zip", ("a/b", b"content" * 9), ("c", b"more")).read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        (root / "x.zip").write_bytes(content)
        with contextlib.suppress(UnsafeArchive):
            extract_archive(root / "x.zip", root / "target")
        assert sorted(path.name for path in root.iterdir()) == ["target", "x.zip"]


# --- merging ------------------------------------------------------------------------------------------------------


def test_merging_replaces_files_and_keeps_the_others(tmp_path: Path, target: Path) -> None:
    lay_out(tmp_path / "new", {"job": {"a": b"new", "sub": {"b": b"new"}}})
    lay_out(target / "job", {"a": b"old", "c": b"old"})
    merge_folder(tmp_path / "new", target)
    assert tree(target / "job") == {"a": b"new", "c": b"old", "sub": None, "sub/b": b"new"}


def test_merging_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path, target: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    (target / "a").symlink_to(tmp_path / "victim")
    lay_out(tmp_path / "new", {"a": b"new"})
    merge_folder(tmp_path / "new", target)
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert (target / "a").read_bytes() == b"new"
    assert not (target / "a").is_symlink()


def test_merging_follows_no_link_out_of_the_target(tmp_path: Path, target: Path) -> None:
    (tmp_path / "outside").mkdir()
    (target / "job").symlink_to(tmp_path / "outside", target_is_directory=True)
    lay_out(tmp_path / "new", {"job": {"a": b"new"}})
    with pytest.raises(UnsafeArchive, match="a link leads to"):
        merge_folder(tmp_path / "new", target)
    assert tree(tmp_path / "outside") == {}


@pytest.mark.parametrize(("new", "old"), [({"a": b""}, {"a": {}}), ({"a": {}}, {"a": b""})])
def test_merging_a_file_over_a_folder_or_back_is_refused(
    tmp_path: Path, target: Path, new: dict[str, object], old: dict[str, object]
) -> None:
    lay_out(tmp_path / "new", new)
    lay_out(target / "x", old)
    with pytest.raises(UnsafeArchive, match="a file and a folder of one name"):
        merge_folder(tmp_path / "new", target / "x")


# --- names of downloads -------------------------------------------------------------------------------------------


def test_names_count_up() -> None:
    names = free_folder_name(Path("/d/job"))
    assert [next(names).name for _ in range(3)] == ["job", "job__1", "job__2"]


def test_a_taken_name_is_left_alone_even_when_its_folder_is_empty(tmp_path: Path) -> None:
    wanted = tmp_path / "job"
    wanted.mkdir()
    (tmp_path / "job__1").write_text("a file")
    (tmp_path / "new").mkdir()
    assert move_to_free_name(tmp_path / "new", wanted) == tmp_path / "job__2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job", "job__1", "job__2"]


def test_a_source_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        move_to_free_name(tmp_path / "not-there", tmp_path / "job")


def test_archives_larger_than_a_block_are_copied_whole(tmp_path: Path, target: Path) -> None:
    content = os.urandom(2_500_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("big", content)
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    extract_archive(tmp_path / "x.zip", target)
    assert (target / "big").read_bytes() == content
