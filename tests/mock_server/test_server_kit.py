"""A server with the server's half of a kit that somebody else provisioned."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from flare_client import new_secure_session
from flare_client.protocol.cellnet.kit import CellWire, Scheme
from flare_client.protocol.releases import profile_for
from mock_server import MockServer, ServerError
from mock_server.certificates import Identity, make_server, new_key
from mock_server.cli import main
from mock_server.faults import WrongCertificate
from mock_server.kits import KitOrder, write_admin_kit
from mock_server.pki import Pki, PkiError
from mock_server.server_kit import ServerKitError, listening_host, place, read_server_kit

ADMIN = "admin@nvidia.com"


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Project:
    """A project as official provisioning lays it out, with a server and an admin, in the form of one wire."""

    def __init__(self, workspace: Path, *, cells: bool, host: str = "localhost") -> None:
        self.pki = Pki("their_project", host="localhost")
        self.root = workspace / "their_project" / "prod_00"
        self.server = self.root / "server1"
        self.fl_port, self.admin_port = free_ports(2)
        if cells:
            self.admin_port = self.fl_port
        (self.server / "startup").mkdir(parents=True)
        (self.server / "local").mkdir()
        self.write("startup/server.crt", self.pki.server_certificate_pem)
        self.write("startup/server.key", self.pki.server_key_pem)
        self.write("startup/rootCA.pem", self.pki.ca_pem)
        server: dict[str, Any] = {
            "name": "their_project",
            "service": {"target": f"{host}:{self.fl_port}", "scheme": "http" if cells else "grpc"},
            "admin_port": self.admin_port,
            "admin_server" if cells else "admin_host": host,
        }
        self.document: dict[str, Any] = {"format_version": 2, "servers": [server]}
        if cells:
            server["connection_security"] = "mtls"
            self.write("local/resources.json.default", b'{"class_allow_list": []}')
        else:
            self.document["overseer_agent"] = {"path": "x", "args": {}}
            self.write("local/log_config.json.default", b"{}")
        self.save()
        self.cells = cells

    def write(self, name: str, content: bytes) -> None:
        (self.server / name).write_bytes(content)

    def save(self) -> None:
        self.write("startup/fed_server.json", json.dumps(self.document).encode())

    def admin(self, role: str = "project_admin") -> Path:
        order = KitOrder(
            profile_for("2.8" if self.cells else "2.6"),
            "localhost",
            self.fl_port,
            self.admin_port,
            pki=self.pki,
            user=ADMIN,
            org="nvidia",
            role=role,
            wire=CellWire(Scheme.HTTP) if self.cells else None,
        )
        return write_admin_kit(self.root / ADMIN, order)

    def keep_state(self) -> None:
        state = self.root.parent / "state"
        state.mkdir()
        content = {"root_cert": self.pki.ca_pem.decode(), "root_pri_key": self.pki.ca_key_pem.decode()}
        (state / "cert.json").write_text(json.dumps(content))


@pytest.fixture(params=[False, True], ids=["sockets", "cells"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, cells=request.param)
    yield made
    made.pki.close()


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path, cells=False)
    yield made
    made.pki.close()


def test_their_admins_log_in_with_their_kits(project: Project) -> None:
    with MockServer(server_kit=project.server) as server:
        assert server.release == ("2.8" if project.cells else "2.6")
        assert (server.admin_port, server.port) == (project.admin_port, project.fl_port)
        with new_secure_session(ADMIN, str(project.admin())) as session:
            assert session.list_jobs() == []
            assert [one.name for one in session.get_system_info().client_info] == ["site-1", "site-2"]


def test_nothing_can_be_issued_without_the_key_of_the_ca(project: Project) -> None:
    with MockServer(server_kit=project.server) as server:
        with pytest.raises(PkiError, match="expected the key of the CA of 'their_project'"):
            server.kit(ADMIN)
        with pytest.raises(ValueError, match="expected a server with the key of its CA for the fault 'certificate'"):
            server.faults.inject(WrongCertificate("expired"))


def test_kits_are_issued_where_provisioning_left_the_key(project: Project) -> None:
    project.keep_state()
    with MockServer(server_kit=project.server) as server:
        kit = server.kit("lead@nvidia.com", role="lead")
        with new_secure_session("lead@nvidia.com", str(kit)) as session:
            assert session.list_jobs() == []


def test_the_key_of_another_ca_is_left_alone(sockets: Project) -> None:
    sockets.keep_state()
    path = sockets.root.parent / "state" / "cert.json"
    key = new_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    path.write_text(json.dumps({"root_pri_key": key.decode()}))
    assert read_server_kit(sockets.server).authority.ca_key is None


def test_the_policy_is_that_of_the_kit(sockets: Project) -> None:
    policy = {"format_version": "1.0", "permissions": {"member": {"view": "none"}}}
    sockets.write("local/authorization.json.default", json.dumps(policy).encode())
    with MockServer(server_kit=sockets.server) as server:
        assert server.policy.content == policy
    sockets.write("local/authorization.json", json.dumps({**policy, "permissions": {"member": "any"}}).encode())
    with MockServer(server_kit=sockets.server) as server:
        assert server.policy.content["permissions"] == {"member": "any"}


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ({"scheme": "tcp"}, "expected no scheme beside a server_kit"),
        ({"project": "mine"}, "expected no project beside a server_kit"),
        ({"secure": False}, "expected a secure server with a server_kit"),
        ({"release": "2.9"}, "expected release 2.6, or another of the same wire"),
    ],
)
def test_what_contradicts_the_kit_is_refused(sockets: Project, beside: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MockServer(server_kit=sockets.server, **beside)


def test_a_kit_that_does_not_tell_its_release_asks_for_it(sockets: Project) -> None:
    (sockets.server / "local" / "log_config.json.default").unlink()
    with pytest.raises(ValueError, match=r"does not tell which of the releases 2\.3, 2\.4, 2\.5, 2\.6 made it"):
        MockServer(server_kit=sockets.server)
    with MockServer("2.5", server_kit=sockets.server) as server:
        assert server.release == "2.5"


def test_a_port_that_is_taken_is_said(sockets: Project) -> None:
    with (
        socket.create_server(("127.0.0.1", sockets.admin_port)),
        pytest.raises(ServerError, match=f"port {sockets.admin_port} of 127.0.0.1"),
    ):
        MockServer(server_kit=sockets.server).start()


def test_a_name_that_leads_elsewhere_says_what_to_do(tmp_path: Path) -> None:
    project = Project(tmp_path, cells=False, host="flare.invalid")
    server = make_server(Identity("server1", "nvidia", None), ("flare.invalid",), new_key(), project.pki._ca)
    project.write("startup/server.crt", server.certificate_pem)
    project.write("startup/server.key", server.key_pem)
    with pytest.raises(ServerError, match=r"'127\.0\.0\.1 flare\.invalid' into /etc/hosts"):
        MockServer(server_kit=project.server).start()
    with MockServer(server_kit=project.server, host="127.0.0.1") as running:
        assert running.admin_port == project.admin_port
    project.pki.close()


def test_a_public_address_is_never_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"flare.example.com": ("203.0.113.7",), "here": ("203.0.113.7", "127.0.0.1"), "six": ("::1",)}
    monkeypatch.setattr(place, "addresses_of", lambda host: addresses.get(host, ()))
    with pytest.raises(ServerError, match=r"flare\.example\.com is 203\.0\.113\.7; nowhere is unknown"):
        listening_host(("flare.example.com", "nowhere"))
    assert listening_host(("flare.example.com", "here")) == ("127.0.0.1", "here")
    with pytest.raises(ServerError, match="six is ::1"):
        listening_host(("six",))


def test_a_folder_that_is_no_kit_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for location in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(ServerKitError, match=r"expected the kit of a server .*fed_server\.json, but that is not"):
            read_server_kit(location)


@pytest.mark.parametrize(("name", "whose"), [("fed_client.json", "a site"), ("fed_admin.json", "an admin")])
def test_the_kit_of_somebody_else_is_told(tmp_path: Path, name: str, whose: str) -> None:
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup" / name).touch()
    with pytest.raises(ServerKitError, match=f"but it is that of {whose}: give the folder"):
        read_server_kit(tmp_path)


BROKEN: list[tuple[str, Any, str]] = [
    ("name", "", r"servers\[0\]\.name: expected a name"),
    ("service", None, r"servers\[0\]\.service: expected an object"),
    ("service", {"target": "localhost"}, r"expected host:port, but got 'localhost'"),
    ("service", {"target": "localhost:²"}, "expected host:port, but got 'localhost:²'"),
    ("service", {"target": "localhost:99999"}, "expected a port from 1 to 65535, but got 99999"),
    ("admin_port", "8003", "expected a port from 1 to 65535, but got '8003'"),
    ("connection_security", "open", "expected one of mtls, tls, clear, but got 'open'"),
    ("ssl_cert", "none.crt", r"^expected [^,]*none\.crt, but No such file"),
    ("ssl_private_key", "rootCA.pem", "expected an RSA key without passphrase in"),
]


@pytest.mark.parametrize(("field", "value", "text"), BROKEN, ids=[f"{one[0]}-{one[1]!r:.20}" for one in BROKEN])
def test_what_is_wrong_in_the_kit_is_said(sockets: Project, field: str, value: Any, text: str) -> None:
    sockets.document["servers"][0][field] = value
    sockets.save()
    with pytest.raises(ServerKitError, match=text):
        read_server_kit(sockets.server)


def test_certificates_that_do_not_fit_are_said(sockets: Project) -> None:
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    ca, key = sockets.pki._ca, new_key()
    past = make_server(Identity("server1", "nvidia", None), ("localhost",), key, ca, (now - 3 * day, now - day))
    sockets.write("startup/server.crt", past.certificate_pem)
    with pytest.raises(ServerKitError, match=r"server\.crt ended on"):
        read_server_kit(sockets.server)
    right = make_server(Identity("server1", "nvidia", None), ("localhost",), key, ca)
    sockets.write("startup/server.crt", right.certificate_pem)
    with pytest.raises(ServerKitError, match=r"expected the key of server\.crt"):
        read_server_kit(sockets.server)
    stranger = Pki.foreign("their_project")
    sockets.write("startup/server.key", right.key_pem)
    sockets.write("startup/rootCA.pem", stranger.ca_pem)
    with pytest.raises(ServerKitError, match="another issued it"):
        read_server_kit(sockets.server)
    stranger.close()


@pytest.mark.parametrize(
    ("files", "cells", "overseer", "releases"),
    [
        ({"local/log_config.json.default": ""}, False, True, ("2.6",)),
        ({"local/log.config.default": "", "startup/server.pfx": ""}, False, True, ("2.3",)),
        ({"local/log.config.default": "", "startup/sub_start.sh": "python3"}, False, True, ("2.4",)),
        ({"local/log.config.default": "", "startup/sub_start.sh": "export PYTHONPATH"}, False, True, ("2.5",)),
        ({"local/log.config.default": ""}, False, True, ("2.4", "2.5")),
        ({}, True, True, ("2.7",)),
        ({}, True, False, ("2.8", "2.9")),
        ({"local/resources.json.default": '{"class_allow_list": ["x"]}'}, True, False, ("2.8",)),
    ],
)
def test_releases_are_told_by_their_marks(
    tmp_path: Path, files: dict[str, str], cells: bool, overseer: bool, releases: tuple[str, ...]
) -> None:
    project = Project(tmp_path, cells=cells)
    for name in ("local/log_config.json.default", "local/resources.json.default"):
        (project.server / name).unlink(missing_ok=True)
    for name, content in files.items():
        project.write(name, content.encode())
    project.document.pop("overseer_agent", None)
    if overseer:
        project.document["overseer_agent"] = {}
    project.save()
    assert read_server_kit(project.server).releases == releases
    project.pki.close()


def test_serve_with_a_kit_that_cannot_be_used(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["serve", "--workspace", str(tmp_path / "lab"), "--server-kit", str(tmp_path)])
    assert result.exit_code == 2
    assert "expected the kit of a server" in result.output
