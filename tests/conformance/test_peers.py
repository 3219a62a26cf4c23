"""Environments of official releases: found, made once, never half-made. No package is installed here."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import peers
from conformance.peers import PeerRelease, PeerUnavailable, environment

RUNNING = (sys.version_info[0], sys.version_info[1])
PEER = PeerRelease("9.9.9", ("numpy",), RUNNING, RUNNING, RUNNING)

PIP = """#!{python}
import os, pathlib, sys
log = pathlib.Path(os.environ["PEER_LOG"])
with log.open("a") as handle:
    handle.write(" ".join(sys.argv[1:]) + "\\n")
print("Collecting nvflare")
if os.environ.get("PEER_FAILS"):
    print("ERROR: No matching distribution found for nvflare")
    sys.exit(1)
"""


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace venv and pip by a program that notes its arguments; return its notes."""
    notes = tmp_path / "notes"
    program = tmp_path / "python"
    program.write_text(PIP.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PEER_LOG", str(notes))
    monkeypatch.setitem(peers.PEERS, PEER.version, PEER)
    monkeypatch.setattr(peers, "find_interpreter", lambda _: (program, RUNNING))
    folder = peers.cache_directory() / f"9.9.9-py{RUNNING[0]}.{RUNNING[1]}"

    def make_folder(step: list[str], *rest: object) -> None:
        if step[1:3] == ["-m", "venv"]:
            (folder / "bin").mkdir(parents=True)
            (folder / "bin" / "python").write_bytes(program.read_bytes())
            (folder / "bin" / "python").chmod(0o755)
        real(step, *rest)

    real = peers._run_step
    monkeypatch.setattr(peers, "_run_step", make_folder)
    return notes


def steps(notes: Path) -> list[str]:
    return notes.read_text().splitlines() if notes.exists() else []


def test_an_environment_is_made_once(installs: Path) -> None:
    first, second = environment("9.9.9"), environment("9.9.9")

    assert first == second
    venv, pip = steps(installs)
    assert venv.startswith("-m venv ")
    assert pip.endswith("nvflare==9.9.9 numpy")
    assert "index" not in pip, "the user's pip configuration alone says where packages come from"


def test_what_was_half_made_is_made_anew(installs: Path) -> None:
    folder = environment("9.9.9").python.parent.parent
    record = folder / "flare-conformance.json"
    record.unlink()
    (folder / "stale").touch()

    environment("9.9.9")

    assert len(steps(installs)) == 4
    assert not (folder / "stale").exists()


@pytest.mark.parametrize("content", ["", "{", json.dumps({"nvflare": "9.9.8", "requirements": ["numpy"]})])
def test_an_environment_with_another_record_is_made_anew(installs: Path, content: str) -> None:
    folder = environment("9.9.9").python.parent.parent
    (folder / "flare-conformance.json").write_text(content)
    environment("9.9.9")
    assert len(steps(installs)) == 4


def test_several_at_once_make_one(installs: Path) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(environment("9.9.9"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(steps(installs)) == 2


def test_a_failed_installation_says_why_and_is_not_used(installs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEER_FAILS", "1")
    with pytest.raises(PeerUnavailable, match="No matching distribution"):
        environment("9.9.9")
    monkeypatch.delenv("PEER_FAILS")
    environment("9.9.9")
    assert len(steps(installs)) == 3  # venv failed once, then both steps


def test_an_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(PeerUnavailable, match=r"unknown nvflare version '1\.0'.*2\.3\.12.*2\.6\.3"):
        environment("1.0")


def test_shims_that_do_not_run_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.10"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 99))
    with pytest.raises(PeerUnavailable, match=r"python3\.10 \(does not run\)"):
        peers.find_interpreter(peers.PEERS["2.4.2"])


def test_a_server_that_needs_an_older_python_is_unavailable() -> None:
    with pytest.raises(PeerUnavailable, match=r"server of nvflare 2\.4\.2 needs Python 3\.10 or older"):
        peers.PeerEnvironment(Path("python"), "2.4.2", "3.11").require_server()


def test_the_command_tells_of_failures_without_a_traceback() -> None:
    result = CliRunner().invoke(peers.main, ["install", "1.0"])
    assert result.exit_code == 1
    assert "unknown nvflare version '1.0'" in result.output
    assert "Traceback" not in result.output
