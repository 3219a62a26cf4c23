"""The lab: official nvflare servers, started for real, and the runs against them.

``python -m conformance.lab --release 2.6.3`` starts the official server of a release, runs clients and contracts
against it, and writes the outcome to ``docs/compatibility.md``.
"""

from conformance.lab.server import LabError, OfficialServer

__all__ = ["LabError", "OfficialServer"]
