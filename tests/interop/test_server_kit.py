"""Kits of official provisioning: the server's half in MockServer, the admin's half in the official client."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.adapters.base import Adapter
from conformance.lab.drives import official_client
from conformance.lab.provisioning import ADMIN, HOST, ProvisionedProject, provision
from conformance.lab.server import poc_kits
from conformance.parties import make_adapter
from conformance.peers import PEERS, environment
from flare_client.doctor import Verdict, examine
from mock_server import MockServer
from mock_server.server_kit import listening_host, read_server_kit
from tests.interop.conftest import or_skip
from tests.support import JobMaker

CLIENTS: dict[str, Callable[[str], Adapter]] = {
    "official": official_client,
    "flare_client": lambda _: make_adapter("flare_client", None),
}


def line(version: str) -> str:
    return version.rpartition(".")[0]


of_each_dialect = pytest.mark.parametrize("made", ["2.6.3", "2.9.0"], indirect=True)
of_every_release = pytest.mark.parametrize("made", list(PEERS), indirect=True)


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ProvisionedProject]:
    """A project of an official version, provisioned once."""
    version: str = request.param
    return version, provision(or_skip(environment, version), tmp_path_factory.mktemp("project"))


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, made: tuple[str, ProvisionedProject]) -> Iterator[Adapter]:
    adapter = CLIENTS[request.param](made[0])
    yield adapter
    adapter.close()


@of_each_dialect
def test_an_official_admin_kit_works_at_the_official_server_kit(
    made: tuple[str, ProvisionedProject], client: Adapter, make_job: JobMaker
) -> None:
    version, project = made
    with MockServer(server_kit=project.kits / HOST) as server:
        assert server.release == line(version)
        session = client.open(ADMIN, project.kits / ADMIN)
        job_id = session.call("submit_job", str(make_job("hello")))
        assert [job["job_id"] for job in session.call("list_jobs")] == [job_id]
        member = client.open("member@nvidia.com", project.kits / "member@nvidia.com")
        assert [job["job_id"] for job in member.call("list_jobs")] == [job_id]
        for one in (session, member):
            one.close()


@of_each_dialect
def test_the_key_of_the_project_issues_further_kits(made: tuple[str, ProvisionedProject], client: Adapter) -> None:
    _, project = made
    with MockServer(server_kit=project.kits / HOST) as server:
        session = client.open("new@nvidia.com", server.kit("new@nvidia.com", role="lead"))
        assert session.call("list_jobs") == []
        session.close()


@of_each_dialect
def test_the_doctor_finds_nothing_wrong_with_official_kits(made: tuple[str, ProvisionedProject]) -> None:
    version, project = made
    with MockServer(server_kit=project.kits / HOST):
        report = examine(project.kits / ADMIN)
    assert not report.of(Verdict.ERROR)
    login = next(one for one in report.findings if one.check == "login").outcome
    assert (login.verdict, line(version) in login.text) == (Verdict.OK, True)


@of_every_release
def test_every_release_is_told_by_its_kit(made: tuple[str, ProvisionedProject]) -> None:
    version, project = made
    kit = read_server_kit(project.kits / HOST)
    assert kit.releases == (line(version),)
    assert listening_host(kit.hosts) == ("127.0.0.1", HOST)
    assert kit.authority.ca_key is not None
    assert kit.authorization is not None


@pytest.mark.parametrize("version", ["2.6.3", "2.9.0"])
def test_a_proof_of_concept_works_on_other_ports(version: str, tmp_path: Path, make_job: JobMaker) -> None:
    """Its kits have fixed ports, which others may have at the moment: the admin's kit is made to follow."""
    kits = poc_kits(or_skip(environment, version), tmp_path)
    admin = next(path.parent.parent for path in sorted(kits.glob("*/startup/fed_admin.json")))
    kit = next(path.parent.parent for path in kits.glob("*/startup/fed_server.json"))
    found = read_server_kit(kit)
    assert found.releases == (line(version),)
    ports = {"port": 0, "admin_port": 0}
    with socket.socket() as one, socket.socket() as other:
        for name, held in zip(ports, (one, other), strict=True):
            held.bind(("127.0.0.1", 0))
            ports[name] = held.getsockname()[1]
    if found.fl_port == found.admin_port:
        ports["port"] = ports["admin_port"]
    with MockServer(server_kit=kit, **ports) as server:
        config = admin / "startup" / "fed_admin.json"
        text = config.read_text()
        config.write_text(re.sub(str(found.admin_port), str(server.admin_port), text))
        session = make_adapter("flare_client", None).open(admin.name, admin)
        job_id = session.call("submit_job", str(make_job("hello")))
        assert [job["job_id"] for job in session.call("list_jobs")] == [job_id]
        session.close()
