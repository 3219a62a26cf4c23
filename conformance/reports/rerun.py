"""The words of a command that check one contract of a run again: same client, server, release and seed."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence

from conformance.reports.json_report import ReportError
from conformance.results import RunRecord

PROGRAM = "flare-conformance"
OUTPUTS = frozenset({"--junit", "--json", "--html", "--write-baseline"})
"""The options of ``run`` that say where reports go."""
NOT_AGAIN = OUTPUTS | {"--select", "--deselect", "--group", "--level", "--shard", "--workers", "--baseline"}
"""Those, all with a value, that a single contract is run again without: they choose contracts, too, or forgive."""


def rerun_words(record: RunRecord, contract_id: str) -> tuple[str, ...]:
    """The arguments of ``flare-conformance`` that check a contract of this run again.

    Raises:
        ReportError: the record does not say how it was made.
    """
    if not record.command or record.command[0] != "run":
        raise ReportError(f"expected the command of a run, as “run --client …”, but got {shlex.join(record.command)!r}")
    words = tuple(without(record.command, NOT_AGAIN))
    seed = () if any(word.split("=")[0] == "--seed" for word in words) else (f"--seed={record.seed}",)
    return (*words, *seed, f"--select={contract_id}")


def rerun_command(record: RunRecord, contract_id: str) -> tuple[str, ...] | None:
    """The words of the whole command; ``None`` where the record does not say how it was made."""
    try:
        return (PROGRAM, *rerun_words(record, contract_id))
    except ReportError:
        return None


def without(words: Sequence[str], options: Collection[str]) -> Iterator[str]:
    """The words of a command without these options and their values."""
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        if name not in options:
            yield word
        elif not equals:
            next(rest, None)
