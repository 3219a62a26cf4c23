"""Startup kits on disk: what is in them per release, with what permissions, and what a second writing leaves alone."""

from __future__ import annotations

import base64
import dataclasses
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from flare_client.kit import load_kit
from flare_client.protocol.cellnet.kit import CellWire
from flare_client.protocol.releases import PROFILES, ReleaseProfile
from mock_server.kits import KitOrder, write_admin_kit
from mock_server.pki import SERVER, Pki

R23 = PROFILES["2.3"]


@pytest.fixture(scope="module")
def pki() -> Iterator[Pki]:
    pki = Pki()
    yield pki
    pki.close()


def write(root: Path, pki: Pki | None, profile: ReleaseProfile = PROFILES["2.6"], admin_port: int = 8003) -> Path:
    order = KitOrder(profile, "localhost", 8002, admin_port)
    if pki is not None:
        order = dataclasses.replace(order, pki=pki, user="admin@nvidia.com", org="nvidia", role="project_admin")
    return write_admin_kit(root, order)


def names(kit: Path) -> set[str]:
    return {str(path.relative_to(kit)) for path in kit.rglob("*")}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_a_secure_kit_loads_and_has_the_files_of_its_release(tmp_path: Path, pki: Pki, profile: ReleaseProfile) -> None:
    kit = write(tmp_path / "admin@nvidia.com", pki, profile)
    expected = {"startup", "local", "transfer"} | {
        f"startup/{name}"
        for name in ("fed_admin.json", "client.crt", "client.key", "rootCA.pem", "fl_admin.sh", "readme.txt")
    }
    assert names(kit) == (expected | {"startup/signature.json"} if profile.signs_admin_kit else expected)
    loaded = load_kit(str(kit), secure=True)
    assert (loaded.config.host, loaded.config.fl_port, loaded.config.admin_port) == ("localhost", 8002, 8003)
    assert loaded.download_dir == kit / "transfer"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_an_insecure_kit_loads_and_has_no_certificates(tmp_path: Path, profile: ReleaseProfile) -> None:
    kit = write(tmp_path / "admin", None, profile)
    assert not [name for name in names(kit) if name.endswith((".crt", ".key", ".pem", "signature.json"))]
    loaded = load_kit(str(kit), secure=False)
    assert not loaded.config.with_ssl


def test_the_key_is_the_owners_alone_and_the_launcher_runs(tmp_path: Path, pki: Pki) -> None:
    startup = write(tmp_path / "kit", pki) / "startup"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in startup.iterdir()}
    assert modes["client.key"] == 0o600
    assert modes["fl_admin.sh"] == 0o755
    assert modes["fed_admin.json"] == modes["client.crt"] == 0o644


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_the_launcher_takes_options_where_there_are_studies(tmp_path: Path, profile: ReleaseProfile) -> None:
    script = (write(tmp_path / "admin", None, profile) / "startup" / "fl_admin.sh").read_text()
    assert script.endswith(' -s fed_admin.json "$@"\n' if profile.release >= "2.8" else " -s fed_admin.json\n")


def test_the_kit_signature_is_the_cas_over_every_other_file(tmp_path: Path, pki: Pki) -> None:
    startup = write(tmp_path / "kit", pki) / "startup"
    signatures = json.loads((startup / "signature.json").read_text())
    assert signatures.keys() == {path.name for path in startup.iterdir()} - {"signature.json"}
    key = x509.load_pem_x509_certificate(pki.ca_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    for name, signature in signatures.items():
        key.verify(base64.b64decode(signature), (startup / name).read_bytes(), pss, hashes.SHA256())


def test_the_readme_says_what_the_kit_is(tmp_path: Path, pki: Pki) -> None:
    kit = write(tmp_path / "admin@nvidia.com", pki)
    text = (kit / "startup" / "readme.txt").read_text()
    assert "mock NVFLARE 2.6 server at localhost:8003" in text
    assert f'new_secure_session("admin@nvidia.com", "{kit}")' in text
    assert "Role: project_admin" in text


def test_a_second_writing_changes_the_address_and_leaves_the_users_files(tmp_path: Path, pki: Pki) -> None:
    kit = write(tmp_path / "kit", pki)
    own = [kit / "transfer" / "job" / "meta.json", kit / "local" / "resources.json", kit / "startup" / "notes.txt"]
    for path in own:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    key = (kit / "startup" / "client.key").read_bytes()
    assert write(kit, pki, admin_port=9003) == kit
    assert load_kit(str(kit), secure=True).config.admin_port == 9003
    assert [path.read_text() for path in own] == ["mine"] * 3
    assert (kit / "startup" / "client.key").read_bytes() == key


def test_a_kit_rewritten_for_another_release_or_mode_keeps_nothing_of_the_old(tmp_path: Path, pki: Pki) -> None:
    kit = write(tmp_path / "kit", pki)
    write(kit, pki, R23)
    assert "startup/signature.json" not in names(kit)
    write(kit, None, R23)
    assert not [name for name in names(kit) if name.endswith((".crt", ".key", ".pem"))]


def test_a_name_with_the_place_of_a_file_is_left_as_it_was(tmp_path: Path, pki: Pki) -> None:
    (tmp_path / "kit").write_text("a file")
    with pytest.raises(OSError, match="kit"):
        write(tmp_path / "kit", pki)
    assert (tmp_path / "kit").read_text() == "a file"


def test_an_impossible_address_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sp_end_point"):
        write(tmp_path / "kit", None, admin_port=70_000)
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("release", ["2.7", "2.8", "2.9"])
def test_a_kit_names_the_server_as_its_certificate_does(tmp_path: Path, pki: Pki, release: str) -> None:
    order = KitOrder(
        PROFILES[release],
        "mock.example",
        8002,
        8003,
        pki=pki,
        user="admin@nvidia.com",
        org="nvidia",
        role="project_admin",
        wire=CellWire(),
    )
    kit = write_admin_kit(tmp_path / "admin@nvidia.com", order)
    admin = json.loads((kit / "startup" / "fed_admin.json").read_text())["admin"]
    assert (admin["server_identity"], admin["host"]) == (SERVER.name, "mock.example")
