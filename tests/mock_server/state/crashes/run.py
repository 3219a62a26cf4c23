"""``python -m tests.mock_server.state.crashes.run``: kill a server again and again, and look what is left.

A server that serves with a state is killed (SIGKILL) while clients submit, clone, abort, delete, look and download at
full speed: after a random number of answers and a random moment more; now and then while it starts. The next server on
the state must know all that clients were told, and nothing half. The kit is the one that was written first.

Exit code 0: nothing was lost; 1: something was, and is printed.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import platform
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from flare_client import Session, new_secure_session
from flare_client.protocol.releases import profile_for
from tests.mock_server.state.crashes.clients import ADMIN, SCENARIO, Client, check_facts, compare_result
from tests.mock_server.state.crashes.ledger import Ledger
from tests.mock_server.state.rig import free_port

ROOT = Path(__file__).resolve().parents[4]
CLIENTS = 3
_MOST_ANSWERS = 60
"""Until a kill."""
_LONGEST_MOMENT = 0.004
"""Seconds after the last of them: about as long as a command takes."""
_KILLS_AT_START = 0.15
"""The share of the kills that meet a server that is just starting."""
_LONGEST_START = 0.15
_SITES = [{"name": f"site-{number}"} for number in range(1, CLIENTS + 2)]


class ServerFailed(RuntimeError):
    """A server did not start on the state of the one before; the text has its words."""


class Nursery:
    """The program that servers are forked from."""

    def __init__(self, scratch: Path) -> None:
        self._heard: list[dict[str, Any]] = []
        # Temporary files of killed processes are ours to remove.
        env = os.environ | {"TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mock_server.state.crashes.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=ROOT,
        )

    def start(self, **server: Any) -> int:
        """Begin to start a server, and return its process."""
        self._say(start=server)
        return self._hear("started")

    def ready(self, pid: int) -> None:
        """Wait until a server accepts connections.

        Raises:
            ServerFailed: it does not.
        """
        self._hear("ready", pid)

    def kill(self, pid: int) -> None:
        """Kill a server, and wait until it is gone."""
        os.kill(pid, signal.SIGKILL)
        self._say(reap=pid)
        self._hear("gone", pid)

    def close(self) -> None:
        """End."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _say(self, **words: Any) -> None:
        if self._process.stdin is None:
            raise AssertionError("a nursery has a standard input")
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def _hear(self, what: str, pid: int | None = None) -> int:
        """Wait for a word about a process; a server may speak before the nursery has said which one it is."""
        while True:
            for words in self._heard:
                if "failed" in words:
                    raise ServerFailed(words["failed"])
                if what in words and pid in (None, words[what]):
                    self._heard.remove(words)
                    return int(words[what])
            line = self._process.stdout.readline() if self._process.stdout is not None else ""
            if not line:
                raise ServerFailed(f"expected to hear {what!r} of a server, but its program ended")
            self._heard.append(json.loads(line))


@dataclasses.dataclass
class Outcome:
    """What came of a run.

    Attributes:
        release: the release that was played.
        kills: how often the server was killed.
        at_start: how many of these met a server that was starting.
        answered: answers by what was asked.
        counts: what was compared, and what became of calls without an answer.
        found: what is wrong.
        seconds: how long it took.
    """

    release: str
    kills: int = 0
    at_start: int = 0
    answered: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    found: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """The outcome for people."""
        answers = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.answered.items()))
        yield f"release {self.release}: {self.kills:,} kills, {self.at_start:,} of them while it started"
        yield f"  answered: {sum(self.answered.values()):,} ({answers})"
        for name, count in sorted(self.counts.items()):
            yield f"  {name}: {count:,}"
        yield f"  wrong: {len(self.found)}; {self.seconds:.0f} s"
        yield from (f"    {text}" for text in self.found[:20])


class Run:
    """Kills of one server.

    Args:
        release: the release to play.
        scratch: a folder for all that is written.
        seed: what is random is drawn from.
        wrong: let answers leave before what they say is kept, to see that it is noticed.
    """

    def __init__(self, release: str, scratch: Path, seed: int, *, wrong: bool = False) -> None:
        self._profile = profile_for(release)
        self._chance = random.Random(f"{seed}/{release}")  # noqa: S311 - a repeatable one is wanted
        self._state, self._kits = scratch / "state", scratch / "kits"
        self._server = {
            "release": release,
            "state": str(self._state),
            "scenario": SCENARIO | {"sites": _SITES},
            "kits": None,
            "wrong": wrong,
        }
        self._ledger = Ledger(lost_runs=not self._profile.abandons_jobs_at_restart)
        if self._profile.has_studies:
            self._ledger.facts = {f"study-{number}": None for number in range(CLIENTS)}
            self._ledger.facts |= {f"site-{number + 2}": True for number in range(CLIENTS)}
        kit = self._kits / ADMIN
        self._kit = kit
        self._clients = [
            Client(number, kit, self._profile, self._ledger, f"{seed}/{release}/{number}", scratch / "clients")
            for number in range(CLIENTS)
        ]
        self._scratch = scratch
        self.outcome = Outcome(release, counts=self._ledger.counts, found=self._ledger.found)

    def go(
        self, kills: int, progress: Callable[[Outcome], None] | None = None, *, seconds: float = float("inf")
    ) -> Outcome:
        """Kill so often, or as often as time allows, and compare each time.

        Args:
            kills: how often.
            progress: is told after each round what came of it so far.
            seconds: after which no other round begins.
        """
        began = time.monotonic()
        nursery = Nursery(self._scratch)
        try:
            while self.outcome.kills < kills and not self.outcome.found and self.outcome.seconds < seconds:
                self._kill_at_start(nursery)
                pid = self._start(nursery)
                self._compare()
                self._work_and_kill(nursery, pid)
                self.outcome.seconds = time.monotonic() - began
                if progress is not None:
                    progress(self.outcome)
            pid = self._start(nursery)
            self._compare()
            nursery.kill(pid)
        except ServerFailed as problem:
            self._ledger.wrong(f"the server did not start: {problem}")
        finally:
            nursery.close()
        self._check_database()
        return self.outcome

    def _start(self, nursery: Nursery) -> int:
        first = not self._kit.exists()
        more = {"kits": str(self._kits), "port": free_port(), "admin_port": free_port()} if first else {}
        pid = nursery.start(**(self._server | more))
        nursery.ready(pid)
        return pid

    def _kill_at_start(self, nursery: Nursery) -> None:
        while self._kit.exists() and self._chance.random() < _KILLS_AT_START:
            pid = nursery.start(**self._server)
            time.sleep(self._chance.uniform(0, _LONGEST_START))
            nursery.kill(pid)
            self.outcome.kills += 1
            self.outcome.at_start += 1

    def _work_and_kill(self, nursery: Nursery, pid: int) -> None:
        killing, enough = threading.Event(), threading.Event()
        answers, until = [0], self._chance.randint(1, _MOST_ANSWERS)
        lock = threading.Lock()

        def answered(kind: str) -> None:
            with lock:
                self.outcome.answered[kind] += 1
                answers[0] += 1
                if answers[0] >= until:
                    enough.set()

        def work(client: Client) -> None:
            client.work(answered, killing)
            enough.set()  # one that failed is not waited for

        for client in self._clients:
            client.prepare()
        threads = [threading.Thread(target=work, args=[client]) for client in self._clients]
        for thread in threads:
            thread.start()
        enough.wait()
        time.sleep(self._chance.uniform(0, _LONGEST_MOMENT))
        killing.set()
        nursery.kill(pid)
        self.outcome.kills += 1
        for thread in threads:
            thread.join()
        for client in self._clients:
            if client.problem is not None:
                self._ledger.wrong(f"a client failed: {type(client.problem).__name__}: {client.problem}")

    def _compare(self) -> None:
        with new_secure_session(ADMIN, str(self._kit), timeout=30.0) as session:
            self._ledger.check_metas(session.list_jobs(detailed=True))
            self._ledger.check_files(self._state / "run" / "jobs")
            if self._profile.has_studies:
                check_facts(session, range(CLIENTS), self._ledger)
            self._compare_a_result(session)

    def _compare_a_result(self, session: Session) -> None:
        done = [told for told in self._ledger.jobs.values() if told.result is not None]
        if done:
            folder = self._scratch / "compared"
            compare_result(session, self._chance.choice(done), self._ledger, folder)

    def _check_database(self) -> None:
        with contextlib.closing(sqlite3.connect(self._state / "state.sqlite3")) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchall()
        if said != [("ok",)]:
            self._ledger.wrong(f"the database is damaged: {said}")


@click.command(epilog="Example: python -m tests.mock_server.state.crashes.run --kills 100 --release 2.9")
@click.option("--kills", default=1000, show_default=True, type=click.IntRange(1), help="How often, over all releases.")
@click.option("--release", "releases", multiple=True, default=("2.6", "2.9"), show_default=True, help="Repeatable.")
@click.option("--seconds", default=float("inf"), help="End earlier, with fewer kills, after so long a release.")
@click.option("--seed", default=0, show_default=True, help="What is random is drawn from.")
def main(kills: int, releases: tuple[str, ...], seconds: float, seed: int) -> None:
    """Kill a server that serves with a state, and compare what is left with what its clients were told."""
    click.echo(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()}")
    wrong = 0
    for number, release in enumerate(releases):
        share = kills * (number + 1) // len(releases) - kills * number // len(releases)
        told = [0]

        def progress(outcome: Outcome, told: list[int] = told, share: int = share) -> None:
            if outcome.kills >= told[0] + 50:
                told[0] = outcome.kills
                answers = sum(outcome.answered.values())
                text = (
                    f"{outcome.release}: {outcome.kills} of {share} kills, {answers:,} answers, {outcome.seconds:.0f} s"
                )
                click.echo(text, err=True)

        with tempfile.TemporaryDirectory(prefix="flare-crashes-") as folder:
            outcome = Run(release, Path(folder), seed).go(share, progress, seconds=seconds)
        for line in outcome.lines():
            click.echo(line)
        wrong += len(outcome.found)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
