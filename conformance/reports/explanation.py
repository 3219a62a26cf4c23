"""A contract, explained: what it asks for, where that comes from, what proves that it can fail, how to run it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from conformance.contract import Contract
from conformance.mutants import mutants
from conformance.mutants.base import Mutant
from conformance.reports.described import describe
from conformance.reports.rerun import PROGRAM

_WIDTH = 100


def explanation(contract: Contract) -> str:
    """Everything that the project knows of a contract, as text for a terminal."""
    described = describe(contract)
    proofs = [mutant for mutant in mutants() if contract.id in mutant.caught_by]
    others = [(mutant, mutant.also[contract.id]) for mutant in mutants() if contract.id in mutant.also]
    lines = [f"{contract.id}: {contract.title}", "", *_wrapped(contract.statement), ""]
    lines += _part("Level", [f"{contract.level.value}: {contract.level.meaning}"])
    lines += _part("Source", described.sources)
    lines += _part("Releases", [", ".join(contract.releases)])
    lines += _part("Needs", [", ".join(described.needs)] if described.needs else [])
    lines += _part("Proof", [f"{mutant.name} ({mutant.release}): {mutant.fault}" for mutant in proofs] or ["none yet"])
    lines += _part("Also fails with", [f"{mutant.name}: {reason}" for mutant, reason in others])
    lines += ["Run it:", f"  {_run('flare_client', contract.releases[-1], contract)}"]
    if proofs:
        lines += ["See it fail:", f"  {_run(_client(proofs[0]), proofs[0].release, contract)}"]
    return "\n".join(lines) + "\n"


def _client(mutant: Mutant) -> str:
    return f"conformance.mutants:{mutant.name}"


def _run(client: str, release: str, contract: Contract) -> str:
    return f"{PROGRAM} run --client {client} --release {release} --select {contract.id}"


def _part(title: str, texts: list[str] | tuple[str, ...]) -> Iterator[str]:
    """A title, and what belongs to it, indented; nothing where nothing does."""
    if texts:
        yield f"{title}:"
        for text in texts:
            yield from _wrapped(" ".join(text.split()), "  ")
        yield ""


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  " * bool(indent))
