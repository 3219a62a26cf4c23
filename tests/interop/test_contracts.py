"""The contracts of a release hold for its official client, on MockServer.

Each version is given its share of the catalogue, another one each, which takes minutes and not half an hour. A contract
of few releases may be in no share: `make official` has every version keep every contract.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.peers import PEERS
from tests.interop.shares import WHOLE

SCHEME_OF = {"2.7.3": "tcp", "2.8.3": "http", "2.9.0": "grpc"}
"""Each release by another way: what depends on both is tried in ``test_main_path``."""

NOT_OVER = {"grpc": {"ROBUST-CERT-01", "ROBUST-CERT-02", "ROBUST-CERT-03", "ROBUST-TLS-01"}}
"""What cannot be checked over a scheme: gRPC does its TLS itself, and lets nobody make it wrong."""


@pytest.mark.parametrize("version", PEERS)
@pytest.mark.timeout(1500)
def test_the_official_client_keeps_every_contract(version: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["run", "--client", f"official:{version}", "--release", version, "--seed", "11", "--json", str(report)]
    words += ["--profile", "quick"]
    if not WHOLE:
        words += ["--shard", f"{list(PEERS).index(version) + 1}/{len(PEERS)}"]
    words += ["--scheme", SCHEME_OF[version]] if version in SCHEME_OF else []
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words], capture_output=True, text=True, timeout=1480, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    results = json.loads(report.read_text())["results"]
    assert len(results) > (200 if WHOLE else 30)
    unlike = {result["contract"] for result in results if result["verdict"] not in ("passed", "inconclusive")}
    assert unlike <= NOT_OVER.get(SCHEME_OF.get(version, ""), set())
    assert [one for result in results for one in result["irregular"]] == []
