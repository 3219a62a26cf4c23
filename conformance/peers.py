"""Environments for official nvflare releases, each of its own.

Owns: which interpreters and packages a release needs, where the environments are kept and how they are made.
Must not know what is run in them.

An environment is made by ``python -m conformance.peers install 2.6.3`` (or on first use) with pip and the user's own
pip configuration, in ``$XDG_CACHE_HOME/flare-conformance/peers/<version>-py<x.y>``. A record is written into it last;
without a record that matches, an environment is not used but made anew, and one process at a time makes it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from rich.console import Console

from flare_client.protocol.releases import Dialect

PythonVersion = tuple[int, int]

_RECORD = "flare-conformance.json"
_PREFERRED: tuple[PythonVersion, ...] = ((3, 10), (3, 11), (3, 9), (3, 8), (3, 12), (3, 13))
"""Interpreters in the order in which they are taken: 3.10 is the newest that every official release runs on."""
_PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
_PROBE_SECONDS = 20


class PeerUnavailable(Exception):
    """An official release cannot be had on this machine; the text says why."""


@dataclasses.dataclass(frozen=True)
class PeerRelease:
    """What a published version of nvflare needs.

    Attributes:
        version: as on the package index.
        requirements: packages that it needs beside itself.
        oldest: the oldest Python that it installs in.
        newest_client: the newest Python in which its admin client installs and logs in.
        newest_server: the newest Python in which its server starts.
        dialect: the wire that it speaks.
    """

    version: str
    requirements: tuple[str, ...]
    oldest: PythonVersion
    newest_client: PythonVersion
    newest_server: PythonVersion
    dialect: Dialect = Dialect.HCI


_COMMON = ("numpy", "setuptools<80")  # the clients import numpy; old dependencies import pkg_resources

PEERS: dict[str, PeerRelease] = {
    peer.version: peer
    for peer in (
        # 2.3 pins a grpcio that has no wheel for Python 3.12, and its provisioning uses a part of cryptography that
        # newer versions of it no longer import by themselves. Observed: client and server run on 3.11.
        PeerRelease("2.3.12", (*_COMMON, "cryptography<42"), (3, 8), (3, 11), (3, 11)),
        # Observed: the server of 2.4 refuses Python 3.11, its client runs up to 3.12.
        PeerRelease("2.4.2", _COMMON, (3, 8), (3, 12), (3, 10)),
        PeerRelease("2.5.2", _COMMON, (3, 9), (3, 12), (3, 12)),
        PeerRelease("2.6.3", _COMMON, (3, 9), (3, 12), (3, 12)),
        PeerRelease("2.7.3", _COMMON, (3, 9), (3, 12), (3, 12), Dialect.CELLNET),
        PeerRelease("2.8.3", _COMMON, (3, 10), (3, 12), (3, 12), Dialect.CELLNET),
        PeerRelease("2.9.0", _COMMON, (3, 10), (3, 12), (3, 12), Dialect.CELLNET),
    )
}
"""Every official version that tests use."""

SOCKET_PEERS = tuple(version for version, peer in PEERS.items() if peer.dialect is Dialect.HCI)
"""Those of the socket dialect."""
CELLNET_PEERS = tuple(version for version, peer in PEERS.items() if peer.dialect is Dialect.CELLNET)
"""Those of the CellNet dialect."""

_WHEELS_ONLY = "grpcio,numpy,cryptography,protobuf,psutil"
"""Packages that are never built from source: that takes many minutes and a compiler."""


@dataclasses.dataclass(frozen=True)
class PeerEnvironment:
    """An environment with one official release.

    Attributes:
        python: its interpreter.
        version: the nvflare version that is installed.
        python_version: as ``3.10``.
    """

    python: Path
    version: str
    python_version: str

    def require_server(self) -> None:
        """Make sure that the release's server runs on this environment's Python.

        Raises:
            PeerUnavailable: it does not, only the client does.
        """
        newest = PEERS[self.version].newest_server
        if _parsed(self.python_version) > newest:
            raise PeerUnavailable(
                f"the server of nvflare {self.version} needs Python {_text(newest)} or older, "
                f"but only Python {self.python_version} was found"
            )


def cache_directory() -> Path:
    """The folder that holds the environments."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "flare-conformance" / "peers"


def environment(version: str, console: Console | None = None) -> PeerEnvironment:
    """Return the environment of an official release, and make it if there is none yet.

    Args:
        version: a published version, one of ``PEERS``.
        console: where progress is shown; standard error by default.

    Raises:
        PeerUnavailable: the version is unknown, no interpreter fits, or installation fails.
    """
    try:
        peer = PEERS[version]
    except KeyError:
        raise PeerUnavailable(f"unknown nvflare version {version!r}: expected one of {', '.join(PEERS)}") from None
    python, python_version = find_interpreter(peer)
    folder = cache_directory() / f"{version}-py{_text(python_version)}"
    found = PeerEnvironment(folder / "bin" / "python", version, _text(python_version))
    if _is_complete(folder, peer):
        return found
    with _lock(folder):
        if not _is_complete(folder, peer):
            _make(folder, peer, python, console or Console(stderr=True))
    return found


# --- interpreters -------------------------------------------------------------------------------------------------


def find_interpreter(peer: PeerRelease) -> tuple[Path, PythonVersion]:
    """Return an interpreter that a release installs in, and its version.

    Raises:
        PeerUnavailable: this machine has none; the text tells where it was looked for.
    """
    tried: list[str] = []
    for wanted in _PREFERRED:
        if not peer.oldest <= wanted <= peer.newest_client:
            continue
        for candidate in _candidates(wanted):
            version = _probe(candidate)
            if version == wanted:
                return candidate, wanted
            tried.append(f"{candidate} ({'does not run' if version is None else _text(version)})")
    raise PeerUnavailable(
        f"nvflare {peer.version} needs Python {_text(peer.oldest)} to {_text(peer.newest_client)} with venv, "
        f"but none was found; looked at: {', '.join(tried) or 'nothing on PATH, in ~/.pyenv or known to uv'}"
    )


def _candidates(wanted: PythonVersion) -> Iterator[Path]:
    """Yield interpreters that may be the wanted version; a shim on PATH may turn out not to run."""
    name = f"python{_text(wanted)}"
    if sys.version_info[:2] == wanted:
        yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    for folder in os.get_exec_path():
        candidate = Path(folder) / name
        if os.access(candidate, os.X_OK):
            yield candidate
    yield from sorted(Path.home().glob(f".pyenv/versions/{_text(wanted)}.*/bin/python"), reverse=True)
    if shutil.which("uv"):
        answer = subprocess.run(  # noqa: S603 - fixed words
            ["uv", "python", "find", "--no-python-downloads", _text(wanted)],  # noqa: S607 - as the user's PATH has it
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode == 0 and answer.stdout.strip():
            yield Path(answer.stdout.strip())


def _probe(python: Path) -> PythonVersion | None:
    """Return the version of an interpreter that runs and can make environments, otherwise ``None``."""
    try:
        answer = subprocess.run(  # noqa: S603 - a path found above
            [python, "-c", _PROBE], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = answer.stdout.strip()
    return _parsed(text) if answer.returncode == 0 and re.fullmatch(r"\d+\.\d+", text) else None


def _parsed(text: str) -> PythonVersion:
    major, minor = text.split(".")
    return int(major), int(minor)


def _text(version: PythonVersion) -> str:
    return f"{version[0]}.{version[1]}"


# --- environments -------------------------------------------------------------------------------------------------


def _wanted_record(peer: PeerRelease) -> dict[str, object]:
    return {"nvflare": peer.version, "requirements": list(peer.requirements)}


def _is_complete(folder: Path, peer: PeerRelease) -> bool:
    try:
        record = json.loads((folder / _RECORD).read_text())
    except (OSError, ValueError):
        return False
    return bool(record == _wanted_record(peer)) and os.access(folder / "bin" / "python", os.X_OK)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time make an environment; the system frees the lock of a process that dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(folder: Path, peer: PeerRelease, python: Path, console: Console) -> None:
    started = time.monotonic()
    console.print(f"nvflare {peer.version}: making an environment with {python}", highlight=False, soft_wrap=True)
    shutil.rmtree(folder, ignore_errors=True)
    log = folder.with_name(f"{folder.name}.log")
    packages = [f"nvflare=={peer.version}", *peer.requirements]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    steps = ([str(python), "-m", "venv", str(folder)], [*pip, "--only-binary", _WHEELS_ONLY, *packages])
    with log.open("w") as log_handle:
        for step in steps:
            _run_step(step, peer, log_handle.write, log, console)
    record = folder / f"{_RECORD}.new"
    record.write_text(json.dumps(_wanted_record(peer), indent=2) + "\n")
    record.replace(folder / _RECORD)
    console.print(
        f"nvflare {peer.version}: ready after {time.monotonic() - started:.0f} s in {folder}", highlight=False
    )


def _run_step(step: list[str], peer: PeerRelease, write: Callable[[str], object], log: Path, console: Console) -> None:
    process = subprocess.Popen(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    last = ""
    with process, console.status(f"nvflare {peer.version} ...") as status:
        for line in process.stdout or ():
            write(line)
            if line.startswith("ERROR"):
                last = line.strip()
            status.update(f"nvflare {peer.version}: {line.strip()[:90]}")
    if process.returncode:
        raise PeerUnavailable(
            f"nvflare {peer.version} could not be installed ({last or f'exit code {process.returncode}'}); see {log}"
        )


# --- command ------------------------------------------------------------------------------------------------------


@click.group()
def main() -> None:
    """Environments with official nvflare releases, for the lab and the interoperability tests."""


@main.command()
@click.argument("versions", nargs=-1)
def install(versions: tuple[str, ...]) -> None:
    """Make the environments of VERSIONS (all known ones by default)."""
    problems = [problem for version in versions or tuple(PEERS) if (problem := _install(version))]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)


def _install(version: str) -> str | None:
    """Make an environment and say where it is; return what is wrong if that fails."""
    try:
        peer = environment(version)
    except PeerUnavailable as problem:
        return f"nvflare {version}: {problem}"
    click.echo(f"{version}\tPython {peer.python_version}\t{peer.python}")
    return None


@main.command(name="list")
def list_environments() -> None:
    """List the environments that are complete."""
    for folder, peer in _known_folders():
        if _is_complete(folder, peer):
            click.echo(f"{peer.version}\t{folder}")


def _known_folders() -> Iterable[tuple[Path, PeerRelease]]:
    for peer in PEERS.values():
        for folder in sorted(cache_directory().glob(f"{peer.version}-py*")):
            if folder.is_dir():
                yield folder, peer


if __name__ == "__main__":
    main()
