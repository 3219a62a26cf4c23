"""What a job leaves behind: layout by release, content by scenario, large files by streaming."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.releases import profile_for
from mock_server.jobs.store import Job
from mock_server.scenarios.results import ResultSpec
from tests.mock_server.jobs.rig import Rig
from tests.mock_server.jobs.uploads import APP, BASE, with_meta
from tests.support import RELEASES

PULLED = RELEASES[1:]
MIB = 1024 * 1024


def finished(rig: Rig, **meta: Any) -> Job:
    job = rig.submit(**meta)
    rig.pass_time(1)
    assert job.status.is_finished
    return job


def files_of(rig: Rig, job: Job) -> dict[str, Path]:
    return {file.name: file.path for file in rig.engine.result_files(job)}


def workspace(rig: Rig, job: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(files_of(rig, job)["workspace.zip"]) as archive:
        assert len(archive.namelist()) == len(set(archive.namelist())), "no member stands twice"
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("release", PULLED)
def test_a_download_has_workspace_meta_and_job(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    job = finished(rig)
    files = files_of(rig, job)
    assert list(files) == ["workspace.zip", "meta.json", "job.zip"]
    assert json.loads(files["meta.json"].read_text()) == job.meta
    members = workspace(rig, job)
    assert set(profile_for(release).workspace_files) <= set(members)
    assert members["app_server/config/config_fed_server.json"] == b"{}"
    assert json.loads(members["meta.json"])["job_id"] == job.job_id


@pytest.mark.parametrize("release", PULLED)
def test_there_is_no_workspace_before_the_end(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    job = rig.submit()
    assert list(files_of(rig, job)) == ["meta.json", "job.zip"]
    rig.pass_time(0.2)
    assert list(files_of(rig, job)) == ["meta.json", "job.zip"]
    rig.pass_time(1)
    assert "workspace.zip" in files_of(rig, job)


def test_release_2_4_wraps_the_job(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.4")
    job = finished(rig)
    wrapped = files_of(rig, job)["job.zip"].read_bytes()
    kind, size = struct.unpack_from(">BQ", wrapped)
    assert (kind, size) == (0x64, len(wrapped) - 9)
    assert msgpack.unpackb(wrapped[9:]) == {"job_data_": job.definition.read_bytes(), "workspace_data_": None}
    with zipfile.ZipFile(io.BytesIO(wrapped)) as archive:
        assert "j/meta.json" in archive.namelist(), "a lenient reader finds the zip inside"


@pytest.mark.parametrize("release", ["2.5", "2.6"])
def test_later_releases_send_the_job_as_it_came(release: str, tmp_path: Path) -> None:
    rig = Rig(tmp_path, release)
    job = finished(rig)
    assert files_of(rig, job)["job.zip"].read_bytes() == job.definition.read_bytes()


def test_release_2_3_sends_one_zip(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "2.3")
    job = rig.submit()
    top = job.job_id
    with zipfile.ZipFile(rig.engine.inline_zip_path(job)) as archive:
        assert {f"{top}/job/j/meta.json", f"{top}/job/", f"{top}/workspace/"} <= set(archive.namelist())
        assert not any(name.startswith(f"{top}/workspace/") and not name.endswith("/") for name in archive.namelist())
    rig.pass_time(1)
    with zipfile.ZipFile(rig.engine.inline_zip_path(job)) as archive:
        assert f"{top}/workspace/log.txt" in archive.namelist()
        assert archive.testzip() is None


def test_the_size_grows_with_the_result(tmp_path: Path) -> None:
    scenario = {"jobs": [{"match": {"name": "big"}, "result": {"size": "1MiB"}}]}
    rig = Rig(tmp_path, "2.3", scenario)
    small, big = finished(rig), finished(rig, name="big")
    assert MIB < rig.engine.total_size(big) - rig.engine.total_size(small) < MIB + 1000


def test_a_download_in_progress_keeps_the_meta_that_it_was_promised(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    job = rig.submit()
    link = tmp_path / "staged"
    link.hardlink_to(files_of(rig, job)["meta.json"])
    rig.pass_time(1)
    files_of(rig, job)
    assert json.loads(link.read_text())["status"] == "SUBMITTED"


def test_the_files_of_a_scenario_stand_before_those_of_every_job(tmp_path: Path) -> None:
    own = {"models/best.txt": "hi", "./log.txt": "mine", "fl_app.txt/below": "x", "app_server/config": "a file"}
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"files": own}}]})
    members = workspace(rig, finished(rig))
    assert members["models/best.txt"] == b"hi"
    assert members["log.txt"] == b"mine"
    assert members["fl_app.txt/below"] == b"x"
    assert members["app_server/config"] == b"a file"
    assert "fl_app.txt" not in members
    assert not any(name.startswith("app_server/config/") for name in members)


@given(
    st.dictionaries(
        st.sampled_from(["log.txt", "app_server/x", "app_server/config/y", "m/a", "meta.json/z"]), st.text()
    )
)
def test_no_workspace_has_a_path_that_is_file_and_folder(tmp_path_factory: Any, files: dict[str, str]) -> None:
    rig = Rig(tmp_path_factory.mktemp("results"), scenario={"jobs": [{"result": {"files": files}}]})
    members = workspace(rig, finished(rig))
    plain = {name for name in members if not name.endswith("/")}
    assert not any(other.startswith(f"{name}/") for name in plain for other in members)
    assert all(members[name] == text.encode() for name, text in files.items())


def test_a_large_result_is_made_when_asked_for_and_never_in_memory(tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"size": "24MiB"}}]})
    job = finished(rig)
    assert sum(path.stat().st_size for path in rig.jobs_root.rglob("*") if path.is_file()) < MIB
    tracemalloc.start()
    try:
        path = files_of(rig, job)["workspace.zip"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
    assert path.stat().st_size > 24 * MIB
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("result.bin")
        assert (info.file_size, info.compress_type) == (24 * MIB, zipfile.ZIP_STORED)
        with archive.open(info) as file:
            blocks = {file.read(MIB) for _ in range(24)}
        assert len(blocks) == 24, "no block comes twice"


def test_files_have_the_sizes_that_are_asked_for(tmp_path: Path) -> None:
    sizes = {"models/last.bin": "2KiB", "log.txt": 0, "app_server/config": 7}
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"sizes": sizes, "files": {"a": "b"}}}]})
    members = workspace(rig, finished(rig))
    assert {name: len(members[name]) for name in (*sizes, "a")} == {
        "models/last.bin": 2048,
        "log.txt": 0,
        "app_server/config": 7,
        "a": 1,
    }
    assert not any(name.startswith("app_server/config/") for name in members)


def test_files_hold_any_bytes(tmp_path: Path) -> None:
    result = {"binaries": {"models/best.bin": "AP+A\n/w==", "log.txt": b"\xff"}, "files": {"a": "b"}}
    rig = Rig(tmp_path, scenario={"jobs": [{"result": result}]})
    members = workspace(rig, finished(rig))
    assert [members[name] for name in ("models/best.bin", "log.txt", "a")] == [b"\x00\xff\x80\xff", b"\xff", b"b"]


def test_what_is_added_replaces_what_stood_there_in_whichever_form() -> None:
    first = ResultSpec.model_validate({"files": {"a": "text", "keep": "me"}, "sizes": {"b": 5}})
    found = first.joined(ResultSpec.model_validate({"binaries": {"./a": b"\xff", "b": b""}}))
    assert found.model_dump(exclude_defaults=True) == {"files": {"keep": "me"}, "binaries": {"./a": "/w==", "b": ""}}
    assert ResultSpec.model_validate(found.model_dump()) == found
    with pytest.raises(ValueError, match=r"^expected a path below a folder, but 'keep' is a file$"):
        found.joined(ResultSpec.model_validate({"files": {"keep/it": "x"}}))


@pytest.mark.parametrize("size", [1, MIB - 1, MIB, MIB + 1])
def test_a_result_has_its_size_to_the_byte(size: int, tmp_path: Path) -> None:
    rig = Rig(tmp_path, scenario={"jobs": [{"result": {"size": size}}]})
    assert len(workspace(rig, finished(rig))["result.bin"]) == size


@pytest.mark.parametrize("release", RELEASES)
def test_the_same_history_leaves_the_same_bytes(release: str, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        rig = Rig(tmp_path / name, release, {"jobs": [{"result": {"size": "2MiB", "files": {"a": "b"}}}]})
        job = rig.submit(with_meta(BASE, [*APP, ("j/app/config/x.txt", "x")]))
        rig.pass_time(1)
        path = rig.engine.inline_zip_path(job) if release == "2.3" else files_of(rig, job)["workspace.zip"]
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_a_result_that_cannot_be_written_leaves_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    job = finished(rig)

    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", fail)
        with pytest.raises(OSError, match="no space"):
            rig.engine.result_files(job)
    assert sorted(path.name for path in job.folder.iterdir()) == ["job.zip"]
    assert "log.txt" in workspace(rig, job)
