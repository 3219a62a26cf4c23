"""An engine at hand: with a clock that is moved, ids that are counted, and uploads made on the spot."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flare_client.protocol.releases import profile_for
from mock_server.clock import ManualClock
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.outcomes import ServerRules
from mock_server.jobs.store import Job, Submitter
from mock_server.scenarios import Scenario
from mock_server.sites import Site
from tests.mock_server.jobs.uploads import FOLDER, definition

LEAD = Submitter("lead@nvidia.com", "nvidia", "lead")
START = 1_700_000_000.0


def counted_ids() -> Callable[[], str]:
    """Version 4 UUIDs in a row."""
    numbers = itertools.count(1)
    return lambda: str(uuid.UUID(int=next(numbers), version=4))


class Rig:
    """An engine and what it stands on."""

    def __init__(
        self, root: Path, release: str = "2.6", scenario: dict[str, Any] | None = None, sites: int = 2, **hooks: Any
    ) -> None:
        self.root = root
        self.clock = ManualClock(START)
        self.jobs_root = root / "jobs"
        self.engine = JobEngine(
            profile_for(release),
            self.clock,
            Scenario.from_dict(scenario or {}),
            self.jobs_root,
            [Site(f"site-{number}", "nvidia") for number in range(1, sites + 1)],
            new_id=counted_ids(),
            rules=ServerRules(**hooks),
        )
        self._uploads = itertools.count()

    def upload(self, content: bytes) -> Path:
        path = self.root / f"upload-{next(self._uploads)}.zip"
        path.write_bytes(content)
        return path

    def submit(self, content: bytes | None = None, *, custom_props: Any = None, **meta: Any) -> Job:
        upload = self.upload(definition(**meta) if content is None else content)
        return self.engine.submit(upload, FOLDER, LEAD, custom_props)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.engine.advance()

    def elapsed(self) -> float:
        return self.clock.time() - START
