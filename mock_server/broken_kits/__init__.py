"""Startup kits that are broken on purpose, each by a name that says how.

``server.kit(broken="expired")`` and ``flare-mock kit --broken expired`` write one. What is broken is data in
``registry.py``; what the official client of each release makes of it is in ``docs/broken-kits.md``.
"""

from __future__ import annotations

from mock_server.broken_kits.registry import BROKEN_KITS
from mock_server.broken_kits.workshop import BrokenKit, Part, write_broken_kit

__all__ = ["BROKEN_KITS", "BrokenKit", "Part", "write_broken_kit"]
