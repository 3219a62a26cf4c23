"""How often the scheduler looks at a job that cannot start, and when.

Read and observed: 2.3.12-2.6.3, which have the same rules.
"""

from __future__ import annotations

import dataclasses

MAX_TRIES = 10
MIN_INTERVAL = 10.0
"""Seconds before the second try; each further wait is twice as long."""
MAX_INTERVAL = 600.0
LOOK_INTERVAL = 1.0
"""Seconds between two looks of the official scheduler."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """How often and when the scheduler looks at a job that cannot start; the defaults are the official ones.

    Attributes:
        tries: looks at a job before it is given up.
        first_wait: seconds before the second look; each further wait is twice as long.
        longest_wait: seconds that no wait exceeds.
    """

    tries: int = MAX_TRIES
    first_wait: float = MIN_INTERVAL
    longest_wait: float = MAX_INTERVAL

    @property
    def exceeded(self) -> str:
        """The last line in the history of a job that was tried too often."""
        return f"exceeded max schedule count {self.tries}"

    def wait_after(self, count: int) -> float:
        """Seconds between the try of that number, from 1, and the next look that counts.

        The last one is not waited for: the look after it only finds that there were too many.
        """
        if count >= self.tries:
            return LOOK_INTERVAL
        # More doublings than this are longer than any wait, and no float.
        return float(min(self.longest_wait, self.first_wait * 2 ** min(count - 1, 60)))
