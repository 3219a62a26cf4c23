"""Runs of the fidelity lab: stages with the official client on each server, the probe list, random sequences."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from conformance.lab.drives import DrivenServer, MockTarget
from conformance.lab.fidelity.peer import Peer, Seen
from conformance.lab.fidelity.probes import chapters_of
from conformance.lab.fidelity.stage import Stage
from conformance.lab.provisioning import LabError
from conformance.lab.server import OfficialServer
from flare_client.protocol.releases import profile_for

_HANG_SECONDS = 90.0
"""A client that does not come back from a call by then is taken to hang."""

Progress = Callable[[str], None]


@contextlib.contextmanager
def official_stage(version: str) -> Iterator[Stage]:
    """The official server of a release, started for this, with its official client."""
    with OfficialServer(version) as server, _stage(version, server) as stage:
        yield stage


@contextlib.contextmanager
def mock_stage(version: str) -> Iterator[Stage]:
    """A mock of a release, with the official client of the release."""
    with MockTarget(version) as server, _stage(version, server, server.commands) as stage:
        yield stage


@contextlib.contextmanager
def _stage(version: str, server: DrivenServer, commands: Callable[[], int] = int) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="flare-fidelity-") as scratch, Peer(version, _HANG_SECONDS) as peer:
        yield Stage(peer, server, Path(scratch), commands=commands)


def observe(
    stage: Stage, version: str, progress: Progress, chapters: Collection[str] = ()
) -> Iterator[tuple[str, Seen]]:
    """Play the probe list of a release.

    Args:
        stage: on a server that nobody has used yet.
        version: of the official client.
        progress: told the name of each chapter.
        chapters: the names of those to play; all by default.

    Yields:
        The key of each probe, and what came of it, normalised. Where the server does not get into the state that a
        chapter wants, the rest of the chapter is left out.

    Raises:
        LabError: the server does not start again.
    """
    for chapter, probes in chapters_of(profile_for(version).release):
        if not chapters or chapter.name in chapters:
            progress(f"{chapter.name}: {len(probes)} probes")
            try:
                yield from stage.play(chapter, probes)
            except LabError as problem:
                progress(f"{chapter.name}: broken off: {problem}")
                stage.start_again()
