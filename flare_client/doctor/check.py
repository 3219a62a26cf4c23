"""What a check is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from flare_client.doctor.findings import Outcome
from flare_client.doctor.patient import Patient


@dataclasses.dataclass(frozen=True)
class Check:
    """One question to a kit.

    Attributes:
        name: in words with dashes.
        question: what is asked, for people.
        run: looks, and says what it found.
        needs: the checks without which there is nothing to look at: they were made, and found nothing wrong.
        unless_wrong: further checks that must have found nothing wrong; it does not matter whether they were made.
        online: whether it asks the server.
    """

    name: str
    question: str
    run: Callable[[Patient], Outcome]
    needs: tuple[str, ...] = ()
    unless_wrong: tuple[str, ...] = ()
    online: bool = False
