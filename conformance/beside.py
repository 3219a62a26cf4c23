"""Proof that the packages install beside official nvflare releases, in one environment.

``python -m conformance.beside 2.3.12 2.9.0`` makes a fresh environment a version, lets pip resolve nvflare and this
project together, and runs a server and a client there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click

from conformance.peers import PEERS, PeerUnavailable, find_interpreter

PROJECT = Path(__file__).resolve().parent.parent

_TRIAL = """
import nvflare
from nvflare.fuel.flare_api.flare_api import Session
from mock_server import MockServer
from flare_client import new_secure_session
import conformance.cli
with MockServer() as server, new_secure_session("admin@nvidia.com", str(server.kit())) as session:
    assert session.list_jobs() == []
print("works beside nvflare", nvflare.__version__)
"""


def _run(step: str, words: list[str]) -> str:
    """Run a step and return what it printed.

    Raises:
        click.ClickException: it failed.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tempfile.gettempdir())  # noqa: S603
    if done.returncode:
        raise click.ClickException(f"{step} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def prove(version: str) -> str:
    """Install nvflare and this project into one fresh environment, and try both.

    Args:
        version: a published version of nvflare.

    Returns:
        What the trial printed.

    Raises:
        PeerUnavailable: no interpreter on this machine fits the version.
        click.ClickException: the two do not install together, or do not work together.
    """
    python = str(find_interpreter(PEERS[version])[0]) if version in PEERS else sys.executable
    with tempfile.TemporaryDirectory(prefix="flare-beside-") as folder:
        own = str(Path(folder) / "bin" / "python")
        _run(f"nvflare {version}: environment", [python, "-m", "venv", folder])
        install = [own, "-m", "pip", "install", "--quiet", "--prefer-binary", f"nvflare=={version}", str(PROJECT)]
        _run(f"nvflare {version}: installation", [*install, "setuptools<80"])
        _run(f"nvflare {version}: pip check", [own, "-m", "pip", "check"])
        return _run(f"nvflare {version}: trial", [own, "-c", _TRIAL])


@click.command(epilog="Example: python -m conformance.beside 2.3.12 2.9.0")
@click.argument("versions", nargs=-1, required=True)
def main(versions: tuple[str, ...]) -> None:
    """Prove that this project installs and works beside nvflare VERSIONS. Exit code 0: it does, 1: it does not."""
    for version in versions:
        try:
            click.echo(prove(version).strip())
        except PeerUnavailable as problem:
            raise click.ClickException(str(problem)) from problem


if __name__ == "__main__":
    main()
