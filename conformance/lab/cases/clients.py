"""Who is asked in a lab: the official client of a version, and flare_client on every release."""

from __future__ import annotations

import dataclasses

from conformance.adapters.inprocess import FLARE_CLIENT
from conformance.parties import OFFICIAL
from conformance.peers import PEERS
from flare_client.protocol.releases import PROFILES, profile_for

_OURS = f"{FLARE_CLIENT} on "


@dataclasses.dataclass(frozen=True)
class LabClient:
    """A client, on a server of one release.

    Attributes:
        name: in records: the version of an official client, ``flare_client on`` its release for ours.
        client: as ``--client`` takes it.
        release: the release line of the server.
        word: with what a lab's command asks for it.
    """

    name: str
    client: str
    release: str
    word: str

    @property
    def is_ours(self) -> bool:
        """Whether it is flare_client."""
        return self.client == FLARE_CLIENT

    @property
    def label(self) -> str:
        """How it is called beside its like: an official client by its version, ours by the release."""
        return self.release if self.is_ours else self.name


def official(version: str) -> LabClient:
    """The official client of a version, on a server of its release."""
    return LabClient(version, f"{OFFICIAL}{version}", profile_for(version).release, version)


def ours(release: str) -> LabClient:
    """flare_client on a server of a release."""
    return LabClient(f"{_OURS}{release}", FLARE_CLIENT, release, FLARE_CLIENT)


OFFICIALS = tuple(official(version) for version in PEERS)
"""Every official client, oldest first."""
OURS = tuple(ours(release) for release in PROFILES)
"""flare_client on every release."""
