"""The probe list: chapters in the order in which they are played on a server."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import flare_client
from conformance.lab.fidelity.probe import NOBODY, Chapter, Probe
from conformance.lab.fidelity.probes import definitions, ending, jobs, machines, roles
from flare_client.presence import releases_of

CHAPTERS: tuple[Chapter, ...] = (
    ending.OPENING,
    jobs.EMPTY,
    machines.ASKED,
    machines.SHELL,
    machines.LINES,
    jobs.LISTED,
    jobs.WAITS,
    jobs.ABORTED,
    jobs.RUNS,
    jobs.STOPPED,
    jobs.FINISHED,
    jobs.TOKENS,
    roles.STUDIES,
    roles.ROLES,
    roles.ROLES_RUNNING,
    roles.ROLES_FINISHED,
    ending.CLOSED,
    definitions.DEFINITIONS,
    *ending.ENDS,
)


def is_in(one: Probe, release: str) -> bool:
    """Whether a release has what a probe calls."""
    if release not in one.releases:
        return False
    if one.user == NOBODY or one.method.startswith("api."):
        return True
    return release in releases_of(getattr(flare_client.Session, one.method))


def chapters_of(release: str) -> Iterator[tuple[Chapter, tuple[Probe, ...]]]:
    """The chapters of a release, each with the probes that the release has.

    Args:
        release: as ``2.6``.
    """
    for chapter in CHAPTERS:
        probes = tuple(one for one in chapter.probes if is_in(one, release))
        if probes:
            yield chapter, probes


def methods_of(release: str) -> dict[str, str]:
    """The method of each probe of a release, by the probe's key."""
    return {chapter.key(one): one.method for chapter, probes in chapters_of(release) for one in probes}


def not_played(release: str, keys: Collection[str]) -> dict[str, frozenset[str]]:
    """The chapters of a release none of whose probes was made, each with the keys of its probes.

    Args:
        release: as ``2.6``.
        keys: of the probes that were made.
    """
    chapters = {chapter.name: frozenset(map(chapter.key, probes)) for chapter, probes in chapters_of(release)}
    return {name: own for name, own in chapters.items() if own.isdisjoint(keys)}
