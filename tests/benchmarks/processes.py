"""Children of a benchmark: mock servers, clients that time themselves, and Python with compiled modules.

Owns: how they are started, spoken to and ended. Must not know what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from conformance.peers import environment

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project, from which its packages are imported."""
OFFICIAL_VERSION = "2.6.3"
RELEASE = "2.6"
CELL_OFFICIAL_VERSION = "2.9.0"
ADMIN = "admin@nvidia.com"

_PROGRAM = Path(__file__).resolve().parent / "programs" / "client_program.py"
_END_SECONDS = 10.0
_MEMORY_NEEDED = 10 << 30
"""Bytes that must be free there: each side has a large job several times."""


class ChildFailed(RuntimeError):
    """A child of a benchmark ended, or answered with an error; the text has its last words."""


def own_environment(compiled: Path) -> dict[str, str]:
    """The environment of a child that imports the project.

    Args:
        compiled: the folder for compiled modules: with a fresh checkout, or where nothing may be written beside the
            sources, Python would compile them at each start.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(compiled)}


def official_environment(compiled: Path) -> dict[str, str]:
    """The environment of a child that imports the official software, with compiled modules as well."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONPYCACHEPREFIX": str(compiled)}


@contextlib.contextmanager
def in_memory() -> Iterator[None]:
    """Have this process and its children put their files into memory, where the system has a place for that.

    On a disk a large transfer measures how fast it writes, whoever transfers.
    """
    place = Path("/dev/shm")
    if not place.is_dir() or shutil.disk_usage(place).free < _MEMORY_NEEDED:
        yield
        return
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(place)
    try:
        yield
    finally:
        tempfile.tempdir = before[0]
        del os.environ["TMPDIR"]
        if before[1] is not None:
            os.environ["TMPDIR"] = before[1]


@contextlib.contextmanager
def _child(name: str, command: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, text=True, env=env, cwd=ROOT
        )
        try:
            yield process
        except ChildFailed as problem:
            process.kill()
            process.wait()
            words.seek(0)
            raise ChildFailed(f"{problem}; {name} wrote: {words.read()[-500:].strip() or 'nothing'}") from problem
        finally:
            with contextlib.suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _line(process: subprocess.Popen[str], what: str) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise ChildFailed(f"expected a line of {what}, but it ended")
    return line


class MockServerProcess:
    """A mock server in a process of its own.

    Attributes:
        pid: its process.
        host: where it listens.
        admin_port: likewise.
        kit: the startup kit of the project admin.
        certificate: certificate and key of the server.
    """

    def __init__(self, pid: int, workspace: Path, announced: dict[str, Any]) -> None:
        self.pid = pid
        self.host = str(announced["host"])
        self.admin_port = int(announced["admin_port"])
        self.kit = Path(announced["kits"][ADMIN])
        self.certificate = workspace / "pki" / "server.pem"


@contextlib.contextmanager
def mock_server(
    scratch: Path,
    scenario: dict[str, Any] | None = None,
    *,
    release: str = RELEASE,
    scheme: str | None = None,
    clock: str | None = None,
) -> Iterator[MockServerProcess]:
    """Run ``flare-mock serve``.

    Args:
        scratch: a folder for the server's workspace, scenario and compiled modules.
        scenario: the content of its scenario file.
        release: the release to play.
        scheme: how frames travel, from release 2.7 on.
        clock: the time of the server, as a speed; that of the machine by default.

    Raises:
        ChildFailed: it does not start.
    """
    workspace = scratch / "mock"
    command = [sys.executable, "-m", "mock_server.cli", "serve", "--release", release, "--workspace", str(workspace)]
    command += ["--scheme", scheme] if scheme is not None else []
    command += ["--clock", clock] if clock is not None else []
    command += ["--user", f"{ADMIN}:nvidia:project_admin", "--json"]
    if scenario is not None:
        file = scratch / "scenario.yaml"
        file.write_text(yaml.safe_dump(scenario))
        command += ["--scenario", str(file)]
    with _child("the mock server", command, own_environment(scratch / "compiled")) as process:
        announced = json.loads(_line(process, "the mock server"))
        yield MockServerProcess(process.pid, workspace, announced)


@contextlib.contextmanager
def bare_server(scratch: Path, server: MockServerProcess, request_size: int, reply_size: int) -> Iterator[int]:
    """Run the bare server with the certificates of a mock server, and give its port.

    Raises:
        ChildFailed: it does not start.
    """
    command = [sys.executable, "-m", "tests.benchmarks.programs.bare", str(server.certificate)]
    command += [str(server.kit / "startup" / "rootCA.pem"), str(request_size), str(reply_size)]
    with _child("the bare server", command, own_environment(scratch / "compiled")) as process:
        yield int(_line(process, "the bare server"))


@contextlib.contextmanager
def bare_websocket_server(scratch: Path, server: MockServerProcess) -> Iterator[int]:
    """Run the bare WebSocket server with the certificates of a mock server, and give its port.

    Raises:
        ChildFailed: it does not start.
    """
    command = [sys.executable, "-m", "tests.benchmarks.programs.websocket", str(server.certificate)]
    command += [str(server.kit / "startup" / "rootCA.pem")]
    with _child("the bare WebSocket server", command, own_environment(scratch / "compiled")) as process:
        yield int(_line(process, "the bare WebSocket server"))


class ClientProcess:
    """A client in a process of its own that times itself."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def open(self, count: int = 1, **options: Any) -> None:
        """Open sessions.

        Args:
            count: how many.
            **options: what the client needs: ``user`` and ``kit``, or those of ``BareClient``.

        Raises:
            ChildFailed: the client raised an exception, or is gone.
        """
        self._ask(do="open", count=count, options=options)

    def time(self, method: str, *args: Any, count: int = 1) -> list[float]:
        """Call a method of the first session and return the seconds of each call."""
        return [float(seconds) for seconds in self._ask(do="time", method=method, args=args, count=count)]

    def time_open(self, count: int, **options: Any) -> list[float]:
        """Open and close a session so often, and return the seconds that each opening took."""
        return [float(seconds) for seconds in self._ask(do="time_open", count=count, options=options)]

    def time_with_result(self, method: str, *args: Any) -> tuple[float, str]:
        """Call a method of the first session, and return the seconds and the result."""
        seconds, result = self._ask(do="time_with_result", method=method, args=args)
        return float(seconds), str(result)

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the first session, and return what it returns, as JSON has it."""
        return self._ask(do="call", method=method, args=args)

    def set_timeout(self, seconds: float) -> None:
        """Set the command timeout of the first session."""
        self._ask(do="set_timeout", seconds=seconds)

    def every_second(self, method: str, *args: Any, rounds: int) -> float:
        """Call a method of every session once a second, and return the seconds of the slowest round."""
        return float(self._ask(do="every_second", method=method, args=args, rounds=rounds))

    def together(self, method: str, *args: Any, count: int) -> float:
        """Call a method of all sessions at once, so often each, and return the seconds until all are done."""
        return float(self._ask(do="together", method=method, args=args, count=count))

    def _ask(self, **request: Any) -> Any:
        if self._process.stdin is None:
            raise AssertionError("a child has a standard input")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError as problem:
            raise ChildFailed(f"{self._name} does not take a request: {problem.strerror}") from problem
        answer = json.loads(_line(self._process, self._name))
        if "error" in answer:
            raise ChildFailed(f"{self._name} failed to {request['do']}: {answer['error']}")
        return answer["result"]


@contextlib.contextmanager
def own_client(scratch: Path, factory: str = "flare_client") -> Iterator[ClientProcess]:
    """Run flare_client, or the ``bare`` client, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.programs.client_program", factory]
    with _child(factory, command, own_environment(scratch / "compiled")) as process:
        yield ClientProcess(factory, process)


@contextlib.contextmanager
def official_client(scratch: Path, version: str = OFFICIAL_VERSION) -> Iterator[ClientProcess]:
    """Run the official client of a version in its own environment.

    Raises:
        PeerUnavailable: it cannot be had on this machine.
    """
    python = environment(version).python
    command = [str(python), str(_PROGRAM), "official"]
    with _child("the official client", command, official_environment(scratch / "compiled-official")) as process:
        yield ClientProcess(f"the official client {version}", process)
