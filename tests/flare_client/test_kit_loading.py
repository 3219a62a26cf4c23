"""Startup kits on disk: which fault gives which error, of the class of the official client."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from flare_client import ConfigError, Session, new_insecure_session, new_secure_session
from flare_client.errors import (
    FLCommunicationError,
    KitCredentialsUnusable,
    KitFileNotFound,
    KitLayoutError,
    KitNotFound,
    KitNotJson,
    KitTypeError,
    KitValueError,
    NoConnection,
)
from flare_client.kit import load_kit
from mock_server import MockServer
from tests.support import RELEASES

ADMIN = "admin@nvidia.com"


@pytest.fixture(scope="module")
def original() -> Iterator[Path]:
    with MockServer("2.6") as server:
        yield server.kit()


@pytest.fixture
def kit(original: Path, tmp_path: Path) -> Path:
    """A kit to break."""
    return Path(shutil.copytree(original, tmp_path / "kit"))


def edit(kit: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = kit / "startup" / "fed_admin.json"
    content = json.loads(path.read_text())
    change(content["admin"])
    path.write_text(json.dumps(content))


def test_a_kit_is_read(kit: Path) -> None:
    loaded = load_kit(str(kit), secure=True)
    assert (loaded.root, loaded.upload_dir, loaded.download_dir) == (kit, kit / "transfer", kit / "transfer")
    assert loaded.ca_cert == kit / "startup" / "rootCA.pem"
    assert loaded.client_cert == kit / "startup" / "client.crt"
    assert loaded.client_key == kit / "startup" / "client.key"
    assert loaded.config.host == "127.0.0.1"


def test_the_bare_minimum_is_enough(kit: Path) -> None:
    keep = {"fed_admin.json", "client.crt", "client.key", "rootCA.pem"}
    for path in (kit / "startup").iterdir():
        if path.name not in keep:
            path.unlink()
    shutil.rmtree(kit / "transfer")
    assert Session(ADMIN, str(kit)).download_dir == str(kit / "transfer")
    assert (kit / "transfer").is_dir()


def test_no_kit_is_an_assertion_error_too(tmp_path: Path) -> None:
    with pytest.raises(KitNotFound, match="startup kit does not exist at") as caught:
        new_secure_session(ADMIN, str(tmp_path / "nowhere"))
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, ConfigError)


def test_a_file_in_place_of_the_kit_is_no_kit(tmp_path: Path) -> None:
    (tmp_path / "kit").write_text("")
    with pytest.raises(KitNotFound):
        load_kit(str(tmp_path / "kit"), secure=True)


@pytest.mark.parametrize(("folder", "what"), [("startup", "startup"), ("local", "site config")])
def test_a_missing_folder_is_a_runtime_error_too(kit: Path, folder: str, what: str) -> None:
    shutil.rmtree(kit / folder)
    with pytest.raises(
        KitLayoutError, match=f"invalid workspace .*: missing {what} folder .* or not a valid dir"
    ) as caught:
        Session(ADMIN, str(kit))
    assert isinstance(caught.value, RuntimeError)


def test_a_missing_configuration_is_named(kit: Path) -> None:
    (kit / "startup" / "fed_admin.json").unlink()
    with pytest.raises(KitFileNotFound, match=r"fed_admin\.json, but No such file") as caught:
        Session(ADMIN, str(kit))
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, ConfigError)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"\xff\xfe", ConfigError), (b"not json", KitNotJson), (b"[]", KitValueError), (b"{}", KitValueError)],
)
def test_an_unreadable_configuration_is_refused(kit: Path, content: bytes, expected: type[ConfigError]) -> None:
    (kit / "startup" / "fed_admin.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"fed_admin\.json") as caught:
        Session(ADMIN, str(kit))
    assert type(caught.value) is expected


def test_what_is_no_json_is_an_error_of_json(kit: Path) -> None:
    (kit / "startup" / "fed_admin.json").write_text('{"admin": ')
    with pytest.raises(json.JSONDecodeError, match=r"Expecting value: line 1 column 11 \(char 10\)\)$") as caught:
        Session(ADMIN, str(kit))
    assert (caught.value.doc, caught.value.pos) == ('{"admin": ', 10)


@pytest.mark.parametrize("name", ["rootCA.pem", "client.crt", "client.key"])
def test_a_missing_certificate_is_named(kit: Path, name: str) -> None:
    (kit / "startup" / name).unlink()
    with pytest.raises(ConfigError, match=f"{name} does not exist at") as caught:
        Session(ADMIN, str(kit))
    assert type(caught.value) is ConfigError


def test_a_missing_certificate_is_named_by_its_usual_name(kit: Path) -> None:
    edit(kit, lambda admin: admin.update(ca_cert="other.pem"))
    with pytest.raises(ConfigError, match=r"rootCA\.pem does not exist at .*other\.pem"):
        Session(ADMIN, str(kit))


@pytest.mark.parametrize(
    ("change", "expected", "official"),
    [
        (lambda admin: admin.pop("upload_dir"), KitTypeError, TypeError),
        (lambda admin: admin.pop("download_dir"), KitTypeError, TypeError),
        (lambda admin: admin.pop("with_ssl"), KitTypeError, TypeError),
        (lambda admin: admin.update(with_ssl=False), KitTypeError, TypeError),
        (lambda admin: admin.update(upload_dir="nowhere"), KitValueError, ValueError),
        (lambda admin: admin.pop("overseer_agent"), KitTypeError, TypeError),
        (lambda admin: admin["overseer_agent"].update(path="Bare"), ConfigError, ConfigError),
        (lambda admin: admin["overseer_agent"]["args"].update(sp_end_point="host:1"), ConfigError, ConfigError),
        (lambda admin: admin.clear(), ConfigError, ConfigError),
    ],
    ids=[
        "no upload_dir",
        "no download_dir",
        "no with_ssl",
        "with_ssl false",
        "upload_dir missing on disk",
        "no agent",
        "bare agent path",
        "two-part address",
        "empty admin",
    ],
)
def test_a_bad_field_gives_the_official_class(
    kit: Path, change: Callable[[dict[str, Any]], object], expected: type[ConfigError], official: type[Exception]
) -> None:
    edit(kit, change)
    with pytest.raises(ConfigError) as caught:
        Session(ADMIN, str(kit))
    assert type(caught.value) is expected
    assert isinstance(caught.value, official)


def test_folders_may_lie_elsewhere(kit: Path, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    edit(kit, lambda admin: admin.update(upload_dir=str(tmp_path / "up"), download_dir="deep/down"))
    loaded = load_kit(str(kit), secure=True)
    assert (loaded.upload_dir, loaded.download_dir) == (tmp_path / "up", kit / "deep" / "down")
    assert loaded.download_dir.is_dir()


@pytest.mark.parametrize("name", ["rootCA.pem", "client.crt", "client.key"])
@pytest.mark.parametrize("content", [b"", b"no pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_broken_certificate_is_a_configuration_error(kit: Path, name: str, content: bytes) -> None:
    (kit / "startup" / name).write_bytes(content)
    with pytest.raises(ConfigError, match="certificate"):
        Session(ADMIN, str(kit))


def test_a_key_of_another_certificate_is_a_configuration_error(kit: Path) -> None:
    with MockServer("2.6") as other:
        key = (other.kit() / "startup" / "client.key").read_bytes()
    (kit / "startup" / "client.key").write_bytes(key)
    with pytest.raises(ConfigError, match="certificate and its key"):
        Session(ADMIN, str(kit))


def test_an_encrypted_key_is_a_configuration_error_and_asks_nobody(kit: Path) -> None:
    path = kit / "startup" / "client.key"
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ConfigError, match="without passphrase"):
        Session(ADMIN, str(kit))


@pytest.mark.parametrize(("user", "location"), [(None, "x"), (5, "x"), (ADMIN, None), (ADMIN, Path("x"))])
def test_arguments_that_are_no_text_are_assertion_errors(user: Any, location: Any) -> None:
    with pytest.raises(AssertionError, match="must be str"):
        Session(user, location)


@pytest.mark.parametrize("release", RELEASES)
def test_an_insecure_kit_needs_no_certificates(release: str) -> None:
    with MockServer(release, secure=False) as server:
        kit = server.kit()
        loaded = load_kit(str(kit), secure=False)
        assert (loaded.ca_cert, loaded.client_cert, loaded.client_key) == (None, None, None)
        with new_insecure_session(str(kit)) as session:
            assert session.username == "admin"
            assert session.release == release


def test_an_insecure_kit_cannot_be_used_securely() -> None:
    with MockServer("2.3", secure=False) as server, pytest.raises(TypeError, match="no TLS configured"):
        new_secure_session("admin", str(server.kit()))


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_a_key_of_another_certificate_is_told_at_once_by_every_class_that_officials_raise(
    release: str, tmp_path: Path
) -> None:
    with MockServer(release) as server:
        kit = Path(shutil.copytree(server.kit(), tmp_path / "kit"))
        shutil.copy(server.kit("lead@nvidia.com", role="lead") / "startup" / "client.key", kit / "startup")
    with pytest.raises(KitCredentialsUnusable, match=r"certificate and its key in .*KEY_VALUES") as caught:
        Session(ADMIN, str(kit))
    for official in (ConfigError, NoConnection, FLCommunicationError, ValueError):
        assert isinstance(caught.value, official)


@pytest.fixture(scope="module")
def signed() -> Iterator[Path]:
    with MockServer("2.7") as server:
        yield server.kit()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda startup: edit(startup.parent, lambda admin: admin.update(note="x")), "does not fit"),
        (lambda startup: (startup / "signature.json").write_text("{}"), "has no signature"),
        (lambda startup: (startup / "signature.json").write_text("no json"), "expected a JSON object"),
    ],
)
def test_a_signed_kit_must_be_as_it_was_signed(
    signed: Path, tmp_path: Path, change: Callable[[Path], object], reason: str
) -> None:
    kit = Path(shutil.copytree(signed, tmp_path / "kit"))
    assert load_kit(str(kit), secure=True).root == kit
    change(kit / "startup")
    with pytest.raises(ConfigError, match=f"as the project signed it in signature.json, but .*{reason}"):
        load_kit(str(kit), secure=True)


def test_a_kit_without_signatures_is_taken_as_it_is(signed: Path, tmp_path: Path) -> None:
    kit = Path(shutil.copytree(signed, tmp_path / "kit"))
    (kit / "startup" / "signature.json").unlink()
    edit(kit, lambda admin: admin.update(note="x"))
    assert load_kit(str(kit), secure=True).root == kit
