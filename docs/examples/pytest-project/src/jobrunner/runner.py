"""One job from submission to result, on a session of any client that has the official ``Session`` API."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Ending(enum.Enum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TOO_LONG = "took too long, and was aborted"


@dataclasses.dataclass(frozen=True)
class Run:
    """A job that is over.

    Attributes:
        job_id: its id.
        ending: how it ended.
        status: the last status that the server told.
        result: where what it left is; ``None`` where it did not complete.
    """

    job_id: str
    ending: Ending
    status: str
    result: Path | None = None


def run_job(
    session: Any,
    folder: Path,
    *,
    timeout: float,
    poll_interval: float = 1.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Run a job.

    Args:
        session: where to; it stays open.
        folder: the job definition.
        timeout: seconds to wait for its end; a job that takes longer is aborted.
        poll_interval: seconds between two looks.
        tell: is told each new status.
    """
    seen = ""

    def look(_session: Any, _job_id: str, meta: dict[str, Any]) -> bool:
        nonlocal seen
        if meta["status"] != seen:
            seen = meta["status"]
            tell(seen)
        return True

    job_id = session.submit_job(str(folder))
    session.monitor_job(job_id, timeout=timeout, poll_interval=poll_interval, cb=look)
    status = session.get_job_meta(job_id)["status"]
    if not status.startswith("FINISHED"):
        session.abort_job(job_id)
        return Run(job_id, Ending.TOO_LONG, session.get_job_meta(job_id)["status"])
    if status != "FINISHED:COMPLETED":
        return Run(job_id, Ending.FAILED, status)
    return Run(job_id, Ending.COMPLETED, status, Path(session.download_job_result(job_id)))
