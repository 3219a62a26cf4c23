"""What happened to the jobs, the sites and the server, for whoever looks at it later. Plain data; knows no engine."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence

from mock_server.jobs.outcomes import Occurrence

_MOST_JOBS = 20_000
"""Jobs whose past is kept; that of the oldest ones goes."""
_MOST_OF_JOB = 500
"""Moments of one job that are kept; of a longer past the beginning and the newest."""
_BEGINNING = 50
_MOST_OF_SYSTEM = 1_000


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        time: when, in seconds since the epoch, on the server's clock.
        what: the status of a job, or a word for what else it is, as ``log``, ``not scheduled``, ``connect``.
        detail: lines of a log, a reason, the site; often nothing.
    """

    time: float
    what: str
    detail: str = ""


class Chronicle:
    """The past of a server; to be used on its loop.

    Attributes:
        version: counts what happened; it never goes back, so that who looks again knows whether there is more.
    """

    def __init__(self) -> None:
        self.version = 0
        self._jobs: collections.OrderedDict[int, list[Event]] = collections.OrderedDict()
        self._system: collections.deque[Event] = collections.deque(maxlen=_MOST_OF_SYSTEM)

    def note(self, seen: Occurrence) -> None:
        """Take down what happened."""
        self.version += 1
        event = Event(seen.time, seen.what, seen.detail)
        if seen.job is None:
            self._system.append(event)
            return
        past = self._jobs.setdefault(seen.job.sequence, [])
        if len(past) >= _MOST_OF_JOB:
            del past[_BEGINNING]
        past.append(event)
        if len(self._jobs) > _MOST_JOBS:
            self._jobs.popitem(last=False)

    def touch(self) -> None:
        """Take note that something is not as it was, of which there is nothing to tell."""
        self.version += 1

    def of_job(self, sequence: int) -> Sequence[Event]:
        """What happened to the job of that number, oldest first."""
        return tuple(self._jobs.get(sequence, ()))

    def of_system(self) -> Sequence[Event]:
        """What happened to the server and its sites, oldest first."""
        return tuple(self._system)

    def clear(self) -> None:
        """Forget what happened."""
        self.version += 1
        self._jobs.clear()
        self._system.clear()
