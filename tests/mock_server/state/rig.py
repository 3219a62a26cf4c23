"""An engine with a state, which can be killed: nothing that was not committed is there afterwards."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flare_client.protocol.releases import profile_for
from mock_server.clock import ManualClock
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.store import Job
from mock_server.scenarios import Scenario
from mock_server.sites import Site
from mock_server.state import Owner, State
from tests.mock_server.jobs.rig import LEAD, START, counted_ids
from tests.mock_server.jobs.uploads import FOLDER, definition

_PORTS = range(20_000, 30_000)
"""Below those that the system gives to whoever connects: nobody else gets one while a server is down."""


def free_port() -> int:
    """A port that nobody has, and that a server can have again after a moment."""
    for port in random.SystemRandom().sample(_PORTS, 100):
        with contextlib.suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port
    raise OSError(f"expected one of a hundred ports in {_PORTS} to be free, but none is")


class DurableRig:
    """An engine and the directory that it is kept in."""

    def __init__(
        self, root: Path, release: str = "2.6", scenario: dict[str, Any] | None = None, sites: int = 2
    ) -> None:
        self.root = root
        self.release = release
        self.scenario = Scenario.from_dict(scenario or {})
        self.clock = ManualClock(START)
        self.sites = sites
        self.new_id: Callable[[], str] = counted_ids()
        self._uploads = itertools.count()
        self.open()

    @property
    def jobs_root(self) -> Path:
        return self.root / "state" / "run" / "jobs"

    def open(self) -> None:
        self.state = State(self.root / "state", Owner(self.release, "example_project", secure=True))
        self.engine = JobEngine(
            profile_for(self.release),
            self.clock,
            self.scenario,
            self.jobs_root,
            [Site(f"site-{number}", "nvidia") for number in range(1, self.sites + 1)],
            new_id=self.new_id,
            journal=self.state,
            kept=self.state.load(self.jobs_root, self.clock.time),
        )

    def kill(self) -> None:
        """End without a word, as a process that is killed; and begin again."""
        self.state.close()
        self.open()

    def submit(self, **meta: Any) -> Job:
        path = self.root / f"upload-{next(self._uploads)}.zip"
        path.write_bytes(definition(**meta))
        job = self.engine.submit(path, FOLDER, LEAD)
        self.state.commit()
        return job

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.engine.advance()
        self.state.commit()

    def metas(self) -> list[dict[str, Any]]:
        return [dict(job.meta) for job in self.engine.jobs(reverse=False)]
