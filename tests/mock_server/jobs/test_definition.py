"""Uploads: judged as the official validators judge them, and refused where they are hostile."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.archive import ArchiveLimits
from flare_client.protocol.releases import profile_for
from flare_client.protocol.statuses import MetaStatus
from mock_server.jobs.definition import MAX_DIRECTORY_SIZE, DefinitionRejected, brings_code, is_intact, read_definition
from tests.mock_server.jobs.uploads import APP, BASE, FOLDER, UPLOADS, YAML, damaged, definition, with_meta, zipped
from tests.support import RELEASES

VERDICTS: dict[str, dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("official_verdicts.json").read_text(encoding="utf-8")
)
"""What the official validators said of each upload: the meta status, and the text."""

PYTHONS_WORDS = {"raw_bad", "raw_trail", "raw_empty_file", "raw_latin", "raw_bom", "raw_bom_ok"}
"""Uploads whose refusal is in the words of the Python that runs; only its kind is compared."""


def judge(tmp_path: Path, content: bytes, release: str, folder: str = FOLDER, **options: Any) -> list[str]:
    """Status and text for an upload."""
    path = tmp_path / "upload.zip"
    path.write_bytes(content)
    try:
        read_definition(path, folder, profile_for(release), **options)
    except DefinitionRejected as problem:
        return [problem.status.value, problem.text]
    return ["ok"]


def kind_of(verdict: list[str]) -> list[str]:
    """A verdict without what versions of Python word differently: the status, and of a crash its form and type."""
    is_crash = verdict[0] in ("internal_error", "error")
    return [verdict[0], *(verdict[1].split(": ")[:2] if is_crash else ())]


def test_every_upload_has_a_verdict() -> None:
    assert set(VERDICTS) == set(UPLOADS)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", sorted(UPLOADS))
def test_an_upload_is_judged_as_by_the_official_server(name: str, release: str, tmp_path: Path) -> None:
    got, official = judge(tmp_path, UPLOADS[name], release), VERDICTS[name][release]
    if official[0] in ("internal_error", "error") or name in PYTHONS_WORDS:
        assert kind_of(got) == kind_of(official)
    else:
        assert got == official


def test_the_info_of_a_crash_names_the_class(tmp_path: Path) -> None:
    (tmp_path / "u.zip").write_bytes(b"hello")
    with pytest.raises(DefinitionRejected) as caught:
        read_definition(tmp_path / "u.zip", FOLDER, profile_for("2.6"))
    assert caught.value.status is MetaStatus.INTERNAL_ERROR
    assert caught.value.info == "exception <class 'zipfile.BadZipFile'> occurred"


def test_the_info_of_a_broken_rule_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "u.zip").write_bytes(UPLOADS["nosite"])
    with pytest.raises(DefinitionRejected) as caught:
        read_definition(tmp_path / "u.zip", FOLDER, profile_for("2.6"))
    assert caught.value.info == caught.value.text == "No site is specified in deploy_map for job j"


@pytest.mark.parametrize(("release", "marked"), [("2.3", False), ("2.4", False), ("2.5", True), ("2.6", True)])
def test_code_in_a_definition_is_marked_by_the_releases_that_do(release: str, marked: bool, tmp_path: Path) -> None:
    path = tmp_path / "u.zip"
    path.write_bytes(UPLOADS["byoc"])
    assert ("byoc" in read_definition(path, FOLDER, profile_for(release)).meta) is marked


@pytest.mark.parametrize(("release", "verdict"), [("2.8", "ok"), ("2.9", "invalid_job_def")])
def test_the_configuration_of_the_server_must_be_json_where_the_release_reads_it(
    release: str, verdict: str, tmp_path: Path
) -> None:
    app = [(name, "{no" if name.endswith("server.json") else text) for name, text in APP]
    assert judge(tmp_path, with_meta(BASE, app), release)[0] == verdict
    app = [(name, "{no" if name.endswith("client.json") else text) for name, text in APP]
    assert judge(tmp_path, with_meta(BASE, app), release) == ["ok"]


def test_yaml_is_read_where_the_release_reads_it(tmp_path: Path) -> None:
    content = with_meta(YAML, name="j/meta.yml")
    assert [judge(tmp_path, content, release)[0] for release in RELEASES] == ["invalid_job_def", "ok", "ok", "ok"]


def hostile() -> dict[str, tuple[bytes, str]]:
    """Uploads against which official servers have no rule, and words of ours."""
    link = zipfile.ZipInfo("j/app/link")
    link.external_attr = 0o120777 << 16
    linked = io.BytesIO(with_meta(BASE))
    with zipfile.ZipFile(linked, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    good = with_meta(BASE, [*APP, ("j/app/secret", "x")])
    second = good.rindex(b"PK\x01\x02")
    locked = bytearray(good)
    locked[second + 8] |= 1
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    bomb = YAML + "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    return {
        "climbs": (with_meta(BASE, [*APP, ("j/../../x", "")]), "'j/../../x'"),
        "absolute": (with_meta(BASE, [*APP, ("/etc/x", "")]), "'/etc/x'"),
        "link": (linked.getvalue(), "'j/app/link' is neither"),
        "password": (bytes(locked), "without passwords"),
        "twice": (with_meta(BASE, [*APP, ("j/a", "1"), ("j/a", "2")]), "'j/a' twice"),
        "meta twice": (zipped([("j/meta.json", json.dumps(BASE)), ("j/meta.json", json.dumps(BASE)), *APP]), "twice"),
        "large meta": (with_meta(json.dumps(BASE) + " " * (5 << 20)), "at most 4,194,304 bytes in j/meta.json"),
        "deep meta": (definition(extra=deep), "at most 48 levels"),
        "mandatory number": (definition(mandatory_clients=5), "a list of site names"),
        "mandatory lists": (definition(mandatory_clients=[["a"]]), "a list of site names"),
        "yaml bomb": (with_meta(bomb, name="j/meta.yml"), "at most 200,000 values"),
        "yaml without end": (with_meta(YAML + "a: &a [*a]\n", name="j/meta.yml"), "levels"),
        "large yaml": (with_meta(YAML + "#" * (1 << 17), name="j/meta.yml"), "at most 65,536 bytes"),
        "yaml date": (with_meta(YAML + "d: 2024-01-01\n", name="j/meta.yml"), "values that JSON has"),
        "yaml bytes": (with_meta(YAML + "d: !!binary aGk=\n", name="j/meta.yml"), "values that JSON has"),
        "yaml tuple key": (with_meta(YAML + "? !!python/tuple [1]\n: 1\n", name="j/meta.yml"), "ConstructorError"),
        "hocon": (with_meta("name = j", name="j/meta.conf"), "JSON form of HOCON"),
    }


@pytest.mark.parametrize("name", sorted(hostile()))
def test_a_hostile_upload_is_refused_with_a_reason(name: str, tmp_path: Path) -> None:
    content, words = hostile()[name]
    status, text = judge(tmp_path, content, "2.6")
    assert status == ("internal_error" if "Error" in words else "invalid_job_def")
    assert words in text


def test_a_hostile_upload_has_the_prefix_of_its_release(tmp_path: Path) -> None:
    content, _ = hostile()["climbs"]
    assert judge(tmp_path, content, "2.3")[1].startswith("ValueError: expected a path below")


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    content = zipped(
        [("j/meta.json", json.dumps(BASE)), *APP, ("j/app/zeros", b"\0" * (1 << 20))], zipfile.ZIP_DEFLATED
    )
    limits = ArchiveLimits(ratio=20, free=1 << 16)
    status, text = judge(tmp_path, content, "2.6", limits=limits)
    assert status == "invalid_job_def"
    assert "it declares 1,048," in text


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    content = with_meta(BASE, [*APP, *((f"j/{n}", "") for n in range(20))])
    assert "at most 20 archive members" in judge(tmp_path, content, "2.6", limits=ArchiveLimits(entries=20))[1]


def _pretending(size: int, is_large_form: bool) -> bytes:
    """A sparse file's tail: an end record that says how large the directory is."""
    count, short = 1000, min(size, 0xFFFFFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0, 0, 0xFFFFFFFF if is_large_form else short, 0, 0)
    if not is_large_form:
        return end
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, 0)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1) + end


@pytest.mark.parametrize("is_large_form", [False, True])
def test_a_directory_that_fills_the_memory_is_refused_before_it_is_read(is_large_form: bool, tmp_path: Path) -> None:
    path = tmp_path / "u.zip"
    with path.open("wb") as file:
        file.truncate(MAX_DIRECTORY_SIZE * 4)  # sparse
        file.seek(0, io.SEEK_END)
        file.write(_pretending(MAX_DIRECTORY_SIZE * 3, is_large_form))
    with pytest.raises(DefinitionRejected, match="bytes of archive directory"):
        read_definition(path, FOLDER, profile_for("2.6"))


@given(st.binary(max_size=200), st.integers(0, 2000), st.sampled_from(RELEASES))
def test_any_bytes_are_a_definition_or_refused(tmp_path: Path, junk: bytes, at: int, release: str) -> None:
    good = with_meta(BASE)
    at %= len(good)
    for content in (junk, good[:at] + junk + good[at + len(junk) :]):
        assert judge(tmp_path, content, release)[0] in ("ok", "invalid_job_def", "internal_error", "error")


def test_a_damaged_member_is_found(tmp_path: Path) -> None:
    path = tmp_path / "u.zip"
    for content, expected in (
        (with_meta(BASE), True),
        (damaged(with_meta(BASE, [*APP, ("j/x", "0123456789")]), b"0123456789", 0, 1), False),
        (b"no zip", False),
        (UPLOADS["badzlib"], False),
        (UPLOADS["method99"], False),
    ):
        path.write_bytes(content)
        assert is_intact(path) is expected


def test_code_is_found_with_and_without_an_entry_for_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "u.zip"
    for name, expected in (("byoc", True), ("byoc_noentry", True), ("ok", False)):
        path.write_bytes(UPLOADS[name])
        assert brings_code(path, "j/app") is expected
