"""``docs/broken-kits.md``: what each client makes of each broken startup kit, out of what was measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from conformance.lab.cases.bench import HUNG, RETURNED
from conformance.lab.cases.clients import OFFICIALS, OURS
from conformance.lab.cases.page import cell, measurements, seen_by
from conformance.lab.cases.sightings import Sighting, Sightings, passing
from mock_server.broken_kits import BROKEN_KITS, BrokenKit, Part

MODULE = "conformance.lab.broken_kits"
SIGHTINGS = Path(__file__).with_name("broken_kit_sightings.json")
PAGE = Path(__file__).parents[2] / "docs" / "broken-kits.md"
LOGIN_SECONDS = 2.0
"""What a client is given to connect."""

_MOST_TEXT = 300
_HEAD = f"""# Broken startup kits

Kits of the mock server that are broken on purpose, each in one point, for whoever has to show a user what is wrong:

```python
kit = server.kit("admin@nvidia.com", broken="expired")
```

```
flare-mock serve --workspace ./lab
flare-mock kit --workspace ./lab --broken expired --user admin@nvidia.com:nvidia:project_admin
flare-mock kit --list
```

What clients make of them was measured by `python -m {MODULE}`, which writes this page: a login of
{LOGIN_SECONDS:g} s, and `list_jobs` where that succeeds. `make interop` runs the official clients again and compares.
`flare kit doctor` ([kit-doctor.md](kit-doctor.md)) says in words what is wrong. Where flare_client differs on purpose:
[quirks.md](quirks.md).
"""


@dataclasses.dataclass(frozen=True)
class KitSighting(Sighting):
    """What a client did with a kit.

    Attributes:
        outcome: of the login.
        text: the message, without what is of the moment.
        then: what a command did on the session; empty where it returned, or where there is no session.
        types: the class that was raised and its bases, nearest first.
    """

    text: str = ""
    then: str = ""
    types: tuple[str, ...] = passing(())


def words(seen: KitSighting) -> str:
    """What a client did, in words."""
    if seen.outcome == HUNG:
        return "no answer"
    if seen.outcome != RETURNED:
        return f"`{seen.outcome}`"
    if not seen.then:
        return "works"
    return "logs in; then no answer" if seen.then == HUNG else f"logs in; then `{seen.then}`"


def page(sightings: Sightings[KitSighting]) -> str:
    """The page."""
    parts = [_HEAD]
    for part in Part:
        parts.append(f"\n## {part.value}\n\n| name | what is wrong | official clients | flare_client |\n")
        parts.append("| --- | --- | --- | --- |\n")
        parts += [_row(kit, sightings) for kit in BROKEN_KITS.values() if kit.part is part]
    parts.append("\n## What the clients say\n\nThe messages, by version; what is of the moment is in angle brackets.\n")
    parts += [_messages(kit, sightings) for kit in BROKEN_KITS.values()]
    parts.append(measurements(MODULE, sightings))
    return "".join(parts)


def _row(kit: BrokenKit, sightings: Sightings[KitSighting]) -> str:
    official, own = (cell(clients, sightings, kit.name, words) for clients in (OFFICIALS, OURS))
    return f"| `{kit.name}` | {kit.what} | {official} | {own} |\n"


def _messages(kit: BrokenKit, sightings: Sightings[KitSighting]) -> str:
    lines = [
        f"- {of_whom}{who}: {_plain(text)}\n"
        for of_whom, clients in (("", OFFICIALS), ("flare_client, ", OURS))
        for who, text in seen_by(clients, sightings, kit.name, lambda seen: seen.text)
        if text
    ]
    return f"\n### {kit.name}\n\n{''.join(lines)}" if lines else ""


def _plain(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line if len(line) <= _MOST_TEXT else line[:_MOST_TEXT] + '...'}`"
