"""The words of a command that check one contract of a run again: same client, server, release and seed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from conformance.reports.json_report import ReportError
from conformance.results import RunRecord

PROGRAM = "flare-conformance"
NOT_AGAIN = frozenset(
    {"--select", "--deselect", "--group", "--level", "--junit", "--json", "--html", "--badge", "--beside"}
    | {"--shard", "--workers", "--baseline", "--write-baseline"}
)
"""The options of ``run``, all with a value, that say which contracts are run, where reports go and what is forgiven."""


def rerun_words(record: RunRecord, contract_id: str) -> tuple[str, ...]:
    """The arguments of ``flare-conformance`` that check a contract of this run again.

    Raises:
        ReportError: the record does not say how it was made.
    """
    if not record.command or record.command[0] != "run":
        raise ReportError(f"expected the command of a run, as “run --client …”, but got {shlex.join(record.command)!r}")
    words = tuple(_kept(record.command))
    seed = () if any(word.split("=")[0] == "--seed" for word in words) else (f"--seed={record.seed}",)
    return (*words, *seed, f"--select={contract_id}")


def rerun_command(record: RunRecord, contract_id: str) -> tuple[str, ...] | None:
    """The words of the whole command; ``None`` where the record does not say how it was made."""
    try:
        return (PROGRAM, *rerun_words(record, contract_id))
    except ReportError:
        return None


def _kept(words: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        if name not in NOT_AGAIN:
            yield word
        elif not equals:
            next(rest, None)
