"""The TypeScript client of ``docs/examples``: built from its lock file, its own tests, and every contract."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.features import Feature
from conformance.needs import Need

SOURCE = Path(__file__).parents[2] / "docs" / "examples" / "typescript-client"
RELEASES = ("2.3", "2.4", "2.5", "2.6")
OLDEST_NODE = 20

pytestmark = [pytest.mark.typescript, pytest.mark.timeout(600)]


def _node_or_reason() -> str | None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"there is no {program} on this machine"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        return f"node is {version}, the client needs {OLDEST_NODE}"
    return None


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the client, built as its README says."""
    if reason := _node_or_reason():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("typescript") / "client"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    for words in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def conformance(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words], capture_output=True, text=True, timeout=580, check=False
    )


def test_its_own_tests_pass(built: Path) -> None:
    done = subprocess.run(["npm", "test"], cwd=built, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_its_program_lacks_nothing(built: Path) -> None:
    done = conformance("adapter", "check", f"node {built / 'dist' / 'adapter.js'}", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["whole"]) == (0, True), done.stdout


@pytest.mark.parametrize("release", RELEASES)
def test_it_conforms(built: Path, tmp_path: Path, release: str) -> None:
    path = tmp_path / "report.json"
    words = ["--client-command", f"node {built / 'dist' / 'adapter.js'}", "--release", release, "--seed", "7"]
    done = conformance("run", *words, "--json", str(path))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    assert [result for result in results if result["verdict"] == "failed"] == []
    skipped = [result["message"] for result in results if result["verdict"] == "skipped"]
    named = [*(f"needs the feature {feature}" for feature in Feature), f"needs {Need.CLOCK.value}"]
    assert all(any(reason.startswith(name) for name in named) for reason in skipped), skipped


def test_it_is_not_run_at_a_release_that_it_does_not_speak(built: Path) -> None:
    done = conformance("run", "--client-command", f"node {built / 'dist' / 'adapter.js'}", "--release", "2.9")
    assert done.returncode == 2
    assert "speaks releases 2.3, 2.4, 2.5, 2.6, but the run is of release 2.9" in done.stderr


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    assert lock["packages"]
    assert not any("resolved" in package for package in lock["packages"].values())
