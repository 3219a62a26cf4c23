"""Every contract of a release holds for its official client, on MockServer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.peers import PEERS

SCHEME_OF = {"2.7.3": "tcp", "2.8.3": "http", "2.9.0": "grpc"}
"""Each release by another way: what depends on both is tried in ``test_main_path``."""


@pytest.mark.parametrize("version", PEERS)
def test_the_official_client_keeps_every_contract(version: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["run", "--client", f"official:{version}", "--release", version, "--seed", "11", "--json", str(report)]
    words += ["--scheme", SCHEME_OF[version]] if version in SCHEME_OF else []
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words], capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    results = json.loads(report.read_text())["results"]
    assert len(results) > 80
    others = {result["contract"] for result in results if result["verdict"] not in ("passed", "inconclusive")}
    # The program around an official client does one call at a time, so several threads cannot be tried through it.
    assert others == {"CONN-THREAD-01", "MODEL-CONC-02"}
