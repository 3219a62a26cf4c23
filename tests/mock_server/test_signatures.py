"""The deployment check of a job's signatures: present ones must fit; absent ones do not matter to 2.6."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client.protocol.releases import PROFILES
from flare_client.protocol.signing import (
    CERTIFICATE_FILE,
    SIGNATURE_FILE,
    FolderSigner,
    digest_of,
    name_digest,
)
from mock_server.pki import Credentials, Pki
from mock_server.signatures import SIGNATURE_FAILURE, check_job_signatures

Files = dict[str, bytes]

APP: Files = {"config/server.json": b"{}", "custom/pkg/code.py": b"x = 1\n", "custom/empty.txt": b"", "top.txt": b"top"}


@pytest.fixture(scope="module")
def pki() -> Iterator[Pki]:
    pki = Pki()
    yield pki
    pki.close()


def signed(files: Files, user: Credentials) -> Files:
    """The files of an application with the two files of each folder, as clients send them."""
    signer = FolderSigner(user.key_pem)
    folders: dict[str, dict[str, bytes]] = {"": {}}
    for name, content in files.items():
        *parents, base = name.split("/")
        above = ""
        for parent in parents:
            folders[above][parent] = name_digest(parent)
            above += f"{parent}/"
            folders.setdefault(above, {})
        folders[above][base] = digest_of([content])
    result = dict(files)
    for folder, digests in folders.items():
        result[f"{folder}{SIGNATURE_FILE}"] = signer.sign(digests)
        result[f"{folder}{CERTIFICATE_FILE}"] = user.certificate_pem
    return result


def pack(path: Path, files: Files, *, folder: str = "job/app") -> Path:
    with zipfile.ZipFile(path / "job.zip", "w") as archive:
        archive.writestr("job/meta.json", b"{}")
        archive.writestr(f"job/other/{SIGNATURE_FILE}", b'{"x": "AAAA"}')
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)
    return path / "job.zip"


def check(pki: Pki, path: Path, folder: str = "job/app", release: str = "2.6") -> str | None:
    return check_job_signatures(path, folder, pki.ca_pem, PROFILES[release])


@pytest.mark.parametrize("release", PROFILES)
def test_a_signed_application_passes(pki: Pki, tmp_path: Path, release: str) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    assert check(pki, pack(tmp_path, files), release=release) is None


UNSIGNED = "unsigned job rejected — require_signed_jobs is enabled"


@pytest.mark.parametrize(("release", "text"), [("2.7", SIGNATURE_FAILURE), ("2.8", UNSIGNED), ("2.9", UNSIGNED)])
def test_from_27_on_an_application_must_be_signed(pki: Pki, tmp_path: Path, release: str, text: str) -> None:
    assert check(pki, pack(tmp_path, APP), release=release) == text


def _without_certificate(files: Files) -> None:
    del files[f"custom/pkg/{CERTIFICATE_FILE}"]


def _without_signatures(files: Files) -> None:
    del files[f"custom/pkg/{SIGNATURE_FILE}"]


def _unreadable(files: Files) -> None:
    files[f"custom/{SIGNATURE_FILE}"] = b"{"


def _unsigned_file(files: Files) -> None:
    files["custom/added.py"] = b"y = 1\n"


def _unsigned_folder(files: Files) -> None:
    files["custom/folder/added.py"] = b""


@pytest.mark.parametrize("release", ["2.7", "2.8", "2.9"])
@pytest.mark.parametrize(
    "harm", [_without_certificate, _without_signatures, _unreadable, _unsigned_file, _unsigned_folder]
)
def test_from_27_on_every_folder_and_file_must_be_signed(
    pki: Pki, tmp_path: Path, release: str, harm: Callable[[Files], None]
) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    harm(files)
    path = pack(tmp_path, files)
    assert check(pki, path, release=release) == SIGNATURE_FAILURE
    assert check(pki, path, release="2.6") is None


def test_an_unsigned_application_passes(pki: Pki, tmp_path: Path) -> None:
    assert check(pki, pack(tmp_path, APP), "job/app") is None


def test_a_folder_that_is_not_in_the_job_has_nothing_to_fail(pki: Pki, tmp_path: Path) -> None:
    assert check(pki, pack(tmp_path, APP), "job/none") is None


def _tamper(files: Files) -> None:
    files["custom/pkg/code.py"] = b"x = 2\n"


def _rename(files: Files) -> None:
    for name in [name for name in files if name.startswith("custom/pkg/")]:
        files[name.replace("custom/pkg/", "config/pkg/")] = files.pop(name)
    signatures = files[f"custom/{SIGNATURE_FILE}"]
    files[f"config/{SIGNATURE_FILE}"] = signatures.replace(b'"pkg"', b'"other"').replace(b'"empty.txt"', b'"pkg"')


def _swap_signatures(files: Files) -> None:
    files[f"config/{SIGNATURE_FILE}"] = b'{"server.json": "AAAA"}'


def _not_an_object(files: Files) -> None:
    files[f"config/{SIGNATURE_FILE}"] = b"[]"


@pytest.mark.parametrize("harm", [_tamper, _rename, _swap_signatures, _not_an_object])
def test_a_signature_that_does_not_fit_fails(pki: Pki, tmp_path: Path, harm: Callable[[Files], None]) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    harm(files)
    assert check(pki, pack(tmp_path, files), "job/app") == SIGNATURE_FAILURE


def test_a_submitter_of_another_ca_fails(pki: Pki, tmp_path: Path) -> None:
    foreign = Pki.foreign()
    files = signed(APP, foreign.issue_user("admin@nvidia.com"))
    foreign.close()
    assert check(pki, pack(tmp_path, files), "job/app") == SIGNATURE_FAILURE


def test_a_file_that_nobody_signed_passes(pki: Pki, tmp_path: Path) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    files["custom/added.py"] = b"y = 1\n"
    assert check(pki, pack(tmp_path, files), "job/app") is None


@pytest.mark.parametrize("name", [SIGNATURE_FILE, CERTIFICATE_FILE])
@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_folder_whose_signatures_cannot_be_read_is_skipped(
    pki: Pki, tmp_path: Path, name: str, content: bytes | None
) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    _tamper(files)
    if content is None:
        del files[f"custom/pkg/{name}"]
    else:
        files[f"custom/pkg/{name}"] = content
    assert check(pki, pack(tmp_path, files), "job/app") is None


def test_what_lies_outside_the_application_does_not_count(pki: Pki, tmp_path: Path) -> None:
    files = signed(APP, pki.issue_user("admin@nvidia.com"))
    _tamper(files)
    path = pack(tmp_path, files, folder="job/app2")
    assert check(pki, path, "job/app") is None
    assert check(pki, path, "job/app2") == SIGNATURE_FAILURE
