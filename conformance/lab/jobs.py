"""Job definitions that run on a real server, and some that no server accepts.

Owns: which of them the script submits, and what is wrong with the refused ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.jobs import write_training

QUICK = "quick"
"""Runs a few seconds on a real server."""
SLOW = "slow"
"""Runs for minutes."""
WAITING = "waiting"
"""Asks for more sites than there are, and is never scheduled."""
BROKEN = "J"
"""The folder name of every definition that is refused."""

_ON_SITES = {"app": ["server", "site-1"]}

BROKEN_METAS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no deploy map", {"deploy_map": {}}),
    ("an app for no site", {"deploy_map": {"app": []}}),
    ("all sites and one more", {"deploy_map": {"app": ["@ALL", "site-1"]}}),
    ("no server", {"deploy_map": {"app": ["site-1"]}}),
    ("a site twice", {"deploy_map": {"app": ["server", "site-1", "site-1"]}}),
    ("an app that is not there", {"deploy_map": {"none": ["@ALL"]}}),
    ("a deploy map for the server only", {"deploy_map": {"app": ["server"]}}),
    ("a deploy map that is a list", {"deploy_map": ["app"]}),
    ("site groups", {"deploy_map": {"app": {"sites": ["server", "site-1"]}}}),
    ("min_clients that is no number", {"min_clients": "abc"}),
    ("min_clients zero", {"min_clients": 0}),
    ("min_clients negative", {"min_clients": -1}),
    ("min_clients too large", {"min_clients": 1_000_001}),
    ("fewer sites than min_clients", {"deploy_map": _ON_SITES, "min_clients": 3}),
    ("resource_spec that is no object", {"resource_spec": 5}),
    ("an entry of resource_spec that is no object", {"resource_spec": {"site-1": 5}}),
    ("a mandatory site elsewhere", {"deploy_map": _ON_SITES, "min_clients": 1, "mandatory_clients": ["site-9"]}),
)
"""What is wrong, and the keys of the meta that make it so."""


def write_named(parent: Path, kind: str) -> Path:
    """Write one of ``QUICK``, ``SLOW`` and ``WAITING``."""
    if kind == SLOW:
        return write_training(parent, SLOW, rounds=60, seconds=2.0)
    return write_training(parent, kind, **({"min_clients": 9} if kind == WAITING else {}))
