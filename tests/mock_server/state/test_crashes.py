"""A few kills of ``make crashes``, and that it would notice: an acknowledgement too early is found out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.mock_server.state.crashes import run
from tests.mock_server.state.crashes.ledger import Doubt, Ledger, Told
from tests.mock_server.state.crashes.run import Run

KILLS = 5


@pytest.mark.parametrize("release", ["2.6", "2.9"])
def test_what_clients_were_told_is_there_after_kills(release: str, tmp_path: Path) -> None:
    outcome = Run(release, tmp_path, seed=1).go(KILLS)
    assert outcome.found == []
    assert outcome.kills >= KILLS
    assert outcome.answered["submit"] > 0
    assert outcome.counts["jobs compared"] > 0
    assert outcome.counts["definitions read"] > 0


def test_a_server_that_answers_before_it_keeps_is_found_out(tmp_path: Path) -> None:
    outcome = Run("2.6", tmp_path, seed=1, wrong=True).go(50)
    assert outcome.found
    assert outcome.kills < 50


def test_the_command_tells_what_it_did_and_fails_where_something_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stub(Run):
        def __init__(self, release: str, _scratch: Path, _seed: int) -> None:
            self.outcome = run.Outcome(release)

        def go(self, kills: int, _progress: object = None, **_: object) -> run.Outcome:
            self.outcome.kills = kills
            if self.outcome.release == "2.9":
                self.outcome.found.append("job x is gone")
            return self.outcome

    monkeypatch.setattr(run, "Run", Stub)
    whole = CliRunner().invoke(run.main, ["--kills", "7", "--release", "2.6"])
    assert (whole.exit_code, "release 2.6: 7 kills" in whole.output) == (0, True)
    broken = CliRunner().invoke(run.main, ["--kills", "7"])
    assert broken.exit_code == 1
    assert "job x is gone" in broken.output
    assert "release 2.6: 3 kills" in broken.output
    assert "release 2.9: 4 kills" in broken.output


# --- the ledger -----------------------------------------------------------------------------------------------------


def meta(job_id: str, status: str, name: str = "quick-0-1", **more: str) -> dict[str, str]:
    return {"job_id": job_id, "status": status, "name": name} | more


@pytest.mark.parametrize(
    ("told", "metas", "wrong"),
    [
        (Told("a", "quick-0-1", "n"), [], "job a .* is gone"),
        (Told("a", "quick-0-1", "n", doubt="delete"), [], None),
        (
            Told("a", "quick-0-1", "n", status="FINISHED:COMPLETED"),
            [meta("a", "FINISHED:ABORTED")],
            "was FINISHED:COMP",
        ),
        (Told("a", "quick-0-1", "n", status="RUNNING"), [meta("a", "SUBMITTED")], "was RUNNING already"),
        (Told("a", "quick-0-1", "n", status="RUNNING"), [meta("a", "RUNNING")], "without an end"),
        (Told("a", "quick-0-1", "n", aborted=True), [meta("a", "SUBMITTED")], "was aborted"),
        (Told("a", "quick-0-1", "n", doubt="abort"), [meta("a", "FINISHED:ABORTED")], None),
        (Told("a", "quick-0-1", "n"), [meta("a", "SUBMITTED", "other")], "the meta of job a"),
        (Told("a", "quick-0-1", "n"), [meta("a", "SUBMITTED"), meta("b", "SUBMITTED")], "nobody asked for it"),
        (Told("a", "quick-0-1", "n"), [meta("a", "SUBMITTED"), meta("c", "SUBMITTED", "new")], None),
        (Told("a", "quick-0-1", "n"), [meta("a", "SUBMITTED"), meta("gone", "SUBMITTED")], "deleted, and is there"),
        (Told("a", "quick-0-1", "n"), [meta("a", "SUBMITTED"), meta("a", "SUBMITTED")], "listed twice"),
    ],
)
def test_the_ledger_tells_what_may_be_from_what_may_not(
    told: Told, metas: list[dict[str, str]], wrong: str | None
) -> None:
    ledger = Ledger(lost_runs=False)
    ledger.jobs[told.job_id] = told
    ledger.deleted.add("gone")
    ledger.doubts.append(Doubt("submit", "new", "nonce", "new"))
    ledger.check_metas(metas)
    assert bool(ledger.found) is (wrong is not None)
    assert re.search(wrong or "", "; ".join(ledger.found))
