"""``flare kit doctor`` as a user calls it: what it prints, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization

from flare_client.doctor import Verdict, examine
from flare_client.doctor.check import Check
from flare_client.doctor.checks import CHECKS
from flare_client.doctor.command import doctor as command
from flare_client.doctor.findings import ok, unable
from mock_server import MockServer

ADMIN = "admin@nvidia.com"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer("2.9") as running:
        yield running


def doctor(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_a_right_kit_is_fine(server: MockServer) -> None:
    result = doctor(server.kit(ADMIN))
    assert result.exit_code == 0
    assert "Nothing is wrong." in result.output
    assert f"log in as {ADMIN}" in result.output


def test_a_broken_kit_is_told_in_words_with_what_to_do(server: MockServer, tmp_path: Path) -> None:
    result = doctor(server.kit(ADMIN, directory=tmp_path, broken="expired"))
    assert result.exit_code == 1
    assert "ERROR    dates" in result.output
    assert "the certificate ended on" in result.output
    assert "-> Ask the admin of the project for a new kit." in result.output
    assert "skipped  login" in result.output
    assert result.output.splitlines()[-1] == "1 error, 0 warnings"


def test_findings_as_json(server: MockServer, tmp_path: Path) -> None:
    result = doctor(server.kit(ADMIN, directory=tmp_path, broken="wrong-key"), "--json")
    told = json.loads(result.output)
    assert (result.exit_code, told["exit_code"], told["errors"]) == (1, 1, 1)
    key = next(one for one in told["findings"] if one["check"] == "key")
    assert key["verdict"] == "error"
    assert "does not belong to the certificate" in key["text"]
    assert key["remedy"]


def test_offline_leaves_the_server_alone(server: MockServer) -> None:
    kit = server.kit(ADMIN)
    logins = server.received("_cert_login")
    result = doctor(kit, "--offline")
    assert result.exit_code == 0
    assert "no login was tried" in result.output
    assert server.received("_cert_login") == logins


@pytest.mark.parametrize(
    ("name", "text"), [("nowhere", "there is none at"), ("kit.zip", "unpack it, where it is an archive")]
)
def test_no_such_folder_is_no_verdict(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "kit.zip").write_bytes(b"PK")
    result = doctor(tmp_path / name)
    assert result.exit_code == 2
    assert "expected the folder of a startup kit" in result.output
    assert text in " ".join(result.output.split())


def test_an_empty_name_is_not_the_current_folder() -> None:
    with pytest.raises(NotADirectoryError, match="there is none at ''"):
        examine("")


def test_what_this_machine_lacks_is_no_verdict(server: MockServer) -> None:
    checks = (
        Check("one", "?", lambda _: ok("fine")),
        Check("two", "?", lambda _: unable("no such package", "Install it.")),
    )
    report = examine(server.kit(ADMIN), checks=checks)
    assert report.exit_code == 2
    assert not report.of(Verdict.ERROR)


def test_the_startup_folder_is_told_from_the_kit(server: MockServer) -> None:
    kit = server.kit(ADMIN)
    result = doctor(kit / "startup", "--offline")
    assert result.exit_code == 1
    assert f"Give the folder above: {kit}" in result.output
    above = doctor(kit.parent, "--offline")
    assert str(kit) in above.output.replace("\n", "")


@pytest.mark.parametrize("above", ["", "project"])
def test_kits_are_found_below_the_folders_of_provisioning(server: MockServer, tmp_path: Path, above: str) -> None:
    kits = [server.kit(ADMIN, directory=tmp_path / above / f"prod_0{number}") for number in range(7)]
    (finding,) = examine(tmp_path, offline=True).of(Verdict.ERROR)
    assert finding.check == "folders"
    assert str(kits[0]) in finding.outcome.remedy
    assert str(kits[6]) not in finding.outcome.remedy
    assert "one of 2 more" in finding.outcome.remedy


def test_what_waits_for_the_same_is_one_line(server: MockServer) -> None:
    lines = doctor(server.kit(ADMIN) / "startup").output.splitlines()
    assert len([line for line in lines if "skipped" in line]) == 1
    assert lines[-2].startswith("  skipped  admin-kit, json, fields")
    assert lines[-2].endswith(": first mend what is said of folders")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    (kit / "startup" / "client.crt").unlink()
    os.mkfifo(kit / "startup" / "client.crt")
    (finding,) = examine(kit, offline=True).of(Verdict.ERROR)
    assert (finding.check, "it is no file" in finding.outcome.text) == ("files", True)


def test_an_upload_folder_that_nobody_makes_is_an_error(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    path = kit / "startup" / "fed_admin.json"
    path.write_text(path.read_text().replace('"upload_dir": "transfer"', '"upload_dir": "outbox"'))
    (finding,) = examine(kit, offline=True).of(Verdict.ERROR)
    assert (finding.check, finding.outcome.remedy) == ("transfer", f"Make it: mkdir -p {kit / 'outbox'}")
    (kit / "outbox").mkdir()
    assert examine(kit, offline=True).exit_code == 0


def test_resources_that_are_none_are_named(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    resources = kit / "local" / "resources.json"
    resources.write_text("[]")
    (finding,) = examine(kit, offline=True).of(Verdict.ERROR)
    assert finding.check == "fields"
    assert finding.outcome.text.startswith(f"{resources}: expected a JSON object")


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_nobody_waits_for_ever(server: MockServer, seconds: str) -> None:
    result = doctor(server.kit(ADMIN), "--timeout", seconds)
    assert result.exit_code == 2
    assert f"but got {seconds}" in " ".join(result.output.split())


@pytest.mark.parametrize(("file", "whose"), [("fed_client.json", "a site"), ("fed_server.json", "the server")])
def test_kits_of_others_are_told_from_those_of_admins(tmp_path: Path, file: str, whose: str) -> None:
    (tmp_path / "startup").mkdir()
    (tmp_path / "local").mkdir()
    (tmp_path / "startup" / file).write_text("{}")
    result = doctor(tmp_path, "--offline")
    assert result.exit_code == 1
    assert f"this is the kit of {whose}" in result.output


def test_a_key_with_a_passphrase_is_an_error(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    path = kit / "startup" / "client.key"
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    result = doctor(kit)
    assert result.exit_code == 1
    assert "has a passphrase" in result.output


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX systems")
def test_a_key_that_others_may_read_is_a_warning(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    (kit / "startup" / "client.key").chmod(0o644)
    result = doctor(kit, "--offline")
    assert result.exit_code == 0
    assert "WARNING  key-permissions" in result.output
    assert "chmod 600" in result.output


def test_another_name_than_the_folder_is_a_warning_where_nobody_says_who_logs_in(
    server: MockServer, tmp_path: Path
) -> None:
    kit = server.kit(ADMIN, directory=tmp_path).rename(tmp_path / "somebody@else.org")
    report = examine(kit)
    assert [one.check for one in report.of(Verdict.WARNING)] == ["name"]
    assert report.exit_code == 0


def test_something_else_at_the_port_is_told(tmp_path: Path) -> None:
    """What listens there speaks no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener, MockServer("2.6") as server:
        kit = server.kit(ADMIN, directory=tmp_path)
        path = kit / "startup" / "fed_admin.json"
        port = listener.getsockname()[1]
        path.write_text(path.read_text().replace(f":{server.admin_port}", f":{port}"))
        report = examine(kit, timeout=0.3)
    assert "tls" in {one.check for one in report.of(Verdict.ERROR)}


def test_ports_in_each_others_place_are_guessed(tmp_path: Path) -> None:
    with MockServer("2.5") as server:
        kit = server.kit(ADMIN, directory=tmp_path)
        path = kit / "startup" / "fed_admin.json"
        ports = f":{server.port}:{server.admin_port}"
        path.write_text(path.read_text().replace(ports, f":{server.admin_port}:1"))
        report = examine(kit, timeout=3.0)
        [port] = report.of(Verdict.ERROR)
        assert port.check == "port"
        assert (
            f"At port {server.admin_port}, which the kit names for sites, somebody does listen" in port.outcome.remedy
        )


def test_an_insecure_kit_works_and_is_warned_of() -> None:
    with MockServer("2.3", secure=False) as server:
        report = examine(server.kit())
    assert [one.check for one in report.of(Verdict.WARNING)] == ["protection"]
    assert report.exit_code == 0
    assert next(one for one in report.findings if one.check == "login").outcome.verdict is Verdict.OK


@pytest.mark.parametrize("security", ["tls", "clear"])
def test_kits_without_mutual_tls_work(security: str) -> None:
    with MockServer("2.9", connection_security=security) as server:
        report = examine(server.kit())
    assert report.exit_code == 0
    assert not report.of(Verdict.ERROR)
    assert {one.check for one in report.of(Verdict.WARNING)} == ({"protection"} if security == "clear" else set())


def test_findings_have_one_place_each() -> None:
    known: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) | set(check.unless_wrong) <= known, "a check needs what comes before it"
        assert check.name not in known
        known.add(check.name)
        assert dataclasses.asdict(check)["question"].endswith("?")


def test_the_client_loads_none_of_it() -> None:
    code = "import sys, flare_client; print([m for m in sys.modules if m.split('.')[0] == 'click' or 'doctor' in m])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
