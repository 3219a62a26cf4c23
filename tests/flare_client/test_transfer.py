"""Jobs up and results down: what is sent, what is kept, and what a hostile server achieves."""

from __future__ import annotations

import base64
import errno
import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client import (
    InternalError,
    InvalidJobDefinition,
    JobNotFound,
    MalformedReply,
    ServerUnreachable,
    Session,
    UnsafeArchive,
    new_insecure_session,
    new_secure_session,
)
from flare_client.protocol.signing import (
    CERTIFICATE_FILE,
    SIGNATURE_FILE,
    FolderVerifier,
    digest_of,
    name_digest,
)
from flare_client.transfer import absolute_job_folder, move_result
from mock_server import MockServer
from tests.flare_client.scripted_server import Answer, ScriptedServer, item, reply
from tests.support import JobMaker, servers_of_releases

ADMIN = "admin@nvidia.com"
JOB = "0f4c1d2e-6b1a-4c3d-8e9f-0123456789ab"
SCENARIO = {
    "jobs": [
        {"match": {"name": "big"}, "queued": 0, "running": 0, "result": {"size": "3MiB"}},
        {"queued": 0, "running": 0, "result": {"files": {"empty.txt": "", "deep/er/file.txt": "text"}}},
    ],
    "limits": {"max_jobs": 1000},
}


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


def finished(session: Session, folder: Path) -> str:
    job_id = session.submit_job(str(folder))
    session.monitor_job(job_id, timeout=20, poll_interval=0.01)
    return job_id


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


# --- up -----------------------------------------------------------------------------------------------------------


def test_every_folder_is_signed_and_the_users_folder_is_left_alone(session: Session, make_job: JobMaker) -> None:
    folder = make_job(files={"app/custom/net.py": "pass"})
    (folder / "app" / "nothing").mkdir()
    before = tree(folder)
    stamps = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    result = Path(session.download_job_result(finished(session, folder)))
    assert tree(folder) == before
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == stamps

    arrived = result / "job" / folder.name
    certificate = (Path(session.upload_dir).parent / "startup" / "client.crt").read_bytes()
    folders = ["", "app", "app/config", "app/custom", "app/nothing"]
    assert sorted(p.relative_to(arrived).as_posix() for p in arrived.rglob("*") if p.is_dir()) == folders[1:]
    for name in folders:
        here = arrived / name
        assert (here / CERTIFICATE_FILE).read_bytes() == certificate
        signatures = (here / SIGNATURE_FILE).read_bytes()
        children = [child for child in here.iterdir() if child.name not in (SIGNATURE_FILE, CERTIFICATE_FILE)]
        assert set(json.loads(signatures)) == {child.name for child in children}
        verifier = FolderVerifier(signatures, certificate)
        for child in children:
            if (name, child.name) == ("", "meta.json") and session.release == "2.3":
                continue  # servers of 2.3 rewrite it
            verifier.check(child.name, name_digest(child.name) if child.is_dir() else digest_of([child.read_bytes()]))


def test_signatures_that_an_official_client_left_are_replaced(session: Session, make_job: JobMaker) -> None:
    stale = {f"{folder}{name}": "stale" for folder in ("", "app/") for name in (SIGNATURE_FILE, CERTIFICATE_FILE)}
    folder = make_job(files=stale)
    result = Path(session.download_job_result(finished(session, folder)))
    for name in stale:
        assert (folder / name).read_text() == "stale"
        assert (result / "job" / folder.name / name).read_bytes() != b"stale"


def test_an_insecure_job_is_not_signed(make_job: JobMaker) -> None:
    with (
        MockServer("2.3", secure=False, scenario=SCENARIO) as server,
        new_insecure_session(str(server.kit())) as session,
    ):
        result = Path(session.download_job_result(finished(session, make_job())))
        assert (result / "job" / "hello" / "meta.json").is_file()
        assert not list(result.rglob(SIGNATURE_FILE))
        assert not list(result.rglob(CERTIFICATE_FILE))


def test_an_upload_leaves_no_temporary_file(
    session: Session, make_job: JobMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    folder = make_job()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    session.submit_job(str(folder))
    assert list((tmp_path / "scratch").glob("flare-submit-*")) == []


# --- down ---------------------------------------------------------------------------------------------------------


def test_a_result_comes_down_whole(session: Session, make_job: JobMaker) -> None:
    job_id = finished(session, make_job())
    result = Path(session.download_job_result(job_id))
    assert result == Path(session.download_dir) / job_id
    assert (result / "workspace" / "deep" / "er" / "file.txt").read_text() == "text"
    assert (result / "workspace" / "empty.txt").read_bytes() == b""
    assert not list(result.rglob("*.zip"))
    assert [path.name for path in Path(session.download_dir).iterdir()] == [job_id]


def test_a_large_result_comes_down_whole(session: Session, make_job: JobMaker) -> None:
    result = Path(session.download_job_result(finished(session, make_job("big"))))
    assert (result / "workspace" / "result.bin").stat().st_size == 3 * 1024 * 1024


def test_a_name_too_long_for_a_folder_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidJobDefinition, match="is not a valid folder"):
        absolute_job_folder("x" * 300, tmp_path, as_given_first=True)


def test_a_result_goes_to_another_disk_under_its_name_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tmp_path / "kit" / JOB
    (result / "workspace").mkdir(parents=True)
    (result / "workspace" / "model.txt").write_text("weights")
    official = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path == result:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return official(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    place = Path(move_result(str(result), str(tmp_path / "disk")))
    assert place == tmp_path / "disk" / JOB
    assert (place / "workspace" / "model.txt").read_text() == "weights"
    assert not result.exists()
    place.rename(result)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match=f"It is at {result}"):
        move_result(str(result), str(tmp_path / "disk"))
    assert list((tmp_path / "disk").iterdir()) == [], "a part under the name of the whole would be worse than none"
    assert (result / "workspace" / "model.txt").read_text() == "weights"


def test_a_repeated_download_is_named_as_the_release_does(session: Session, make_job: JobMaker) -> None:
    job_id = finished(session, make_job())
    first = Path(session.download_job_result(job_id))
    (first / "mine.txt").write_text("added by the user")
    (first / "workspace" / "empty.txt").write_text("changed by the user")
    paths = [Path(session.download_job_result(job_id)) for _ in range(2)]
    if session.release == "2.3":
        assert paths == [first, first]
        assert (first / "workspace" / "empty.txt").read_bytes() == b""
    else:
        assert paths == [first.with_name(f"{job_id}__{number}") for number in (1, 2)]
        assert (first / "workspace" / "empty.txt").read_text() == "changed by the user"
    assert (first / "mine.txt").is_file()


@pytest.mark.parametrize("over", [False, True])
def test_a_result_over_the_limit_is_named_by_its_address_in_release_23(make_job: JobMaker, over: bool) -> None:
    limits = {"max_download_size": "1KiB" if over else "100MiB", "download_url": "http://files.example/"}
    with (
        MockServer("2.3", scenario=SCENARIO | {"limits": limits}) as server,
        new_secure_session(ADMIN, str(server.kit())) as session,
    ):
        job_id = finished(session, make_job("big"))
        place = session.download_job_result(job_id)
        if over:
            assert place == f"http://files.example/{job_id}"
            assert list(Path(session.download_dir).iterdir()) == []
        else:
            assert Path(place).is_dir()


def test_an_unknown_job_leaves_nothing(session: Session) -> None:
    with pytest.raises(JobNotFound):
        session.download_job_result(JOB)
    assert list(Path(session.download_dir).iterdir()) == []


# --- hostile and broken servers -----------------------------------------------------------------------------------


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def exchange(body: bytes) -> bytes:
    return struct.pack(">BIQ", 1, 0, len(body)) + body + bytes(4) + struct.pack(">I", zlib.crc32(body))


def chunks(body: bytes) -> bytes:
    return struct.pack(">BII", 101, 1, len(body)) + body + struct.pack(">BII", 102, 0, zlib.crc32(body))


def listing(*names: str, **changes: object) -> bytes:
    fields: dict[str, object] = {"files": list(names), "tx_id": "tx", "cmd_name": "download_job_file", "status": "ok"}
    return reply(item("string", "OK"), **(fields | changes))


FORMS = {"2.4": chunks, "2.5": exchange, "2.6": exchange}
PULLING = sorted(FORMS)


def download(tmp_path: Path, release: str, job_id: str = JOB, **answers: Answer | Callable[[str], Answer]) -> Path:
    """Download from a scripted server.

    Asserts, when it fails, that nothing but the kit is left on disk.
    """
    with ScriptedServer(release, **answers) as server:
        kit = server.kit(tmp_path / "kit")
        with new_insecure_session(str(kit)) as session:
            try:
                return Path(session.download_job_result(job_id))
            except BaseException:
                assert list((kit / "transfer").iterdir()) == []
                assert [path.name for path in tmp_path.iterdir()] == ["kit"]
                raise


@pytest.mark.parametrize("release", PULLING)
def test_files_are_asked_for_one_by_one_and_the_last_says_so(tmp_path: Path, release: str) -> None:
    lines: list[str] = []

    def send(line: str) -> bytes:
        lines.append(line)
        return FORMS[release](zipped(a=b"1") if ".zip" in line else b"{}")

    place = download(tmp_path, release, download_job=listing("w.zip", "sub/meta.json"), download_job_file=send)
    assert lines == [f"download_job_file tx {JOB} w.zip", f"download_job_file tx {JOB} sub/meta.json end"]
    assert tree(place) == {"sub": None, "sub/meta.json": b"{}", "w": None, "w/a": b"1"}


@pytest.mark.parametrize("release", PULLING)
@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "..\\out", "", "."])
def test_a_file_name_that_leads_out_is_refused(tmp_path: Path, release: str, name: str) -> None:
    with pytest.raises(UnsafeArchive, match="the server names a file that is refused"):
        download(tmp_path, release, download_job=listing("ok", name), download_job_file=FORMS[release](b"x"))


@pytest.mark.parametrize("release", PULLING)
@pytest.mark.parametrize("tx_id", ["../../x", "x/../../../y", "a\\b"])
def test_a_transaction_that_leads_out_is_refused(tmp_path: Path, release: str, tx_id: str) -> None:
    with pytest.raises(UnsafeArchive):
        download(tmp_path, release, download_job=listing("ok", tx_id=tx_id), download_job_file=FORMS[release](b"x"))


@pytest.mark.parametrize("release", PULLING)
@pytest.mark.parametrize(
    "change", [{"files": []}, {"files": "x"}, {"files": None}, {"tx_id": 5}, {"tx_id": None}, {"cmd_name": None}]
)
def test_a_list_of_files_that_makes_no_sense_is_an_internal_error(
    tmp_path: Path, release: str, change: dict[str, object]
) -> None:
    with pytest.raises(InternalError, match="expected the files of the result"):
        download(tmp_path, release, download_job=listing("ok", **change))


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match=r"at most 10,000 files, but the server names 10,001"):
        download(tmp_path, "2.6", download_job=listing(*(str(number) for number in range(10_001))))


@pytest.mark.parametrize("release", PULLING)
@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("w", "w.zip")])
def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path, release: str, names: tuple[str, str]) -> None:
    content = FORMS[release](zipped(a=b"1"))
    with pytest.raises(UnsafeArchive, match="a file and a folder of one name"):
        download(tmp_path, release, download_job=listing(*names), download_job_file=content)


@pytest.mark.parametrize("release", PULLING)
def test_an_unsafe_archive_leaves_nothing(tmp_path: Path, release: str) -> None:
    hostile = FORMS[release](zipped(**{"good": b"1", "../out": b"2"}))
    with pytest.raises(UnsafeArchive, match="below the target"):
        download(tmp_path, release, download_job=listing("w.zip"), download_job_file=hostile)


@pytest.mark.parametrize("release", PULLING)
def test_an_archive_that_is_none_leaves_nothing(tmp_path: Path, release: str) -> None:
    with pytest.raises(UnsafeArchive, match=r"w\.zip is refused"):
        download(tmp_path, release, download_job=listing("w.zip"), download_job_file=FORMS[release](b"no zip"))


@pytest.mark.parametrize("release", PULLING)
def test_an_error_as_text_instead_of_a_file_is_that_error(tmp_path: Path, release: str) -> None:
    refusal = reply(item("error", "gone"), status="invalid_job_id", info="gone")
    with pytest.raises(JobNotFound, match="no such job: gone"):
        download(tmp_path, release, download_job=listing("a", "b"), download_job_file=refusal)


@pytest.mark.parametrize("release", PULLING)
def test_a_good_text_instead_of_a_file_is_an_internal_error(tmp_path: Path, release: str) -> None:
    with pytest.raises(InternalError, match="but it sent a text reply"):
        download(tmp_path, release, download_job=listing("a"), download_job_file=reply(status="ok"))


@pytest.mark.parametrize("release", PULLING)
@pytest.mark.parametrize("cut", [0, 1, 5, 20, -1])
def test_a_file_that_is_cut_short_leaves_nothing(tmp_path: Path, release: str, cut: int) -> None:
    whole = FORMS[release](b"content of the file")

    def send(line: str) -> bytes:
        return whole[:cut] if line.endswith("end") else whole

    with pytest.raises(ServerUnreachable):
        download(tmp_path, release, download_job=listing("a", "b"), download_job_file=send)


@pytest.mark.parametrize("release", PULLING)
def test_a_damaged_file_leaves_nothing(tmp_path: Path, release: str) -> None:
    damaged = FORMS[release](b"content").replace(b"content", b"CONTENT")
    with pytest.raises(MalformedReply):
        download(tmp_path, release, download_job=listing("a"), download_job_file=damaged)


@pytest.mark.parametrize("release", PULLING)
def test_the_same_file_twice_is_harmless(tmp_path: Path, release: str) -> None:
    place = download(tmp_path, release, download_job=listing("a", "a"), download_job_file=FORMS[release](b"x"))
    assert tree(place) == {"a": b"x"}


@pytest.mark.parametrize("job_id", [f"{JOB} ignored", f"  {JOB}"])
def test_only_the_first_word_of_an_id_counts(tmp_path: Path, job_id: str) -> None:
    """A blank separates words on the wire."""
    place = download(tmp_path, "2.6", job_id, download_job=listing("a"), download_job_file=exchange(b"x"))
    assert place.name == JOB


@pytest.mark.parametrize("job_id", ["../up", "/tmp/x", ".."])
@pytest.mark.parametrize("release", PULLING)
def test_an_id_that_leads_out_is_refused(tmp_path: Path, release: str, job_id: str) -> None:
    with pytest.raises(UnsafeArchive):
        download(tmp_path, release, job_id, download_job=listing("a"), download_job_file=FORMS[release](b"x"))


def inline(content: bytes | str, **changes: object) -> bytes:
    text = content if isinstance(content, str) else base64.b64encode(content).decode()
    fields: dict[str, object] = {"status": "ok", "info": "", "job_id": JOB}
    return reply(item("string", text), **(fields | changes))


def test_an_inline_result_is_unfolded(tmp_path: Path) -> None:
    place = download(tmp_path, "2.3", download_job=inline(zipped(**{f"{JOB}/job/a": b"1"})))
    assert tree(place) == {"job": None, "job/a": b"1"}
    assert [path.name for path in place.parent.iterdir()] == [JOB]


@pytest.mark.parametrize("content", ["no base64!", "AAAAA"])
def test_an_inline_result_that_is_no_base64_is_an_internal_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InternalError, match="expected the result in base64"):
        download(tmp_path, "2.3", download_job=inline(content))


@pytest.mark.parametrize("name", ["../out", "/tmp/flare-out", f"{JOB}/../../out"])
def test_an_inline_result_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeArchive):
        download(tmp_path, "2.3", download_job=inline(zipped(**{f"{JOB}/a": b"1", name: b"2"})))


def test_an_inline_result_that_breaks_half_way_leaves_an_earlier_download_whole(tmp_path: Path) -> None:
    good, later = zipped(**{f"{JOB}/a": b"old"}), zipped(**{f"{JOB}/a": b"new", f"{JOB}/b": b"content"})
    with ScriptedServer("2.3", download_job=inline(good)) as server:
        with new_insecure_session(str(server.kit(tmp_path / "kit"))) as session:
            place = Path(session.download_job_result(JOB))
            server.answers["download_job"] = inline(later.replace(b"content", b"CONTENT"))
            with pytest.raises(UnsafeArchive, match="CRC"):
                session.download_job_result(JOB)
        assert tree(place.parent) == {JOB: None, f"{JOB}/a": b"old"}


@pytest.mark.parametrize("job_id", ["../up", "/tmp/x", None, 5])
def test_an_inline_result_of_a_job_that_leads_out_is_refused(tmp_path: Path, job_id: object) -> None:
    with pytest.raises(InternalError):
        download(tmp_path, "2.3", download_job=inline(zipped(a=b"1"), job_id=job_id))


@pytest.mark.parametrize("meta", [{}, {"job_download_url": "http://x/1"}])
def test_an_address_in_text_or_meta_is_returned(tmp_path: Path, meta: dict[str, object]) -> None:
    with (
        ScriptedServer("2.3", download_job=inline("Download_URL:http://x/1", **meta)) as server,
        new_insecure_session(str(server.kit(tmp_path / "kit"))) as session,
    ):
        assert session.download_job_result(JOB) == "http://x/1"
        assert list(Path(session.download_dir).iterdir()) == []


@given(
    names=st.lists(st.text("ab./\\: ", min_size=1, max_size=6), min_size=1, max_size=3),
    release=st.sampled_from(PULLING),
)
def test_no_list_of_files_makes_the_client_write_outside_its_folder(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], release: str
) -> None:
    root = tmp_path_factory.mktemp("hostile")
    answers = {"download_job": listing(*names), "download_job_file": FORMS[release](zipped(x=b"1"))}
    with ScriptedServer(release, **answers) as server:
        kit = server.kit(root / "kit")
        startup = tree(kit / "startup")
        with new_insecure_session(str(kit)) as session:
            try:
                place = Path(session.download_job_result(JOB))
            except InternalError:
                assert list((kit / "transfer").iterdir()) == []
            else:
                assert place == kit / "transfer" / JOB
                assert list((kit / "transfer").iterdir()) == [place]
    assert tree(kit / "startup") == startup
    assert sorted(path.name for path in kit.iterdir()) == ["local", "startup", "transfer"]
    assert list(root.iterdir()) == [kit]
