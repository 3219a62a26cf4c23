"""One seed, one run: the same verdicts and the same scripts, whoever carries it out and how often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_run import run

SELECTION = ("MON-CB-*", "MON-ARG-*", "LIST-*", "ID-*", "CONN-THREAD-01", "DOWN-*", "CLONE-*", "META-*")


def seeded(tmp_path: Path, *words: str, client: str = "flare_client", seed: int = 5) -> dict[str, Any]:
    """The verdicts and scripts of a run by the ids of contracts."""
    report = tmp_path / "report.json"
    arguments = [
        "--client",
        client,
        "--profile",
        "quick",
        "--seed",
        str(seed),
        "--scripts",
        "--json",
        str(report),
        *words,
    ]
    done = run("run", *arguments, seconds=280)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    results = json.loads(report.read_text())["results"]
    return {one["contract"]: (one["verdict"], one["script"]) for one in results}


def selected(*patterns: str) -> list[str]:
    return [word for pattern in patterns for word in ("--select", pattern)]


@pytest.mark.timeout(300)
def test_workers_shards_and_selections_change_nothing(tmp_path: Path) -> None:
    words = selected(*SELECTION)
    alone = seeded(tmp_path, *words, "--workers", "1")
    assert {verdict for verdict, _ in alone.values()} == {"passed"}
    assert all(script for _, script in alone.values())
    assert seeded(tmp_path, *words, "--workers", "3") == alone
    shards = [seeded(tmp_path, *words, "--shard", f"{number}/2", "--workers", "2") for number in (1, 2)]
    assert {**shards[0], **shards[1]} == alone
    assert not set(shards[0]) & set(shards[1])
    few = seeded(tmp_path, *selected("LIST-LAW-01", "MON-CB-01"))
    assert few == {name: alone[name] for name in few}


def test_another_seed_draws_other_examples(tmp_path: Path) -> None:
    words = selected("MON-CB-01")
    assert seeded(tmp_path, *words, seed=5) != seeded(tmp_path, *words, seed=6)


@pytest.mark.timeout(300)
def test_a_failure_is_found_and_shrunk_in_the_same_way(tmp_path: Path) -> None:
    words = selected("LIST-*")
    first = seeded(tmp_path, *words, client="conformance.mutants:keeps_oldest")
    assert first["LIST-LIMIT-01"][0] == "failed"
    assert seeded(tmp_path, *words, "--workers", "3", client="conformance.mutants:keeps_oldest") == first
