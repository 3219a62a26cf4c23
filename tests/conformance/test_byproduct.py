"""Every message of a client is judged by the rules of the wire, whatever the contract is about."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

from conformance import catalogue, runner
from conformance.adapters.inprocess import InProcessAdapter
from conformance.byproduct import charged
from conformance.results import Irregular, Result, Verdict
from conformance.targets import MockTarget

BROKEN = Irregular("WIRE-X-01", "a token", "none")


def _results(client: str, release: str, *ids: str) -> dict[str, Result]:
    with contextlib.closing(MockTarget(release)) as target, contextlib.closing(InProcessAdapter(client)) as adapter:
        results = runner.run([catalogue.find(one) for one in ids], adapter, target, seed=1)
    return {result.contract: result for result in results}


def test_a_client_in_order_has_nothing_irregular_and_keeps_no_transcript() -> None:
    for release in ("2.6", "2.9"):
        results = _results("flare_client", release, "LIST-ORDER-01", "SUB-OK-01", "DOWN-PATH-01")
        assert {result.verdict for result in results.values()} == {Verdict.PASSED}
        assert all(result.irregular == () and result.transcript == () for result in results.values())


def test_a_message_that_breaks_a_rule_is_seen_by_any_contract() -> None:
    results = _results("conformance.mutants:adds_an_item", "2.6", "LIST-ORDER-01", "CLOSE-TWICE-01")
    seen = {one.rule for result in results.values() for one in result.irregular}
    assert seen == {"WIRE-ITEM-01"}
    assert all(result.transcript for result in results.values() if result.irregular)


def test_what_another_contract_saw_counts_against_the_contract_of_the_rule() -> None:
    passed = Result("WIRE-X-01", Verdict.PASSED, 0.1)
    saw = Result("LIST-A-01", Verdict.PASSED, 0.1, irregular=(BROKEN,), transcript=({"kind": "command"},))
    other, wire = charged([saw, passed])
    assert other is saw
    assert (wire.verdict, wire.expected, wire.observed) == (Verdict.FAILED, "a token", "none, during LIST-A-01")
    assert wire.transcript == saw.transcript
    assert charged([passed]) == [passed]


def test_a_rule_whose_contract_is_not_run_is_told_and_fails_nothing(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = [
        "--client",
        "conformance.mutants:adds_an_item",
        "--release",
        "2.6",
        "--json",
        str(report),
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "conformance.cli",
            "run",
            *words,
            "--select",
            "CLOSE-TWICE-01",
            "--select",
            "ID-TYPE-01",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(report.read_text())
    rules = {one["rule"] for result in document["results"] for one in result["irregular"]}
    assert rules
    for rule in rules:
        assert f"{rule} is broken during" in done.stdout
