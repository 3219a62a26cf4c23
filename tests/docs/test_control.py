"""The page about the control API says what is so: its curl commands, its `ctl` commands and its problem are run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mock_server import MockServer
from mock_server.cli import main
from tests.mock_server.control.asking import Api

PAGE = Path(__file__).parents[2] / "docs" / "control.md"
TEXT = PAGE.read_text(encoding="utf-8")
CURL, CTL = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [line for line in CTL.splitlines() if line]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(control=True) as running:
        yield running


def shell(script: str, server: MockServer, folder: Path) -> subprocess.CompletedProcess[str]:
    programs = Path(sys.executable).parent
    env = {
        **os.environ,
        "FLARE_MOCK_URL": server.control.url,
        "FLARE_MOCK_TOKEN": server.control.token,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_commands_work(server: MockServer, tmp_path: Path) -> None:
    done = shell(CURL, server, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert (tmp_path / "kit.zip").read_bytes().startswith(b"PK")
    assert (tmp_path / "expired.zip").read_bytes().startswith(b"PK")
    assert '"binaries":{"models/best.bin":"/3dlaWdodHM="}' in done.stdout
    assert "to have struck 1 times within 0.01 s, but got 0" in done.stdout
    assert '"status":"FINISHED:COMPLETED"' in done.stdout
    assert [event["what"] for event in Api(server).get("server")["events"]] == ["disconnect", "restart"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_operation_is_shown_or_said(server: MockServer) -> None:
    paths = {path.removeprefix("/v1/") for path in Api(server).document["paths"]}
    subjects = {path.partition("/{")[0] for path in paths} - {"scenario", "scenarios"}
    assert [subject for subject in subjects if f"/v1/{subject}" not in TEXT] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_ctl_command_works(server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    if "next" in command or "advance" in command:
        server.reset(scenario="busy-cluster", clock="virtual")
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(command)
    env = {"FLARE_MOCK_URL": server.control.url, "FLARE_MOCK_TOKEN": server.control.token}
    done = CliRunner().invoke(main, words, env=env)
    assert (program, done.exit_code, done.exception) == ("flare-mock", 0, None), done.output
    assert done.output or "transcript" in command  # nothing may have come


def test_the_problem_is_what_comes(server: MockServer) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    said = Api(server).ask("POST", "faults", {"action": {"kind": "delay"}}).json
    # Python 3.13 calls the status by another phrase.
    assert {**said, "title": ""} == {**json.loads(shown), "title": ""}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", TEXT):
        assert (PAGE.parent / target).is_file(), target
