"""``docs/broken-kits.md``: what each client makes of each broken startup kit, out of what was measured."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.releases import PROFILES
from mock_server.broken_kits import BROKEN_KITS, BrokenKit, Part

SIGHTINGS = Path(__file__).with_name("broken_kit_sightings.json")
"""By client, then by kit: what the client did. Official clients stand there by their version, ours by ``ours``."""
PAGE = Path(__file__).parents[2] / "docs" / "broken-kits.md"

Sightings = Mapping[str, Mapping[str, Mapping[str, Any]]]

_OURS = "flare_client on "

_HEAD = """# Broken startup kits

Kits of the mock server that are broken on purpose, each in one point, for whoever has to show a user what is wrong:

```python
kit = server.kit("admin@nvidia.com", broken="expired")
```

```
flare-mock serve --workspace ./lab
flare-mock kit --workspace ./lab --broken expired --user admin@nvidia.com:nvidia:project_admin
flare-mock kit --list
```

What clients make of them was measured by `python -m conformance.lab.broken_kits`, which writes this page: a login of
2 s, and `list_jobs` where that succeeds. `make interop` runs the official clients again and compares.
`flare kit doctor` ([kit-doctor.md](kit-doctor.md)) says in words what is wrong. Where flare_client differs on purpose:
[quirks.md](quirks.md).
"""


def ours(release: str) -> str:
    """The name under which flare_client stands in the sightings."""
    return f"{_OURS}{release}"


def load() -> dict[str, dict[str, dict[str, Any]]]:
    """What was measured."""
    if not SIGHTINGS.is_file():
        return {}
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(SIGHTINGS.read_text(encoding="utf-8"))
    return found


def words(seen: Mapping[str, Any]) -> str:
    """What a client did, in words."""
    if seen["outcome"] == "hung":
        return "no answer"
    if seen["outcome"] != "returned":
        return f"`{seen['outcome']}`"
    then = seen.get("then")
    return "works" if not then else "logs in; then no answer" if then == "hung" else f"logs in; then `{then}`"


def page(sightings: Sightings) -> str:
    """The page."""
    parts = [_HEAD]
    for part in Part:
        parts.append(f"\n## {part.value}\n\n| name | what is wrong | official clients | flare_client |\n")
        parts.append("| --- | --- | --- | --- |\n")
        parts += [_row(kit, sightings) for kit in BROKEN_KITS.values() if kit.part is part]
    parts.append("\n## What the clients say\n\nThe messages, by version; what is of the moment is in angle brackets.\n")
    parts += [_messages(kit, sightings) for kit in BROKEN_KITS.values()]
    return "".join(parts)


def _row(kit: BrokenKit, sightings: Sightings) -> str:
    versions = [version for version in sightings if not version.startswith(_OURS)]
    official = _runs((version, sightings[version][kit.name]) for version in versions if kit.name in sightings[version])
    own = [(release, sightings.get(ours(release), {})) for release in PROFILES]
    mine = _runs((release, seen[kit.name]) for release, seen in own if kit.name in seen)
    return f"| `{kit.name}` | {kit.what} | {official or 'not measured'} | {mine or 'not measured'} |\n"


def _runs(seen: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    told = [(version, words(one)) for version, one in seen]
    runs = [(text, [version for version, _ in group]) for text, group in itertools.groupby(told, lambda one: one[1])]
    return "<br>".join(f"{_span(versions)}: {text}" for text, versions in runs)


def _messages(kit: BrokenKit, sightings: Sightings) -> str:
    said = [
        (version.removeprefix(_OURS), version.startswith(_OURS), seen[kit.name].get("text", ""))
        for version, seen in sightings.items()
        if kit.name in seen
    ]
    lines = []
    for is_ours, of_client in itertools.groupby(said, lambda one: one[1]):
        for text, group in itertools.groupby(of_client, lambda one: one[2]):
            if text:
                who = (
                    f"flare_client, {_span([one[0] for one in group])}" if is_ours else _span([one[0] for one in group])
                )
                lines.append(f"- {who}: {_plain(text)}\n")
    return f"\n### {kit.name}\n\n{''.join(lines)}" if lines else ""


def _plain(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line if len(line) <= 300 else line[:300] + '...'}`"


def _span(versions: list[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]}–{versions[-1]}"  # noqa: RUF001 - a dash between two
