"""Workers: whatever a client does to its process costs it the verdict on one contract, and the run nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.results import Result, Verdict
from conformance.runner import HarnessError
from conformance.running.plan import Plan
from conformance.running.pool import Pool
from tests.conformance.adapters.programs import program
from tests.support import wait_until

ROOT = Path(__file__).parents[3]
CLIENTS = "tests.conformance.running.clients"


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.begun_alone: list[tuple[str, bool]] = []
        self.results: list[Result] = []

    def parties(self, client: str, server: str) -> None:
        assert client
        assert server == "mock_server 2.9"

    def begun(self, contract: str, *, alone: bool) -> None:
        self.begun_alone.append((contract, alone))

    def done(self, result: Result, *, alone: bool) -> None:
        assert alone == (len([one for one in self.begun_alone if one[0] == result.contract]) > 1)
        self.results.append(result)


Runs = Callable[..., dict[str, Result]]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def runs(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.chdir(ROOT)

    def run(
        client: str | None, *contracts: str, workers: int = 2, command: str | None = None, **more: object
    ) -> object:
        name = client if client in (None, "flare_client") or ":" in str(client) else f"{CLIENTS}:{client}"
        plan = Plan(name, command, "2.9", seed=3, **more)  # type: ignore[arg-type]
        results = Pool(plan, workers, notes).run(contracts)
        assert [result.contract for result in results] == list(contracts)
        return {result.contract: result for result in results}

    return run  # type: ignore[return-value]


def test_verdicts_come_in_the_order_that_was_asked_for(runs: Runs, notes: Notes) -> None:
    results = runs("flare_client", "SYS-SITES-01", "ID-CASE-01", "CLOSE-TWICE-01", "META-KEYS-01")
    assert {result.verdict for result in results.values()} == {Verdict.PASSED}
    assert sorted(result.contract for result in notes.results) == sorted(results)


def test_a_client_that_hangs_is_killed_and_blamed_and_the_next_contract_is_checked(runs: Runs) -> None:
    results = runs("hangs", "LIST-ORDER-01", "ID-CASE-01", workers=1, limit=5.0)
    hung = results["LIST-ORDER-01"]
    assert hung.verdict is Verdict.FAILED
    assert hung.message.startswith("the client hung: no end within 5 s in session.list_jobs(")
    assert results["ID-CASE-01"].verdict is Verdict.PASSED


def test_a_client_that_ends_its_process_is_blamed_with_how(runs: Runs) -> None:
    results = runs("ends", "SYS-SITES-01", "CLONE-OK-01", "LIST-ORDER-01", "META-KEYS-01", "CLOSE-TWICE-01", workers=1)
    said = {name: result.message for name, result in results.items()}
    assert (
        said["SYS-SITES-01"] == "the client failed: it ended the process, with exit code 3; it last wrote: last words"
    )
    assert said["CLONE-OK-01"] == "the client failed: it ended the process, by signal 9"
    assert said["LIST-ORDER-01"] == "the client failed: it wanted to end the process: SystemExit(5)"
    assert said["META-KEYS-01"] == "the client failed: it raised KeyboardInterrupt"
    assert results["CLOSE-TWICE-01"].verdict is Verdict.PASSED


def test_a_program_that_hangs_is_killed_and_nothing_is_left_of_it(runs: Runs, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    note = f"open({str(noted)!r}, 'a').write(str(os.getpid()) + ' ')"
    source = program(tmp_path, f"{note}\ntime.sleep(1000)", start="HELLO['releases'] = ['2.9']")
    command = f"{sys.executable} -I -S {source}"
    results = runs(None, "ID-MISSING-01", "LIST-ORDER-01", workers=1, command=command, limit=4.0)
    assert results["ID-MISSING-01"].verdict is Verdict.FAILED
    assert "the client hung: no end within 4 s" in results["ID-MISSING-01"].message
    assert "the client hung" in results["LIST-ORDER-01"].message
    pids = [int(word) for word in noted.read_text().split()]
    assert pids
    wait_until(lambda: not any(_lives(pid) for pid in pids))


def test_a_late_client_is_checked_again_alone(
    runs: Runs, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "in time now"
    monkeypatch.setenv("LATE_UNTIL_THERE", str(flag))

    def begun(contract: str, *, alone: bool) -> None:
        notes.begun_alone.append((contract, alone))
        if alone:
            flag.touch()

    monkeypatch.setattr(notes, "begun", begun)
    results = runs("late_until", "CMD-TIMEOUT-01", "ID-CASE-01", "CLOSE-TWICE-01", profile="quick")
    assert results["CMD-TIMEOUT-01"].verdict is Verdict.PASSED
    assert notes.begun_alone[-1] == ("CMD-TIMEOUT-01", True)
    assert [alone for _, alone in notes.begun_alone] == [False, False, False, True]
    assert notes.results[-1].contract == "CMD-TIMEOUT-01"


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("nothing_there", "expected a factory at"),
        ("no_such_module:x", "expected a factory at"),
        ("tests.conformance.running.broken:x", "expected a factory at"),
    ],
)
def test_a_client_that_is_not_there_is_no_verdict(runs: Runs, client: str, text: str) -> None:
    with pytest.raises(HarnessError, match=text):
        runs(client, "ID-CASE-01")


def test_nothing_is_left_in_the_temporary_folder(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    runs("hangs", "LIST-ORDER-01", "ID-CASE-01", limit=3.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_run_and_all_its_workers(tmp_path: Path) -> None:
    note, temporary = tmp_path / "pid", tmp_path / "tmp"
    temporary.mkdir()
    words = ["--client", f"{CLIENTS}:hangs", "--select", "LIST-ORDER-01", "--limit", "600"]
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance.cli", "run", *words],
        cwd=ROOT,
        env={**os.environ, "HANGS_NOTE": str(note), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: note.exists() and note.read_text() != "", seconds=60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (2, "flare-conformance: interrupted\n")
    wait_until(lambda: not _lives(int(note.read_text())))
    assert list(temporary.iterdir()) == []


def test_the_lag_of_the_machine_is_measured(monkeypatch: pytest.MonkeyPatch, notes: Notes) -> None:
    monkeypatch.chdir(ROOT)
    pool = Pool(Plan("flare_client", None, "2.9"), 2, notes)
    pool.run(["ID-CASE-01", "CLOSE-TWICE-01"])
    assert pool.lag.most >= pool.lag.p99 > 0


def test_a_plan_survives_its_way_to_a_worker() -> None:
    plan = Plan("a:b", None, "2.6", "kit:/x", "me", None, 5, "quick", 3.0, True)
    assert Plan.from_data(json.loads(json.dumps(plan.data))) == plan
    assert (
        Plan("a:b", None, "2.6", profile="quick").seconds * 5
        == Plan("a:b", None, "2.6", "kit:x", profile="quick").seconds
    )
