"""Simulated machines: the sites and the server, with what an admin can look into."""

from __future__ import annotations

from mock_server.sites.site import HEARTBEAT_SECONDS, Site

__all__ = ["HEARTBEAT_SECONDS", "Site"]
