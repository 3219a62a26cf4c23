"""Proof that contracts can fail: wrong clients are run against them, in processes beside each other.

A mutant that changes some methods of a session alone is like the reference client to every contract that calls none of
them; which contract calls what is found out by running the reference client. All others are really run.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import fnmatch
import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance import runner
from conformance.adapters.inprocess import InProcessAdapter
from conformance.catalogue import catalogue, select
from conformance.contract import Contract
from conformance.mutants import mutants
from conformance.mutants.base import BY_NATURE, MAY, Mutant, Passing, Wrong, factory, open_reference
from conformance.profiles import CI, QUICK, Profile
from conformance.results import Verdict
from conformance.targets import MockTarget
from conformance.trial import Trial

SEED = 1
"""Of the examples, where nothing else is said."""
EVERYTHING = ("*",)
"""The glob of all contracts."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What came of one contract and one mutant.

    Attributes:
        contract: the id.
        mutant: the name.
        caught: whether the contract failed.
        message: what the contract says, or why it was not checked.
    """

    contract: str
    mutant: str
    caught: bool
    message: str


@dataclasses.dataclass(frozen=True)
class Proof:
    """What came of all mutants that were tried.

    Attributes:
        cells: every contract and mutant that was run.
        unreached: how many pairs were not run, because the contract calls nothing that the mutant changes.
        missed: a contract that should have caught its mutant, and did not.
        unexplained: a contract that caught a mutant, and nobody says why.
        stale: a mutant, and an explanation of its that explains nothing.
        unsound: contracts that the reference client itself breaks, with the message.
    """

    cells: tuple[Cell, ...]
    unreached: int
    missed: tuple[Cell, ...]
    unexplained: tuple[Cell, ...]
    stale: tuple[tuple[str, str], ...]
    unsound: tuple[Cell, ...]

    @property
    def holds(self) -> bool:
        """Whether each contract that was tried can fail, and fails for the stated reasons alone."""
        return not (self.missed or self.unexplained or self.stale or self.unsound)


def selected(release: str | None, patterns: tuple[str, ...]) -> list[Mutant]:
    """Choose mutants.

    Args:
        release: only those that are tried on this release.
        patterns: only those whose name, or a contract that must catch them, matches one of these globs.

    Raises:
        ValueError: nothing fits, or a pattern matches nothing at all.
    """
    everything = mutants()
    for pattern in patterns:
        if not any(_fits(mutant, (pattern,)) for mutant in everything):
            raise ValueError(f"expected a contract, a mutant or a glob that matches one, but got {pattern!r}")
    chosen = [m for m in everything if release in (None, m.release) and (not patterns or _fits(m, patterns))]
    if not chosen:
        known = ", ".join(sorted({mutant.release for mutant in everything}))
        raise ValueError(f"no mutant fits {list(patterns)} and release {release}; they are tried on {known}")
    return chosen


def _fits(mutant: Mutant, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in (mutant.name, *mutant.caught_by) for pattern in patterns)


def try_mutants(
    chosen: Sequence[Mutant],
    *,
    workers: int,
    against: tuple[str, ...] | None = None,
    seed: int = SEED,
    record: Path | None = None,
    report: Callable[[Cell], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Proof:
    """Run mutants against their own contracts, or against every contract of their release.

    Args:
        chosen: the mutants.
        workers: processes beside each other.
        against: globs of the contracts to run beside their own; ``None`` for no others.
        seed: of the examples.
        record: a file that keeps what came of each mutant; what it has already is not run again, whatever became of the
            mutant and the contract since.
        report: is told of each cell that matters as it comes: what should be caught, and what is caught.
        progress: is told how many of the mutants are done, and how many there are.

    Raises:
        ValueError: ``record`` holds something else, or is of another run.
    """
    known = {mutant.name: mutant for mutant in chosen}
    kept = _Record(record, seed, against)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        calls, unsound = ({}, []) if against is None else _reference(pool, chosen, against, seed)
        contracts = {mutant.name: _contracts_for(mutant, calls.get(mutant.release)) for mutant in chosen}
        tasks = {}
        # Those with the most to do first: no worker is left with one of them at the end.
        for mutant in sorted(chosen, key=lambda one: -len(contracts[one.name])):
            left = kept.left(mutant.name, contracts[mutant.name])
            expected = [name for name in left if _is_declared(mutant, name)]
            others = [name for name in left if not _is_declared(mutant, name)]
            if left:
                tasks[pool.submit(_run_both, mutant.name, mutant.release, expected, others, seed)] = mutant.name
        for task in concurrent.futures.as_completed(tasks):
            kept.keep(tasks[task], task.result())
            progress(len(chosen) - len(tasks) + sum(one.done() for one in tasks), len(chosen))
            for cell in task.result():
                if not _is_odd(cell, known) and cell.caught:
                    report(cell)
    cells = [cell for mutant in chosen for cell in kept.of(mutant.name, contracts[mutant.name])]
    confirmed = _confirmed(cells, known, seed, report)
    pairs = len(confirmed) if against is None else sum(len(calls[mutant.release]) for mutant in chosen)
    return Proof(
        cells=tuple(confirmed),
        unreached=max(0, pairs - len(confirmed)),
        missed=tuple(cell for cell in confirmed if _is_missed(cell, known)),
        unexplained=tuple(cell for cell in confirmed if _is_unexplained(cell, known)),
        stale=tuple(_stale(chosen, confirmed)) if against == EVERYTHING else (),
        unsound=tuple(unsound),
    )


class _Record:
    """What came of mutants, in a file with a line for each; in memory alone without one.

    Args:
        path: the file; read if it is there.
        seed: of the run.
        against: of the run.
    """

    def __init__(self, path: Path | None, seed: int, against: Sequence[str] | None) -> None:
        self._path = path
        self._run = {"seed": seed, "against": None if against is None else list(against)}
        self._cells: dict[str, dict[str, Cell]] = {}
        if path is None or not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):  # the run before was cut short while it wrote
            del lines[-1]
            path.write_text("".join(lines), encoding="utf-8")
        for number, line in enumerate(lines, start=1):
            try:
                found = json.loads(line)
                run, name, cells = found["run"], found["mutant"], [Cell(**cell) for cell in found["cells"]]
            except (ValueError, KeyError, TypeError) as problem:
                raise ValueError(f"{path}, line {number}: expected what came of a mutant, but: {problem!r}") from None
            if run != self._run:
                raise ValueError(f"{path}, line {number}: expected a run with {self._run}, but it is of one with {run}")
            self._add(name, cells)

    def left(self, name: str, contracts: Sequence[str]) -> list[str]:
        """The contracts of these that were not run against a mutant yet."""
        return [one for one in contracts if one not in self._cells.get(name, {})]

    def of(self, name: str, contracts: Sequence[str]) -> list[Cell]:
        """What came of a mutant and these contracts, which were run."""
        return [self._cells[name][one] for one in contracts]

    def _add(self, name: str, cells: list[Cell]) -> None:
        self._cells.setdefault(name, {}).update({cell.contract: cell for cell in cells})

    def keep(self, name: str, cells: list[Cell]) -> None:
        """Keep what came of a mutant."""
        self._add(name, cells)
        if self._path is not None:
            line = {"run": self._run, "mutant": name, "cells": [dataclasses.asdict(cell) for cell in cells]}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _is_missed(cell: Cell, known: Mapping[str, Mutant]) -> bool:
    return not cell.caught and cell.contract in known[cell.mutant].caught_by


def _is_unexplained(cell: Cell, known: Mapping[str, Mutant]) -> bool:
    return cell.caught and why(known[cell.mutant], cell.contract) is None


def _is_declared(mutant: Mutant, contract_id: str) -> bool:
    """Whether a mutant says that a contract must catch it."""
    must = [glob for glob, reason in mutant.also.items() if not reason.startswith(MAY)]
    return any(fnmatch.fnmatchcase(contract_id, glob) for glob in (*mutant.caught_by, *must))


def why(mutant: Mutant, contract_id: str) -> str | None:
    """Why a contract catches a mutant; empty where it is there for that, ``None`` where nobody says."""
    if contract_id in mutant.caught_by:
        return ""
    reasons = {**mutant.also, **BY_NATURE}
    return next((text for glob, text in reasons.items() if fnmatch.fnmatchcase(contract_id, glob)), None)


def _stale(chosen: Sequence[Mutant], cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    for mutant in chosen:
        caught = [cell.contract for cell in cells if cell.mutant == mutant.name and cell.caught]
        for glob, reason in mutant.also.items():
            if not reason.startswith(MAY) and not any(fnmatch.fnmatchcase(contract_id, glob) for contract_id in caught):
                yield mutant.name, glob


def _is_odd(cell: Cell, known: Mapping[str, Mutant]) -> bool:
    return _is_missed(cell, known) or _is_unexplained(cell, known)


def _confirmed(
    cells: Sequence[Cell], known: Mapping[str, Mutant], seed: int, report: Callable[[Cell], None]
) -> Sequence[Cell]:
    """Try again, alone, what is not as it should be: a busy machine must not decide."""
    result = []
    for cell in cells:
        if _is_odd(cell, known):
            profile = CI if _is_missed(cell, known) else QUICK
            again = _run(cell.mutant, known[cell.mutant].release, [cell.contract], seed, profile)
            for one in again:
                if one.caught or _is_missed(one, known):
                    report(one)
            result += again
        else:
            result.append(cell)
    return sorted(result, key=lambda cell: (cell.mutant, cell.contract))


# --- which contract calls what ------------------------------------------------------------------------------------

_called: set[str] = set()
"""The methods that were called since it was emptied; of this process."""


class _Recording(Wrong):
    """The reference client's session, which notes what is called."""

    def __getattr__(self, name: str) -> Any:
        _called.add(name)
        return super().__getattr__(name)

    def monitor_job(self, *args: Any, **kwargs: Any) -> Any:
        _called.add("monitor_job")
        return super().monitor_job(*args, **kwargs)


def recording(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """Open a session of the reference client that notes which of its methods are called."""
    return factory(_Recording)(username, kit, secure=secure, timeout=timeout, **further)


def _sample_callback(*args: Any, **kwargs: Any) -> Any:
    _called.add("basic_cb_with_print")
    return factory(Passing).basic_cb_with_print(*args, **kwargs)  # type: ignore[attr-defined] # see mutants.base


recording.basic_cb_with_print = _sample_callback  # type: ignore[attr-defined] # likewise
recording.takes_clock = True  # type: ignore[attr-defined] # likewise


def _calls_of(release: str, against: tuple[str, ...], seed: int) -> tuple[dict[str, frozenset[str]], list[Cell]]:
    """Run the reference client, and note which methods each contract calls."""
    calls: dict[str, frozenset[str]] = {}

    def noting(contract: Contract) -> Contract:
        def check(trial: Trial) -> None:
            _called.clear()
            try:
                contract.check(trial)
            finally:
                calls[contract.id] = frozenset(_called)

        return dataclasses.replace(contract, check=check)

    contracts = [noting(one) for one in select(release, against)]
    client = f"{__name__}:{recording.__name__}"
    with contextlib.closing(MockTarget(release)) as target, contextlib.closing(InProcessAdapter(client)) as adapter:
        results = runner.run(contracts, adapter, target, seed=seed, profile=QUICK)
    failed = [Cell(r.contract, "reference", True, r.message) for r in results if r.verdict is Verdict.FAILED]
    return calls, failed


def _reference(
    pool: concurrent.futures.Executor, chosen: Sequence[Mutant], against: tuple[str, ...], seed: int
) -> tuple[dict[str, dict[str, frozenset[str]]], list[Cell]]:
    releases = sorted({mutant.release for mutant in chosen})
    tasks = [pool.submit(_calls_of, release, against, seed) for release in releases]
    found = dict(zip(releases, (task.result() for task in tasks), strict=True))
    unsound: list[Cell] = []
    for release, (_, failed) in found.items():
        for cell in failed:
            unsound += [again for again in _run("", release, [cell.contract], seed) if again.caught]
    return {release: calls for release, (calls, _) in found.items()}, unsound


def _contracts_for(mutant: Mutant, calls: Mapping[str, frozenset[str]] | None) -> list[str]:
    """The contracts that can tell a mutant from the reference client; its own where it is not known what is called."""
    if calls is None:
        return list(mutant.caught_by)
    reached = [name for name, methods in calls.items() if mutant.breaks is None or methods & mutant.breaks]
    return sorted({*reached, *mutant.caught_by})


# --- in a worker --------------------------------------------------------------------------------------------------


def _run_both(name: str, release: str, expected: Sequence[str], others: Sequence[str], seed: int) -> list[Cell]:
    """Run a mutant against the contracts that are expected to catch it, and against others."""
    return _run(name, release, expected, seed) + _run(name, release, others, seed, QUICK)


def _run(name: str, release: str, contract_ids: Sequence[str], seed: int, profile: Profile = CI) -> list[Cell]:
    """Run contracts against a mutant, or against the reference client where it has no name."""
    if not contract_ids:
        return []
    wanted = set(contract_ids)
    contracts = [contract for contract in catalogue() if contract.id in wanted]
    client = f"conformance.mutants:{name}" if name else f"{__name__}:reference"
    # A server of its own: with one seed a contract names its jobs and tokens as it did on the one of before.
    with contextlib.closing(MockTarget(release)) as target, contextlib.closing(InProcessAdapter(client)) as adapter:
        results = runner.run(contracts, adapter, target, seed=seed, profile=profile)
    return [Cell(r.contract, name, r.verdict is Verdict.FAILED, r.message) for r in results]


reference = open_reference
"""The reference client as a mutant without a fault."""
