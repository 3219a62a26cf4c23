"""A simulated site: whether it is connected, and what the server knows of it."""

from __future__ import annotations

import dataclasses
import uuid

HEARTBEAT_SECONDS = 10.0
"""Between two signs of life of an official site (observed: 2.6.3)."""


@dataclasses.dataclass
class Site:
    """An FL client.

    Attributes:
        name: the name of the site.
        org: its organisation, which counts in authorisation.
        connected: whether the server counts it in.
        since: when it connected, in seconds since the epoch.
        token: what the server gave it when it registered.
        disabled: whether it is kept out from the start.
    """

    name: str
    org: str
    connected: bool = True
    since: float = 0.0
    token: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    disabled: bool = False

    def last_seen(self, now: float) -> float:
        """When the site was last heard of: sites send a sign of life at regular intervals."""
        return self.since + (now - self.since) // HEARTBEAT_SECONDS * HEARTBEAT_SECONDS
