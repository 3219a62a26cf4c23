"""What sessions do all day long in a soak, and a count of it."""

from __future__ import annotations

import collections
import itertools
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from flare_client import (
    MonitorReturnCode,
    NoConnection,
    Session,
    SessionClosed,
    new_secure_session,
)
from flare_client.errors import ServerUnreachable
from tests.benchmarks.processes import ADMIN
from tests.support import write_job

LOST = (ServerUnreachable, SessionClosed, NoConnection)
"""What a session meets where the server restarts."""
_POLL = 0.1
_PAUSE = 0.02
"""Between two looks of the keeper: often enough that what the server remembers of commands is soon full."""
_PATIENCE = 20.0
_ENDS = {"quick": "FINISHED:COMPLETED", "fails": "FINISHED:EXECUTION_EXCEPTION", "long": "FINISHED:ABORTED"}
"""How jobs of a kind end."""


class Tally:
    """What was done; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.commands = 0
        self.jobs = 0
        self.restarts = 0
        self.surprises: collections.Counter[str] = collections.Counter()

    def add(self, *, commands: int = 0, jobs: int = 0, restarts: int = 0) -> None:
        """Count something."""
        with self._lock:
            self.commands += commands
            self.jobs += jobs
            self.restarts += restarts

    def surprise(self, problem: BaseException | str) -> None:
        """Note what should not have happened."""
        text = problem if isinstance(problem, str) else f"{type(problem).__name__}: {problem}"
        with self._lock:
            self.surprises[text[:120]] += 1


class Worker:
    """One session after the other, and what it does.

    Args:
        kit: the startup kit; copied, as downloads go into it.
        folder: for its copy and its jobs.
        tally: counts.
        stop: is set when the day is over.
    """

    def __init__(self, kit: Path, folder: Path, tally: Tally, stop: threading.Event) -> None:
        self._kit = shutil.copytree(kit, folder / kit.name)
        self._jobs = {kind: write_job(folder / "jobs", kind) for kind in ("quick", "fails", "long")}
        self._tally = tally
        self._stop = stop

    def work(self) -> None:
        """Submit jobs and see them through, until the day is over."""
        kinds = itertools.cycle(("quick", "fails", "long", "quick"))
        self._all_day(lambda session: self._one_job(session, next(kinds)))

    def tidy(self) -> None:
        """Delete what others have submitted and is over, until the day is over."""
        self._all_day(self._delete_finished)

    def _all_day(self, step: Callable[[Session], None]) -> None:
        while not self._stop.is_set():
            try:
                with new_secure_session(ADMIN, str(self._kit)) as session:
                    while not self._stop.is_set():
                        step(session)
            except LOST:
                self._tally.add(restarts=1)
                self._stop.wait(_POLL)
            except Exception as problem:  # noqa: BLE001 - noted, and the day goes on
                self._tally.surprise(problem)
                self._stop.wait(_POLL)

    def _one_job(self, session: Session, kind: str) -> None:
        job_id = session.submit_job(str(self._jobs[kind]))
        if kind == "long":
            session.list_jobs(limit=20, reverse=True)
            session.get_system_info()
            session.abort_job(job_id)
        else:
            seen: list[str] = []
            code = session.monitor_job(job_id, _PATIENCE, _POLL, cb=self._watch, seen=seen)
            self._tally.add(commands=len(seen))
            if code is not MonitorReturnCode.JOB_FINISHED:
                return  # the day is over, or the server was restarted: from 2.8 on it seems to run for ever
        status = session.get_job_meta(job_id)["status"]
        if status != _ENDS[kind] and status != "FINISHED:ABANDONED":
            self._tally.surprise(f"a job of the kind {kind} is {status}")
        if status == "FINISHED:COMPLETED":
            shutil.rmtree(session.download_job_result(job_id))
            clone = session.clone_job(job_id)
            session.abort_job(clone)
            session.delete_job(clone)
            self._tally.add(commands=7)
        session.delete_job(job_id)
        self._tally.add(commands=5, jobs=1)

    def _watch(self, _session: Session, _job_id: str, _meta: object, *, seen: list[str]) -> bool:
        seen.append("")
        return not self._stop.is_set()

    def _delete_finished(self, session: Session) -> None:
        for job in session.list_jobs(name_prefix="nightly"):
            if job["status"].startswith("FINISHED"):
                session.delete_job(job["job_id"])
                self._tally.add(commands=1, jobs=1)
        session.list_jobs(limit=50)
        self._tally.add(commands=2)
        self._stop.wait(_PAUSE)
