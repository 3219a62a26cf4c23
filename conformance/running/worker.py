"""``python -m conformance.running.worker``: checks the contracts that it is told to, one after the other.

A process with a client and a server of its own. It reads lines of JSON from standard input, first the plan and then
tasks, and writes lines of JSON to standard output; what it says is in ``conformance.running.messages``. It can be
killed at any time: its temporary files are in a folder of the one that started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

from conformance import catalogue
from conformance.adapters.base import Adapter, ClientFailure
from conformance.adapters.stdio import require_release
from conformance.judging import Outcome
from conformance.lag import LagMeter
from conformance.peers import PeerUnavailable
from conformance.results import Verdict
from conformance.runner import HarnessError, Manner, Task, run_tasks
from conformance.running import messages
from conformance.running.plan import Plan
from conformance.trial import Trial

STEP = 0.02
"""Seconds between two looks at the lag of the machine."""
GRACE = 3.0
"""Seconds that a check has to end once its client was killed."""
LEFT_BY_FORCE = 70


class Worker:
    """Checks contracts for somebody at the other end of two pipes."""

    def __init__(self, plan: Plan, source: IO[str], sink: IO[str]) -> None:
        self._plan = plan
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._limit: threading.Timer | None = None
        self._hung: str | None = None
        self._trial: Trial | None = None

    def run(self) -> None:
        """Work until no more tasks come."""
        meter = LagMeter(STEP)
        meter.start()
        try:
            adapter = self._plan.make_adapter()
            try:
                require_release(adapter, self._plan.release)
                target = self._plan.make_target()
                try:
                    self._send({messages.READY: {"client": adapter.name, "server": target.name}})
                    run_tasks(
                        catalogue.catalogue(),
                        self._tasks(adapter),
                        adapter,
                        target,
                        self._report,
                        Manner(
                            self._plan.seed,
                            self._plan.thoroughness,
                            self._plan.scripts,
                            self._plan.transcripts,
                            captured=False,
                        ),
                        self._made,
                    )
                finally:
                    target.close()
            finally:
                adapter.close()
        except (ValueError, OSError, PeerUnavailable, HarnessError, ClientFailure) as problem:
            self._send({messages.CANNOT: str(problem)})
            return
        meter.stop()
        self._send({messages.END: {"most": meter.lag.most, "p99": meter.lag.p99}})

    def leave(self) -> None:
        """End at once, and the program of the client with it."""
        if self._trial is not None:
            self._trial.adapter.interrupt()
        os._exit(LEFT_BY_FORCE)

    def _made(self, trial: Trial) -> None:
        self._trial = trial

    def _tasks(self, adapter: Adapter) -> Iterator[Task]:
        for line in self._source:
            task = Task(**json.loads(line))
            self._hung = None
            self._limit = threading.Timer(self._plan.seconds, self._give_up, (adapter,))
            self._limit.daemon = True
            self._limit.start()
            yield task

    def _report(self, outcome: Outcome) -> None:
        if self._limit is not None:
            self._limit.cancel()
        result = outcome.result
        if self._hung is not None and result.verdict is Verdict.FAILED:
            outcome = Outcome(messages.hung(result, self._plan.seconds, self._hung))
        self._send({messages.DONE: messages.from_outcome(outcome)})

    def _give_up(self, adapter: Adapter) -> None:
        """The time is over: kill the client where that can be done, and this process where it cannot."""
        self._hung = self._trial.script.last if self._trial is not None else ""
        self._send({messages.HUNG: self._hung})
        if adapter.interrupt():
            # The check learns that the client is gone, and comes to an end by itself.
            self._limit = threading.Timer(GRACE, self.leave)
            self._limit.daemon = True
            self._limit.start()
        else:
            os._exit(LEFT_BY_FORCE)

    def _send(self, message: dict[str, Any]) -> None:
        with self._lock:
            try:
                self._sink.write(json.dumps(message, default=str) + "\n")
                self._sink.flush()
            except OSError:  # nobody is there any more who wants to know
                os._exit(LEFT_BY_FORCE)


def main() -> None:
    """Work for the process that started this one."""
    # Ctrl-C is for the one that started this process, who ends it; from a client it is a fault of the client.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What clients print must not come between messages.
    source = os.fdopen(os.dup(0), encoding="ascii")
    sink = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    plan = Plan.from_data(json.loads(source.readline()))
    worker = Worker(plan, source, sink)
    signal.signal(signal.SIGTERM, lambda *_: worker.leave())
    worker.run()
    sink.flush()
    os._exit(0)  # threads that a client left behind must not keep the process


if __name__ == "__main__":
    main()
