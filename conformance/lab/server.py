"""``OfficialServer``: the official server of a release with two sites, for real.

Owns: starting the official start scripts, waiting until an admin can work, and ending what was started. Must not know
what is run against it.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from conformance.lab.login import admin_at
from conformance.lab.processes import OwnedProcesses
from conformance.lab.provisioning import ADMIN, HOST, SITES, STORE, LabError, provision, run_tool
from conformance.peers import PeerEnvironment, environment

__all__ = ["LabError", "OfficialServer", "poc_startup_seconds"]

_READY_SECONDS = 120.0
_POLL_SECONDS = 0.1
_POC_PORTS = (8002, 8003)
_POC_SECONDS = 120.0
_MARKS = ("shutdown.fl", "restart.fl", "pid.fl", "daemon_pid.fl")
_SERVER_MODULE = "nvflare.private.fed.app.server.server_train"


class OfficialServer:
    """The official server of a release and its sites, provisioned and started by the release's own tools.

    Args:
        version: a published version, as ``2.6.3``.
        workspace: a folder for kits and logs; a temporary one by default.
        keep: whether a temporary workspace stays, for a look at the logs.
        scheme: how frames travel, from release 2.7 on; what is usual by default.

    Attributes:
        startup_seconds: from start to the first accepted login.
        ready_seconds: from start until both sites had registered.
    """

    def __init__(
        self, version: str, *, workspace: Path | None = None, keep: bool = False, scheme: str | None = None
    ) -> None:
        self._scheme = scheme
        self.version = version
        self.startup_seconds = 0.0
        self.ready_seconds = 0.0
        self._given_workspace = workspace
        self._keep = keep or workspace is not None
        self._workspace: Path | None = None
        self._kits: Path | None = None
        self._processes: OwnedProcesses | None = None
        self._peer: PeerEnvironment | None = None

    @property
    def workspace(self) -> Path:
        """The folder with kits and logs."""
        if self._workspace is None:
            raise LabError("expected a server that was started")
        return self._workspace

    def __enter__(self) -> OfficialServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Provision, start server and sites, and wait until an admin can log in and both sites are there.

        Raises:
            LabError: provisioning fails, or the server is not ready in time; its last lines are in the text.
            PeerUnavailable: the release cannot run on this machine.
        """
        self._peer = environment(self.version)
        self._peer.require_server()
        self._workspace = self._given_workspace or Path(tempfile.mkdtemp(prefix=f"flare-lab-{self.version}-"))
        logs = self._workspace / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        try:
            self._kits = provision(self._peer, self._workspace, self._scheme).kits
            self._start(logs)
        except BaseException:
            self.stop()
            raise

    def reset(self) -> None:
        """Start again with an empty store and with every site, also after a shutdown.

        From 2.8 on a job that ran at a restart can never be deleted.

        Raises:
            LabError: the server is not ready in time.
        """
        if self._processes is not None:
            self._processes.stop()
        shutil.rmtree(self.workspace / STORE, ignore_errors=True)
        for kit in (HOST, *SITES):
            for mark in _MARKS:  # a script that finds one of an earlier run ends at once
                ((self._kits or self.workspace) / kit / mark).unlink(missing_ok=True)
        self._start(self.workspace / "logs")

    def _start(self, logs: Path) -> None:
        if self._kits is None or self._peer is None:
            raise LabError("expected kits that were provisioned")
        self._processes = OwnedProcesses(logs)
        started = time.monotonic()
        for name in (HOST, *SITES):
            script = self._kits / name / "startup" / "sub_start.sh"  # start.sh does no more than background it
            self._processes.start(name, ["bash", str(script)], cwd=self._kits, env=_tool_environment(self._peer))
        self._wait_for_login()
        self.startup_seconds = time.monotonic() - started
        self.wait_for_sites()
        self.ready_seconds = time.monotonic() - started

    def stop(self) -> None:
        """End server, sites and jobs, and remove the workspace unless it is kept. Stopping twice is fine."""
        if self._processes is not None:
            self._processes.stop()
            self._processes = None
        if self._workspace is not None and not self._keep:
            shutil.rmtree(self._workspace, ignore_errors=True)

    def kit(self, user: str = ADMIN) -> Path:
        """Return the startup kit of a user.

        Raises:
            LabError: the project has no such user, or the server was not started.
        """
        if self._kits is None:
            raise LabError("expected a server that was started")
        kit = self._kits / user
        if not (kit / "startup" / "fed_admin.json").is_file():
            raise LabError(f"no kit of {user!r} in {self._kits}")
        return kit

    def restart(self) -> None:
        """Kill the server process; its start script starts it again. Returns when a new login is accepted.

        Raises:
            LabError: there was no server process, or no login is accepted in time.
        """
        if self._processes is None or not self._processes.kill_members([_SERVER_MODULE]):
            raise LabError("expected a running server process to kill, found none")
        self._wait_for_login()

    def wait_for_sites(self) -> None:
        """Wait until an admin login is accepted and both sites are registered.

        Raises:
            LabError: that takes too long; the last lines of the server's log are in the text.
        """
        token = self._wait_for_login()
        admin = admin_at(self.kit(), ADMIN)
        expected = sorted(SITES)
        _wait_for(lambda: admin.site_names(token) == expected, f"the sites {expected}", self._last_lines)

    def _wait_for_login(self) -> str:
        admin = admin_at(self.kit(), ADMIN)
        tokens: list[str] = []

        def accepted() -> bool:
            tokens.extend(filter(None, [admin.login()]))
            return bool(tokens)

        _wait_for(accepted, "an accepted admin login", self._last_lines)
        return tokens[0]

    def _last_lines(self) -> str:
        log = self.workspace / "logs" / f"{HOST}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-8:])


def poc_startup_seconds(version: str) -> float:
    """Measure the time from ``nvflare poc start`` to the first accepted login.

    Args:
        version: a published version.

    Raises:
        LabError: the fixed ports of proof-of-concept mode are taken, or no login is accepted in time.
        PeerUnavailable: the release cannot run on this machine.
    """
    peer = environment(version)
    peer.require_server()
    for port in _POC_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError as problem:
                raise LabError(
                    f"proof-of-concept mode needs port {port}, which is taken ({problem.strerror})"
                ) from None
    with tempfile.TemporaryDirectory(prefix=f"flare-poc-{version}-", ignore_cleanup_errors=True) as scratch:
        return _time_poc(peer, Path(scratch))


def poc_kits(peer: PeerEnvironment, scratch: Path) -> Path:
    """Prepare a proof of concept with the release's own tool, without starting it.

    Args:
        peer: the environment of the release.
        scratch: an existing folder.

    Returns:
        The folder that holds one kit a participant.

    Raises:
        LabError: the tool fails.
    """
    workspace = scratch / "poc"
    run_tool(_poc_words(peer, scratch)[0], scratch, _POC_SECONDS, _poc_environment(peer, scratch, workspace))
    return _poc_admin(workspace)[1].parent


def _poc_environment(peer: PeerEnvironment, scratch: Path, workspace: Path) -> dict[str, str]:
    home = scratch / "home"
    home.mkdir()
    return {**_tool_environment(peer), "HOME": str(home), "NVFLARE_POC_WORKSPACE": str(workspace)}


def _time_poc(peer: PeerEnvironment, scratch: Path) -> float:
    workspace = scratch / "poc"
    env = _poc_environment(peer, scratch, workspace)
    prepare, start = _poc_words(peer, scratch)
    run_tool(prepare, scratch, _POC_SECONDS, env)
    user, kit = _poc_admin(workspace)
    processes = OwnedProcesses(scratch)
    try:
        started = time.monotonic()
        log = processes.start("poc", [*start, "-ex", user], cwd=scratch, env=env)
        admin = admin_at(kit, user)
        _wait_for(lambda: admin.login() is not None, "an accepted admin login", log.read_text)
        return time.monotonic() - started
    finally:
        processes.stop()


def _poc_words(peer: PeerEnvironment, scratch: Path) -> tuple[list[str], list[str]]:
    """Return the commands that prepare and start; older tools know them as options, newer ones as words."""
    tool = str(peer.python.with_name("nvflare"))
    if "{prepare" in run_tool([tool, "poc", "--help"], scratch, _POC_SECONDS):
        return [tool, "poc", "prepare", "-n", "2"], [tool, "poc", "start"]
    return [tool, "poc", "--prepare", "-n", "2"], [tool, "poc", "--start"]


def _poc_admin(workspace: Path) -> tuple[str, Path]:
    found = sorted(workspace.glob("**/startup/fed_admin.json"))
    if not found:
        raise LabError(f"expected an admin kit in {workspace}, found none")
    kit = found[0].parent.parent
    return kit.name, kit


def _tool_environment(peer: PeerEnvironment) -> dict[str, str]:
    """Return an environment in which the start scripts' ``python3`` is the peer's."""
    return {**os.environ, "PATH": f"{peer.python.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}


def _wait_for(condition: Callable[[], bool], expected: str, last_lines: Callable[[], str]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"expected {expected} within {_READY_SECONDS:g} s; the log ends with:\n{last_lines()}")
        time.sleep(_POLL_SECONDS)
