"""Measuring case by case with one command, keeping what was seen, and writing the page.

What comes otherwise than it was kept is tried again: a busy machine makes clients time out, and that is nothing that
their users see. Only what came twice alike is kept.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import click

from conformance.adapters.inprocess import FLARE_CLIENT
from conformance.lab.cases.bench import Bench, Case
from conformance.lab.cases.clients import OFFICIALS, OURS, LabClient
from conformance.lab.cases.sightings import NOTHING, Measured, Sighting, Sightings, load, measured_now, save
from conformance.lab.compatibility import RecordError
from conformance.peers import PeerUnavailable

MOST_TRIES = 4
"""How often a client is given a case, until it does twice the same."""

C = TypeVar("C", bound=Case)
S = TypeVar("S", bound=Sighting)


class UnsettledError(Exception):
    """A client does something else each time."""


@dataclasses.dataclass(frozen=True)
class CaseLab(Generic[C, S]):
    """A lab, by what is its own.

    Attributes:
        module: as ``python -m`` takes it.
        clients: whom it may ask.
        cases: what they meet, in the order of the page.
        bench: where a client meets them.
        kind: what is seen of a client.
        words: that, in words.
        record: where what was seen is kept.
        page: where the page is.
        write: makes the page.
    """

    module: str
    clients: Sequence[LabClient]
    cases: Sequence[C]
    bench: Callable[[LabClient], Bench[C, S]]
    kind: type[S]
    words: Callable[[S], str]
    record: Path
    page: Path
    write: Callable[[Sightings[S]], str]

    def cases_of(self, client: LabClient) -> Iterator[C]:
        """The cases that a client can get into."""
        return (case for case in self.cases if case.fits(client.release))

    def settled(self, bench: Bench[C, S], case: C, before: S | None, tell: Callable[[str], object]) -> S:
        """Have a client meet a case until it does what it did before, or twice the same.

        Args:
            bench: where.
            case: the case.
            before: what it did before, if that is known.
            tell: told of every try.

        Raises:
            UnsettledError: it does something else each time.
        """
        seen: list[S] = []
        words = ""
        for _ in range(MOST_TRIES):
            one = bench.run(case)
            words = self.words(one)
            if not one.came_about:
                tell(f"did not come about: {words}")
            elif one == before or one in seen:
                if before is not None and one != before:
                    words = f"CHANGED from {before.record()} to {one.record()}"
                tell(words)
                return one
            else:
                tell(f"{words} (again, to be sure)")
                seen.append(one)
        raise UnsettledError(f"expected the same twice in {MOST_TRIES} tries, but the last was: {words}")

    def load(self) -> dict[str, Measured[S]]:
        """What was measured so far.

        Raises:
            RecordError: the record is none.
        """
        return load(self.record, self.kind)

    def keep(self, sightings: Mapping[str, Measured[S]]) -> None:
        """Write record and page."""
        ordered = {client.name: sightings[client.name] for client in (*OFFICIALS, *OURS) if client.name in sightings}
        save(self.record, ordered)
        self.page.write_text(self.write(ordered), encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Measuring(Generic[C, S]):
    """Measures one client.

    Attributes:
        lab: the lab.
        client: the client.
        kept: what was seen of it before.
        tell: told of every case.
        only: the names of the cases, or all where it is empty; of the others what was kept stays.
    """

    lab: CaseLab[C, S]
    client: LabClient
    kept: Measured[S]
    tell: Callable[[str], object]
    only: Collection[str] = ()

    def run(self) -> tuple[Measured[S], list[str]]:
        """Have the client meet every case that it can get into.

        Returns:
            What was seen, and a line for each case that came to nothing, which is not in it.

        Raises:
            PeerUnavailable: the client cannot be had here.
            RecordError: few cases are wanted, and what was kept is of another day or other software.
        """
        now: Measured[S] = measured_now({}, None if self.client.is_ours else self.client.word)
        if self.only and (self.kept.date, self.kept.versions) != (now.date, now.versions):
            raise RecordError(
                f"expected all cases of {self.client.name} to be measured on {now.date} with the software of now, "
                f"before some of them are measured again, but it was on {self.kept.date or 'no day'}"
            )
        seen: dict[str, S] = {}
        troubles = []
        with self.lab.bench(self.client) as bench:
            for case in self.lab.cases_of(self.client):
                before = self.kept.cases.get(case.name)
                if self.only and case.name not in self.only:
                    if before is not None:
                        seen[case.name] = before
                    continue
                try:
                    seen[case.name] = self.lab.settled(bench, case, before, functools.partial(self._tell, case))
                except UnsettledError as problem:
                    troubles.append(f"{self.client.name} {case.name}: {problem}")
        return dataclasses.replace(now, cases=seen), troubles

    def _tell(self, case: C, text: str) -> None:
        self.tell(f"{self.client.name} {case.name}: {text}")


def measure(
    lab: CaseLab[C, S], words: Sequence[str], tell: Callable[[str], object], only: Collection[str] = ()
) -> list[str]:
    """Measure clients, one after another; record and page are written after each.

    Args:
        lab: the lab.
        words: the clients, by their words; none for writing the page alone.
        tell: told of every case.
        only: the names of the cases to measure; none for all.

    Returns:
        A line for each case that came to nothing.

    Raises:
        PeerUnavailable: a client cannot be had here.
        RecordError: the record of the lab is none, or not one to which few cases can be added.
    """
    troubles: list[str] = []
    for client in lab.clients:
        if client.word in words:
            measured, found = Measuring(lab, client, lab.load().get(client.name, NOTHING), tell, only).run()
            # Read again: others may be measured meanwhile, with a command of their own.
            lab.keep({**lab.load(), client.name: measured})
            troubles += found
    if not words:
        lab.keep(lab.load())
    return troubles


def command(lab: CaseLab[C, S]) -> click.Command:
    """The command of a lab."""
    known = list(dict.fromkeys(client.word for client in lab.clients))
    kinds = "versions, or flare_client" if FLARE_CLIENT in known else "versions"
    where = lab.page.relative_to(lab.page.parents[1])

    @click.command(
        help=f"Measure what CLIENTS ({kinds}) do in every case, and write {where}.\n\n"
        "Without a client the page alone is written again. What changed is said; exit code 1: a client did "
        "something else each time, and that case is out of the record.",
        epilog=f"Example: python -m {lab.module} {known[0]}",
    )
    @click.argument("clients", nargs=-1, type=click.Choice(known), metavar="[CLIENTS]...")
    @click.option(
        "--case",
        "only",
        multiple=True,
        type=click.Choice([case.name for case in lab.cases]),
        metavar="NAME",
        help="This one alone, on the day on which all were measured; may be repeated.",
    )
    def main(clients: tuple[str, ...], only: tuple[str, ...]) -> None:
        try:
            troubles = measure(lab, clients, click.echo, only)
        except (PeerUnavailable, RecordError) as problem:
            raise click.ClickException(str(problem)) from problem
        if troubles:
            raise click.ClickException("\n".join(troubles))

    return main
