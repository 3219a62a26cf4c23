"""What a run is to do: plain data, which every worker gets."""

from __future__ import annotations

import dataclasses
from typing import Any

from conformance.adapters.base import Adapter
from conformance.parties import MOCK, OFFICIAL, make_adapter, make_target
from conformance.profiles import PROFILES, Profile
from conformance.targets import ADMIN, Target

KIT_PATIENCE = 5.0
"""How many times as long a contract may take on a server that really runs jobs."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run.

    Attributes:
        client: ``flare_client``, ``official:VERSION`` or ``module:function``; ``None`` where there is a command.
        command: a program that speaks the adapter protocol.
        release: the release line that the client is held to.
        server: ``mock`` or ``kit:DIR``.
        user: the project admin of the kit.
        scheme: how frames travel to the mock, from release 2.7 on.
        seed: draws the same examples and names again.
        profile: the name of the profile.
        limit: seconds that a contract may take; those of the profile by default.
        scripts: whether results get the script of a contract that holds, too.
        transcripts: whether results get what was said on the wire where a contract holds, too.
        pedantic: whether the mock does otherwise what a server may do otherwise.
    """

    client: str | None
    command: str | None
    release: str
    server: str = MOCK
    user: str = ADMIN
    scheme: str | None = None
    seed: int = 0
    profile: str = "ci"
    limit: float | None = None
    scripts: bool = False
    transcripts: bool = False
    pedantic: bool = False

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Plan:
        """A plan from ``data``."""
        return cls(**data)

    @property
    def data(self) -> dict[str, Any]:
        """The plan as JSON takes it."""
        return dataclasses.asdict(self)

    @property
    def thoroughness(self) -> Profile:
        """The profile."""
        return PROFILES[self.profile]

    @property
    def seconds(self) -> float:
        """How long a contract may take before the client is taken to hang."""
        if self.limit is not None:
            return self.limit
        return self.thoroughness.limit * (1.0 if self.server == MOCK else KIT_PATIENCE)

    def prepare(self) -> None:
        """Make what workers share before any of them starts: the environment of an official client.

        Raises:
            PeerUnavailable: it cannot be had here.
        """
        if self.client is not None and self.client.startswith(OFFICIAL):
            self.make_adapter()

    def make_adapter(self) -> Adapter:
        """The client; see ``conformance.parties``."""
        return make_adapter(self.client, self.command)

    def make_target(self) -> Target:
        """The server; see ``conformance.parties``."""
        return make_target(self.server, self.release, self.user, self.scheme, pedantic=self.pedantic)
