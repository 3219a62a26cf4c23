"""Recordings of mock servers for tests, and what they need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.recordings import checking, document, recorder
from conformance.recordings.checking import Difference
from conformance.recordings.recorder import Recorded, Wish
from mock_server import MockServer

ADMIN = "admin@nvidia.com"
COMMAND = "flare-conformance record --server kit:…"


def wish(kit: Path, **more: Any) -> Wish:
    """A recording that does not wait long."""
    return Wish(**{"kit": kit, "user": ADMIN, "command": COMMAND, "interval": 0.03, "patience": 10.0, **more})


def record(server: MockServer, progress: Callable[[str], None] = lambda _: None, **more: Any) -> Recorded:
    """Record a mock server as its project admin."""
    return recorder.record(wish(server.kit(ADMIN), **more), progress)


def written(recorded: Recorded, folder: Path) -> Path:
    """Write a recording, and return where."""
    document.write(folder, recorded.recording, recorded.scenario)
    return folder


def differences(recorded: Recorded, folder: Path) -> tuple[Difference, ...]:
    """What the mock answers otherwise."""
    return checking.check(written(recorded, folder)).differences
