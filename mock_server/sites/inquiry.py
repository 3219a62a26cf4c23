"""How long the server waits for sites that a command asks, and which of them answer in time.

A server asks all sites at once, and answers once all of them have, or its patience is over. What is said of a site
without an answer is the command's business.

Source: official servers of 2.3.12-2.9.0, which wait ten seconds; from 2.4 on a client may say how long.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mock_server.scenarios.jobs import Delay

if TYPE_CHECKING:
    from mock_server.context import ServerContext


@dataclasses.dataclass(frozen=True)
class Inquiry:
    """What comes of asking sites.

    Attributes:
        wait: seconds until the server can answer.
        silent: the sites that have not answered by then.
    """

    wait: float = 0.0
    silent: frozenset[str] = frozenset()


def inquire(context: ServerContext, sites: Sequence[str], patience: float) -> Inquiry:
    """Ask sites.

    Args:
        context: the server.
        sites: their names.
        patience: seconds that the server waits; 0 or less: it does not, and hears nothing.
    """
    waits = {site: _delay(context, site) for site in sites}
    silent = frozenset(site for site, wait in waits.items() if wait is None or wait > max(0.0, patience))
    wait = max((min(patience, patience if one is None else one) for one in waits.values()), default=0.0)
    return Inquiry(max(0.0, wait), silent)


def _delay(context: ServerContext, site: str) -> float | None:
    """When a site answers, in seconds; ``None``: never."""
    planned = context.scenario.answers_of(site)
    if planned is None:
        return 0.0
    if not isinstance(planned, Delay):
        return None
    context.asked[site] += 1
    # A chance of its own for each answer, so that nothing depends on what else is asked.
    return planned.draw(random.Random(f"{context.scenario.seed}/{site}/{context.asked[site]}"))  # noqa: S311
