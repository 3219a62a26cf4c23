"""Several workers, and who gets what: contracts in parallel first, then some of them alone.

Alone are those checked again that failed as they might because the machine was busy. A worker that hangs or dies costs
its contract the verdict, and nobody else anything: another worker takes its place.
"""

from __future__ import annotations

import dataclasses
import queue
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from conformance.results import Lag, Result, Verdict
from conformance.runner import HarnessError, Task
from conformance.running import messages
from conformance.running.plan import Plan
from conformance.running.process import Inbox, WorkerProcess
from conformance.running.worker import GRACE

START_SECONDS = 180.0
"""Within which a worker must be ready, on however busy a machine."""
END_SECONDS = 20.0
"""Within which workers end that have nothing more to do."""
FORCE = GRACE + 5.0
"""Seconds after the limit at which a worker is killed that does not say a word."""


class Watcher(Protocol):
    """Is told how a run goes."""

    def parties(self, client: str, server: str) -> None:
        """Client and server are there, by these names."""

    def begun(self, contract: str, *, alone: bool) -> None:
        """A contract is being checked."""

    def done(self, result: Result, *, alone: bool) -> None:
        """A contract was checked; a result that must be confirmed first comes later."""


@dataclasses.dataclass
class _Place:
    """A worker and what it does."""

    worker: WorkerProcess
    folder: Path
    is_ready: bool = False
    task: Task | None = None
    deadline: float = 0.0
    since: float = 0.0
    hung: str | None = None


class Pool:
    """Runs contracts on workers.

    Args:
        plan: what every worker does.
        size: how many workers there are, at most.
        watcher: is told how it goes.
    """

    def __init__(self, plan: Plan, size: int, watcher: Watcher) -> None:
        self._plan = plan
        self._size = size
        self._watcher = watcher
        self._inbox: Inbox = queue.Queue()
        self._folder = Path(tempfile.mkdtemp(prefix="flare-conformance-run-"))
        self._started = 0
        self._places: list[_Place] = []
        self._waiting: deque[Task] = deque()
        self._alone: deque[Task] = deque()
        self._results: dict[str, Result] = {}
        self._lag = Lag()
        self.client = ""
        self.server = ""

    def run(self, contracts: Sequence[str]) -> list[Result]:
        """Check contracts.

        Args:
            contracts: their ids.

        Returns:
            A result a contract, in the given order.

        Raises:
            HarnessError: the run could not be carried out.
        """
        self._waiting.extend(Task(one) for one in contracts)
        try:
            for _ in range(min(self._size, len(contracts))):
                self._places.append(self._start())
            while len(self._results) < len(contracts):
                self._hand_out()
                self._listen()
            self._take_leave()
        finally:
            for place in self._places:
                place.worker.kill()
            shutil.rmtree(self._folder, ignore_errors=True)
        return [self._results[one] for one in contracts]

    @property
    def lag(self) -> Lag:
        """How far the machine was behind, by the workers that ended in peace."""
        return self._lag

    def _start(self) -> _Place:
        self._started += 1
        folder = self._folder / str(self._started)
        folder.mkdir()
        now = time.monotonic()
        try:
            worker = WorkerProcess(self._plan, self._inbox, folder)
        except OSError as problem:
            raise HarnessError(f"cannot start a worker: {problem.strerror}") from problem
        return _Place(worker, folder, deadline=now + START_SECONDS)

    def _hand_out(self) -> None:
        # A worker that starts is busy, too.
        busy = any(place.task is not None or not place.is_ready for place in self._places)
        for place in self._places:
            if not place.is_ready or place.task is not None:
                continue
            if self._waiting:
                self._give(place, self._waiting.popleft())
                busy = True
            elif self._alone and not busy:
                # Nobody works beside it: what fails now fails by itself.
                self._give(place, self._alone.popleft())
                return

    def _give(self, place: _Place, task: Task) -> None:
        place.task, place.hung = task, None
        place.since = time.monotonic()
        place.deadline = place.since + self._plan.seconds + FORCE
        self._watcher.begun(task.contract, alone=task.attempt > 0)
        place.worker.give(task)

    def _listen(self) -> None:
        """Wait for a message or for the time of a worker to be over, and act."""
        waited_for = [place for place in self._places if place.task is not None or not place.is_ready]
        first = min(place.deadline for place in waited_for)
        try:
            worker, message = self._inbox.get(timeout=max(0.0, first - time.monotonic()))
        except queue.Empty:
            for place in waited_for:
                if time.monotonic() >= place.deadline:
                    self._out_of_time(place)
            return
        place_of = {id(place.worker): place for place in self._places}
        if (sender := place_of.get(id(worker))) is not None:  # not one that was killed
            self._hear(sender, message)

    def _hear(self, place: _Place, message: dict[str, Any] | None) -> None:
        if message is None:
            self._died(place)
        elif messages.CANNOT in message:
            raise HarnessError(message[messages.CANNOT])
        elif messages.READY in message:
            place.is_ready = True
            self.client, self.server = message[messages.READY]["client"], message[messages.READY]["server"]
            self._watcher.parties(self.client, self.server)
        elif messages.HUNG in message:
            place.hung = message[messages.HUNG]
        elif messages.DONE in message and place.task is not None:
            task, place.task = place.task, None
            outcome = messages.to_outcome(message[messages.DONE])
            if outcome.confirm and not task.attempt:
                self._alone.append(Task(task.contract, 1))
            else:
                self._settle(outcome.settled, task)

    def _settle(self, result: Result, task: Task) -> None:
        self._results[result.contract] = result
        self._watcher.done(result, alone=task.attempt > 0)

    def _out_of_time(self, place: _Place) -> None:
        if place.task is None:
            raise HarnessError(f"a worker was not ready after {START_SECONDS:g} s")
        place.hung = place.hung or ""
        place.worker.kill()
        self._died(place)

    def _died(self, place: _Place) -> None:
        task, place.task = place.task, None
        if task is None and not place.is_ready:
            raise HarnessError(f"a worker ended before it was ready, {place.worker.end}")
        if task is not None:
            result = Result(task.contract, Verdict.FAILED, time.monotonic() - place.since)
            if place.hung is not None:
                result = messages.hung(result, self._plan.seconds, place.hung)
            else:
                end = place.worker.end
                result = dataclasses.replace(result, message=f"the client failed: it ended the process, {end}")
            self._settle(result, task)
        place.worker.kill()
        shutil.rmtree(place.folder, ignore_errors=True)
        self._places.remove(place)
        if self._waiting or self._alone:
            self._places.append(self._start())

    def _take_leave(self) -> None:
        """Let workers end in peace and hear how far the machine was behind; those that do not are killed."""
        for place in self._places:
            place.worker.finish()
        left = {id(place.worker) for place in self._places if place.is_ready}
        deadline = time.monotonic() + END_SECONDS
        while left and time.monotonic() < deadline:
            try:
                worker, message = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            if message is None:
                left.discard(id(worker))
            elif messages.END in message:
                self._lag = self._lag.joined(Lag(message[messages.END]["most"], message[messages.END]["p99"]))
