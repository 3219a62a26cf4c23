"""The pieces of a page that says what clients do, case by case."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from conformance.lab.cases.clients import OFFICIALS, OURS, LabClient
from conformance.lab.cases.sightings import Sighting, Sightings

NOT_MEASURED = "not measured"
S = TypeVar("S", bound=Sighting)


def seen_by(
    clients: Iterable[LabClient], sightings: Sightings[S], case: str, say: Callable[[S], str]
) -> Iterator[tuple[str, str]]:
    """Yield what each client did in a case: how the client is called, and the words; those alike in a row as one.

    Args:
        clients: in their order.
        sightings: what was measured.
        case: its name.
        say: the words for what was seen.
    """
    seen = (
        (client, sightings[client.name].cases[case])
        for client in clients
        if client.name in sightings and case in sightings[client.name].cases
    )
    told = [(client.label, say(one)) for client, one in seen]
    for text, group in itertools.groupby(told, lambda one: one[1]):
        yield span([label for label, _ in group]), text


def cell(clients: Iterable[LabClient], sightings: Sightings[S], case: str, say: Callable[[S], str]) -> str:
    """What clients did in a case, as a cell of a table; arguments as those of ``seen_by``."""
    runs = "<br>".join(f"{who}: {text}" for who, text in seen_by(clients, sightings, case, say))
    return runs or NOT_MEASURED


def span(labels: Sequence[str]) -> str:
    """Names in a row, by the first and the last."""
    return labels[0] if len(labels) == 1 else f"{labels[0]}–{labels[-1]}"  # noqa: RUF001 - a dash between two


def measurements(module: str, sightings: Sightings[S]) -> str:
    """The section on how all of it was measured: with which command, on which day, with which software.

    Args:
        module: of the lab, as ``python -m`` takes it.
        sightings: what was measured.
    """
    lines = ["\n## How it was measured\n\n| client | day | command | software |\n| --- | --- | --- | --- |\n"]
    for kind, clients in (("nvflare", OFFICIALS), ("flare_client on", OURS)):
        measured = [(client, sightings[client.name]) for client in clients if client.name in sightings]
        for (date, software), group in itertools.groupby(measured, lambda one: (one[1].date, one[1].versions)):
            asked = [client for client, _ in group]
            words = " ".join(dict.fromkeys(client.word for client in asked))
            with_versions = ", ".join(f"{name} {version}" for name, version in software.items())
            who = f"{kind} {span([client.label for client in asked])}"
            lines.append(f"| {who} | {date} | `python -m {module} {words}` | {with_versions} |\n")
    return "".join(lines)
