"""What official client and official server did, kept: probes by their keys, normalised, a file a release.

So the mock can be compared with the official server where none can run, as in CI; ``make lab`` writes the files anew.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from conformance.lab.fidelity.normalisation import Normaliser
from conformance.lab.fidelity.peer import Seen

_DEFAULTS = dataclasses.asdict(Seen())
FOLDER = Path(__file__).with_name("sightings")


def load(version: str) -> dict[str, Seen] | None:
    """What was seen of a version, or ``None`` where nothing was kept; rules that came later count for it, too.

    Args:
        version: a published version, as ``2.6.3``.
    """
    path = FOLDER / f"{version}.jsonl"
    if not path.exists():
        return None
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        key = entry.pop("probe")
        lists = {name: tuple(entry[name]) for name in ("raised", "given") if name in entry}
        found[key] = Normaliser({}).seen(Seen(**{**entry, **lists}))
    return found


def save(version: str, seen: Mapping[str, Seen]) -> None:
    """Keep what was seen, a line a probe, without what is empty."""
    FOLDER.mkdir(exist_ok=True)
    lines = []
    for key, one in seen.items():
        told = {name: value for name, value in dataclasses.asdict(one).items() if value != _DEFAULTS[name]}
        lines.append(json.dumps({"probe": key, **told}, ensure_ascii=False))
    (FOLDER / f"{version}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
