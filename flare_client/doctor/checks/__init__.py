"""The checks, in the order in which they are made: what is on disk, what stands in it, then the server."""

from __future__ import annotations

from flare_client.doctor.check import Check
from flare_client.doctor.checks import certificate, configuration, files, login, network, signatures

CHECKS: tuple[Check, ...] = (
    *files.FOLDERS,
    *configuration.CHECKS,
    *files.CHECKS,
    *certificate.CHECKS,
    *signatures.CHECKS,
    *network.CHECKS,
    *login.CHECKS,
)
"""Every check."""
