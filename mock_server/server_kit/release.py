"""By which release's provisioning a server's kit was made, told from what is in it.

Nothing in a kit says so. What follows are marks by which the kits of official provisioning 2.3.12, 2.4.2, 2.5.2, 2.6.3,
2.7.3, 2.8.3 and 2.9.0 differ; where a kit was edited or lacks the files with the marks, several remain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.kit import LOCAL_DIR, STARTUP_DIR

_START_SCRIPT = "sub_start.sh"
_NEW_CLASS = "nvflare.app_common.aggregators.collect_and_assemble_aggregator.CollectAndAssembleAggregator"
"""Stands in the list of allowed classes of 2.9, and not in that of 2.8."""


def releases_of(root: Path, document: Mapping[str, Any]) -> tuple[str, ...]:
    """The releases whose provisioning may have made a kit.

    Args:
        root: the kit root.
        document: its ``fed_server.json``.
    """
    servers = document.get("servers")
    server = servers[0] if isinstance(servers, list) and servers else {}
    if "admin_server" in server:
        return _of_cells(root, document)
    return _of_sockets(root)


def _of_cells(root: Path, document: Mapping[str, Any]) -> tuple[str, ...]:
    if "overseer_agent" in document:
        return ("2.7",)
    classes = _resources(root / LOCAL_DIR).get("class_allow_list")
    if not isinstance(classes, list):
        return ("2.8", "2.9")
    return ("2.9",) if _NEW_CLASS in classes else ("2.8",)


def _of_sockets(root: Path) -> tuple[str, ...]:
    startup, local = root / STARTUP_DIR, root / LOCAL_DIR
    if (local / "log_config.json.default").is_file():
        return ("2.6",)
    if not (local / "log.config.default").is_file():
        return ("2.3", "2.4", "2.5", "2.6")
    if (startup / "server.pfx").is_file():
        return ("2.3",)
    try:
        script = (startup / _START_SCRIPT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ("2.4", "2.5")
    return ("2.5",) if "PYTHONPATH" in script else ("2.4",)


def _resources(local: Path) -> Mapping[str, Any]:
    for name in ("resources.json.default", "resources.json"):
        try:
            content = json.loads((local / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(content, Mapping):
            return content
    return {}
