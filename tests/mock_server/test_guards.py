"""Guard rails: a mock says what it is, serves this machine alone, keeps its secrets, and leaves nothing behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.x509.oid import NameOID

import mock_server.assembly
import mock_server.premises
from flare_client import new_secure_session
from mock_server import MockServer, ServerError
from mock_server.cli import main
from mock_server.endpoints.hci.endpoint import HciEndpoint
from mock_server.guards import MOCK_ORG, NOTICE, check_host
from tests.support import ALL_RELEASES

ADMIN = "admin@nvidia.com"


# --- it says what it is -----------------------------------------------------------------------------------------------


def test_its_certificates_say_that_it_is_a_mock() -> None:
    with MockServer("2.9") as server:
        startup = server.kit() / "startup"
        certificates = [
            x509.load_pem_x509_certificate(pem)
            for pem in (
                (startup / "rootCA.pem").read_bytes(),
                (startup / "client.crt").read_bytes(),
                server.pki.server_certificate_pem,
            )
        ]
    for certificate in certificates:
        issuer = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        assert [one.value for one in issuer] == [MOCK_ORG]
    unit = certificates[-1].subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert [one.value for one in unit] == [MOCK_ORG]


@pytest.mark.parametrize("release", ALL_RELEASES)
def test_its_status_says_that_it_is_a_mock(release: str) -> None:
    with MockServer(release) as server, new_secure_session(ADMIN, str(server.kit())) as session:
        texts = [item.data for item in session._connection.execute("check_status server", needs_meta=False)[0].items]
        assert NOTICE in texts
        sites = [item.data for item in session._connection.execute("check_status client", needs_meta=False)[0].items]
        assert NOTICE not in sites


def test_its_banner_says_that_it_is_a_mock(tmp_path: Path) -> None:
    for words in ([], ["--json"]):
        process = serve(tmp_path / "lab", tmp_path, *words)
        assert process.stdout is not None
        first = process.stdout.readline()
        if words:
            announced = json.loads(first)
            assert (announced["mock"], announced["notice"]) == (True, NOTICE)
        else:
            assert first.startswith("MOCK server of release ")
            assert process.stdout.readline() == NOTICE + "\n"
        process.terminate()
        process.communicate(timeout=30)


# --- it serves this machine alone -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_hosts_of_this_machine_are_fine(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "0.0.0.0"), ("", "0.0.0.0"), ("::", "::"), ("10.1.2.3", "10.1")]
)
def test_other_hosts_need_to_be_allowed(host: str, shown: str) -> None:
    server = MockServer("2.6", host=host)
    with pytest.raises(ServerError, match=f"only this machine reaches.* but got {shown}.*allow_remote=True"):
        server.start()
    assert not server.is_running


def test_a_name_counts_by_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 6, "", ("192.0.2.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ValueError, match=r"but got lab\.example, which is 192\.0\.2\.7"):
        check_host("lab.example")


def test_a_host_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ServerError, match="expected a host to listen on, but 'no.such.invalid'"):
        MockServer("2.6", host="no.such.invalid").start()


def test_where_it_is_allowed_it_serves_every_address() -> None:
    with MockServer("2.6", host="0.0.0.0", allow_remote=True) as server:
        socket.create_connection(("127.0.0.1", server.admin_port), timeout=10).close()


def test_the_command_refuses_other_hosts_too(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["serve", "--workspace", str(tmp_path / "lab"), "--host", "0.0.0.0"])
    assert done.exit_code == 2
    assert "flare-mock serve --allow-remote" in done.output
    assert not (tmp_path / "lab").exists()


# --- it keeps its secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2.3", "2.9"])
def test_private_keys_are_the_owners_alone(tmp_path: Path, release: str) -> None:
    previous = os.umask(0)
    try:
        with MockServer(release, workspace=tmp_path / "lab") as server:
            server.kit(directory=tmp_path / "kits")
            server.kit("lead@nvidia.com", role="lead")
    finally:
        os.umask(previous)
    keys = [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(keys) == 6  # CA, server, two users, two kits
    for path in keys:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path
    assert stat.S_IMODE((tmp_path / "lab" / "run").stat().st_mode) == 0o700


# --- it leaves nothing behind -----------------------------------------------------------------------------------------


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def left_by(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.iterdir()]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files where Linux shows them")
def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with MockServer("2.6"):  # what is loaded once is loaded
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files, threads = open_files(), {thread.name for thread in threading.enumerate()}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    for place, name in ((mock_server.assembly, "HciEndpoint"), (HciEndpoint, "start"), (mock_server.premises, "Pki")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, fail)
            server = MockServer("2.6")
            with pytest.raises(RuntimeError, match="no"):
                server.start()
            assert not server.is_running
            with pytest.raises(ServerError):
                _ = server.pki
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServerError):
            MockServer("2.6", admin_port=taken.getsockname()[1]).start()

    assert {thread.name for thread in threading.enumerate()} <= threads
    assert left_by(tmp_path) == []
    assert open_files() == files


@pytest.mark.parametrize("release", ["2.6", "2.9"])
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files where Linux shows them")
def test_a_server_that_was_stopped_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    def use() -> int:
        with MockServer(release) as server:
            port = server.admin_port
            with new_secure_session(ADMIN, str(server.kit())) as session:
                session.list_jobs()
            server.reset()
        return port

    use()  # what is loaded once is loaded
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    files, threads = open_files(), {thread.name for thread in threading.enumerate()}
    port = use()
    assert left_by(tmp_path) == []
    assert {thread.name for thread in threading.enumerate()} <= threads
    assert open_files() == files
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def serve(workspace: Path, temporary: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mock_server.cli", "serve", "--workspace", str(workspace), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_leaves_nothing_when_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = serve(tmp_path / "lab", temporary, "--json")
    assert process.stdout is not None
    port = json.loads(process.stdout.readline())["admin_port"]
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert left_by(temporary) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


ENDS = {
    "without stop": "sys.exit(3)",
    "by an exception": "raise SystemExit(3)",
    "inside with": "with MockServer('2.6') as other: other.kit(); sys.exit(3)",
    "by Ctrl-C": "os.kill(os.getpid(), signal.SIGINT); time.sleep(30)",
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_program_that_ends_leaves_nothing(tmp_path: Path, end: str) -> None:
    program = "\n".join(
        [
            "import os, signal, sys, time",
            "from mock_server import MockServer",
            "server = MockServer('2.9')",
            "server.start()",
            "assert server.kit().is_dir()",
            end,
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (3, 1, 130, -signal.SIGINT), done.stderr
    assert left_by(tmp_path) == []
