"""A run from its plan to its record: workers check, and what is known beside decides what of it counts."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Sequence

from conformance.baseline import NOTHING_KNOWN, Baseline
from conformance.byproduct import charged
from conformance.contract import Contract
from conformance.results import Result, RunRecord
from conformance.running.plan import Plan
from conformance.running.pool import Pool, Watcher
from conformance.versions import versions


@dataclasses.dataclass(frozen=True)
class Terms:
    """What decides on a run beside its verdicts.

    Attributes:
        required: the ids of the contracts that count.
        baseline: the known failures.
        client: how baselines call the client: as the command line does.
    """

    required: frozenset[str]
    baseline: Baseline = NOTHING_KNOWN
    client: str = ""


class _Settled:
    """Passes on what a watcher is told, with results as they count.

    Args:
        watcher: who is told.
        terms: what decides.
        release: the release line of the run.
    """

    def __init__(self, watcher: Watcher, terms: Terms, release: str) -> None:
        self._watcher = watcher
        self._terms = terms
        self._release = release

    def parties(self, client: str, server: str) -> None:
        """Pass it on."""
        self._watcher.parties(client, server)

    def begun(self, contract: str, *, alone: bool) -> None:
        """Pass it on."""
        self._watcher.begun(contract, alone=alone)

    def done(self, result: Result, *, alone: bool) -> None:
        """Pass it on, settled."""
        self._watcher.done(settled(result, self._terms, self._release), alone=alone)


def settled(result: Result, terms: Terms, release: str) -> Result:
    """A result with whether it counts, and whether it was expected."""
    counting = dataclasses.replace(result, counts=result.contract in terms.required)
    return terms.baseline.judge(counting, release, terms.client)


def carry_out(
    plan: Plan,
    contracts: Sequence[Contract],
    terms: Terms,
    *,
    workers: int,
    command: Sequence[str],
    watcher: Watcher,
) -> RunRecord:
    """Check contracts on workers.

    Args:
        plan: what to do.
        contracts: which.
        terms: what decides on the run beside.
        workers: how many processes, at most.
        command: the words that make this run again.
        watcher: is told how it goes.

    Raises:
        HarnessError: the run could not be carried out.
    """
    started = datetime.datetime.now(datetime.timezone.utc)
    before = time.monotonic()
    pool = Pool(plan, workers, _Settled(watcher, terms, plan.release))
    results = pool.run([contract.id for contract in contracts])
    return RunRecord(
        client=pool.client,
        server=pool.server,
        release=plan.release,
        seed=plan.seed,
        command=tuple(command),
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - before,
        results=tuple(settled(result, terms, plan.release) for result in charged(results)),
        lag=pool.lag,
        versions=versions(),
    )
