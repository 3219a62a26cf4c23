"""All fuzz targets by name."""

from __future__ import annotations

from tests.fuzz import cell_targets, format_targets, hci_targets, peer_targets, stream_targets
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (hci_targets, format_targets, cell_targets, stream_targets, peer_targets)
    for target in module.TARGETS
}
