"""The parts of a run that was divided over machines, as one run."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from conformance.reports.json_report import ReportError
from conformance.reports.rerun import OUTPUTS, without
from conformance.results import Lag, Result, RunRecord

_SAME = ("client", "server", "release", "seed")
"""What parts of one run have in common."""


def joined(parts: Mapping[Path, RunRecord]) -> RunRecord:
    """The parts of a run as one record.

    Args:
        parts: at least one record, by where it was read.

    Returns:
        A record with all results, by the ids of their contracts. It began with the first part; as machines work at the
        same time, it took as long as the longest.

    Raises:
        ReportError: they are not parts of one run, or two have the same contract.
    """
    (first, whole), *others = parts.items()
    results: dict[str, tuple[Path, Result]] = {result.contract: (first, result) for result in whole.results}
    for path, part in others:
        for name in _SAME:
            mine, its = getattr(whole, name), getattr(part, name)
            if its != mine:
                raise ReportError(f"{path}: {name}: expected {mine!r} as in {first}, but got {its!r}")
        for result in part.results:
            if result.contract in results:
                known, _ = results[result.contract]
                raise ReportError(
                    f"{path}: results: expected each contract once, but {known} has {result.contract}, too"
                )
            results[result.contract] = (path, result)
    return RunRecord(
        client=whole.client,
        server=whole.server,
        release=whole.release,
        seed=whole.seed,
        command=tuple(without(whole.command, {*OUTPUTS, "--shard"})),
        started=min(part.started for part in parts.values()),
        seconds=max(part.seconds for part in parts.values()),
        results=tuple(result for _, (_, result) in sorted(results.items())),
        lag=functools.reduce(Lag.joined, (part.lag for part in parts.values())),
        versions=whole.versions,
    )
