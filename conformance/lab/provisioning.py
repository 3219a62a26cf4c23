"""Official startup kits: a project file, and the release's own ``nvflare provision``.

Owns: who and what stands in the project, and where provisioning puts the kits. Must not know how servers are started.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import subprocess
from pathlib import Path
from typing import Any

import yaml

from conformance.peers import PEERS, PeerEnvironment
from flare_client.protocol.releases import Dialect

PROJECT = "example_project"
HOST = "localhost"
"""The server's name and address: the official 2.x tools put it into certificate, kits and addresses alike."""
SITES = ("site-1", "site-2")
ADMIN = "admin@nvidia.com"
_PROVISION_SECONDS = 120
STORE = "store"
"""The folder of a lab's workspace in which its server keeps jobs."""
_SHARED_STORE = "/tmp/nvflare"  # noqa: S108 - what official kits say
_SCHEME_BUILDER = ".StaticFileBuilder"
_YES = "y\n"  # 2.3 asks before it makes a proof-of-concept workspace
_PROJECT_OF_RELEASE = "import nvflare.lighter, os; print(os.path.dirname(nvflare.lighter.__file__))"


class LabError(Exception):
    """The lab could not do what it was asked for; the text says what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class User:
    """An admin user of the project."""

    name: str
    org: str
    role: str


USERS = (
    User(ADMIN, "nvidia", "project_admin"),
    User("orgadmin@nvidia.com", "nvidia", "org_admin"),
    User("lead@nvidia.com", "nvidia", "lead"),
    User("member@nvidia.com", "nvidia", "member"),
    User("lead@other.com", "other", "lead"),
)


@dataclasses.dataclass(frozen=True)
class ProvisionedProject:
    """Kits on disk.

    Attributes:
        kits: the folder that holds one kit a participant.
        admin_port: the port that the server will listen on for admins.
    """

    kits: Path
    admin_port: int


def provision(peer: PeerEnvironment, workspace: Path, scheme: str | None = None) -> ProvisionedProject:
    """Run the official provisioning of a release for a server, two sites and ``USERS``.

    Args:
        peer: the environment of the release.
        workspace: an existing folder.
        scheme: how frames travel, from release 2.7 on; what is usual by default.

    Raises:
        LabError: provisioning fails.
    """
    fl_port, admin_port = _free_ports(2)
    if PEERS[peer.version].dialect is Dialect.CELLNET:
        fl_port = admin_port  # one port for all, as the samples from 2.8 on have it
    project_file = workspace / "project.yml"
    project_file.write_text(yaml.safe_dump(_project(peer, fl_port, admin_port, scheme), sort_keys=False))
    command = [str(peer.python.with_name("nvflare")), "provision", "-p", str(project_file), "-w", str(workspace)]
    answer = run_tool(command, workspace, _PROVISION_SECONDS)
    kits = workspace / PROJECT / "prod_00"
    if not (kits / ADMIN / "startup" / "fed_admin.json").is_file():
        raise LabError(f"nvflare {peer.version}: provisioning made no kits in {kits}: {answer[-500:]}")
    _store_below(kits / HOST / "local", workspace / STORE)
    return ProvisionedProject(kits, admin_port)


def _store_below(local: Path, store: Path) -> None:
    """Have the server keep its jobs in a folder of its own.

    As provisioned, every server on a machine shares one folder, and finds the jobs of those that ran before.

    Raises:
        LabError: the kit does not name the folder that all releases share.
    """
    text = (local / "resources.json.default").read_text()
    if _SHARED_STORE not in text:
        raise LabError(f"expected {_SHARED_STORE} in {local / 'resources.json.default'}, but it is not there")
    (local / "resources.json").write_text(text.replace(_SHARED_STORE, str(store)))


def run_tool(command: list[str], cwd: Path, seconds: float, env: dict[str, str] | None = None) -> str:
    """Run an official command to its end and return what it wrote.

    Raises:
        LabError: it fails or takes longer than the given seconds.
    """
    try:
        answer = subprocess.run(  # noqa: S603 - a command of an environment that this package made
            command,
            cwd=cwd,
            env=env,
            input=_YES,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)}: expected an end within {seconds:g} s") from None
    if answer.returncode:
        raise LabError(f"{' '.join(command)}: exit code {answer.returncode}: {answer.stdout[-500:]}")
    return answer.stdout


def _project(peer: PeerEnvironment, fl_port: int, admin_port: int, scheme: str | None) -> dict[str, Any]:
    """Return the release's own sample project with other participants: its list of builders differs by release."""
    where = run_tool([str(peer.python), "-c", _PROJECT_OF_RELEASE], Path.cwd(), _PROVISION_SECONDS)
    sample = Path(where.strip().splitlines()[-1]) / "dummy_project.yml"
    project: dict[str, Any] = yaml.safe_load(sample.read_text())
    server = {
        "name": HOST,
        "type": "server",
        "org": "nvidia",
        "fed_learn_port": fl_port,
        "admin_port": admin_port,
    }
    sites = [{"name": name, "type": "client", "org": "nvidia"} for name in SITES]
    users = [{"name": user.name, "type": "admin", "org": user.org, "role": user.role} for user in USERS]
    for builder in project["builders"]:
        agent = builder.get("args", {}).get("overseer_agent")
        if scheme is not None and builder["path"].endswith(_SCHEME_BUILDER):
            builder.setdefault("args", {})["scheme"] = scheme
        if agent is not None:
            agent["args"]["sp_end_point"] = f"{HOST}:{fl_port}:{admin_port}"
    return {**project, "name": PROJECT, "participants": [server, *sites, *users]}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
