"""A recording is played on the mock: the same calls, at the same times of a clock that is moved."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.recordings import document
from conformance.recordings.calls import Call, Caller, ConnectionIsLost, scratch_folder
from conformance.recordings.document import Entry, Recording, RecordingError
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import WATCH
from conformance.recordings.scenario import LEAD
from conformance.recordings.shown import Shown
from conformance.recordings.uncompared import Comparable
from flare_client import new_secure_session
from mock_server import ManualClock, MockServer, Scenario

_NOTHING = "nothing"


class OtherRelease(RecordingError):
    """A recording of one release is to be played on another."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """Something that the mock answers otherwise.

    Attributes:
        at: when it was asked, in seconds since the first call.
        call: the call.
        place: where in the answer.
        expected: what was recorded.
        came: what the mock answered.
    """

    at: float
    call: str
    place: str
    expected: Any
    came: Any

    def __str__(self) -> str:
        return f"{self.at:.3f} s  {self.call}: {self.place}: expected {self.expected!r}, but got {self.came!r}"


@dataclasses.dataclass(frozen=True)
class Checked:
    """What came of a check."""

    recording: Recording
    differences: tuple[Difference, ...]


class VirtualTime:
    """The time of a recording on a clock that is moved."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._began = clock.time()

    def now(self) -> float:
        """Seconds since the first call."""
        return self._clock.time() - self._began

    def wait_until(self, moment: float) -> None:
        """Move the clock."""
        self._clock.advance_to(self._began + moment)


def check(folder: Path, release: str | None = None, progress: Callable[[str], None] = lambda _: None) -> Checked:
    """Play a recording on the mock.

    Args:
        folder: what ``record`` wrote.
        release: the release to play it on; that of the recording by default, and no other.
        progress: is told of each call before it is made.

    Raises:
        RecordingError: it is no recording, or one of another release.
    """
    recording, scenario = document.read(folder)
    own = recording.made.release
    if release is not None and release != own:
        expected = f"expected release {own}, of which the recording is, but got {release}"
        raise OtherRelease(f"{folder}: {expected}: another release answers otherwise; record a server of it")
    return Checked(recording, tuple(_play(recording, scenario, progress)))


def _play(recording: Recording, scenario: Scenario, progress: Callable[[str], None]) -> Iterator[Difference]:
    made = recording.made
    clock = ManualClock(_start(made.date))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(MockServer(made.release, scenario=scenario, clock=clock))
        kit = server.kit(made.user.name, org=made.user.org, role=made.user.role)
        clock.advance(LEAD)
        session = stack.enter_context(new_secure_session(made.user.name, str(kit)))
        scratch = Path(stack.enter_context(scratch_folder()))
        hiding, time = Hiding(), VirtualTime(clock)
        shown = Shown(hiding, Comparable(made.hosts), recording.gaps)
        caller = Caller(session, hiding, time, scratch)
        for entry in recording.transcript:
            call = Call(entry.call, entry.args, entry.options)
            progress(str(call))
            try:
                found = (
                    _watched(entry, caller, time) if entry.call == WATCH else _called(entry, call, caller, time, shown)
                )
                for place, expected, came in found:
                    yield Difference(entry.at, str(call), place, expected, came)
            except ConnectionIsLost as problem:
                yield Difference(entry.at, str(call), "connection", "an answer", str(problem))
                return


def _called(
    entry: Entry, call: Call, caller: Caller, time: VirtualTime, shown: Shown
) -> Iterator[tuple[str, Any, Any]]:
    time.wait_until(entry.at)
    came = shown.entry(caller.make(call))
    if entry.raised is None and came.raised is None:
        yield from differences(entry.returned, came.returned, "returned")
    elif entry.raised != came.raised:
        yield "outcome", _words(entry), _words(came)


def _words(entry: Entry) -> str:
    if entry.raised is not None:
        return f"{entry.raised.kind}: {entry.raised.text}"
    return f"returned {entry.returned!r:.200}"


def _watched(entry: Entry, caller: Caller, time: VirtualTime) -> Iterator[tuple[str, Any, Any]]:
    """Look at the moments at which the recording saw a status first and last."""
    seen = entry.seen or ()
    for one in seen[-1:] if entry.only_end else seen:
        for moment in dict.fromkeys((one.first, one.last)):
            time.wait_until(moment)
            status = caller.status_of(str(entry.args[0]))
            if status != one.status:
                yield f"status at {moment:.3f} s", one.status, status


def differences(expected: Any, came: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two pieces of plain data differ: the innermost places, what was expected there and what came."""
    if isinstance(expected, dict) and isinstance(came, dict):
        for key in (*expected, *(key for key in came if key not in expected)):
            yield from differences(expected.get(key, _NOTHING), came.get(key, _NOTHING), f"{place}.{key}")
    elif isinstance(expected, list) and isinstance(came, list) and len(expected) == len(came):
        for number, (one, other) in enumerate(zip(expected, came, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif expected != came or isinstance(expected, bool) is not isinstance(came, bool):
        yield place, expected, came


def _start(date: str) -> float:
    try:
        return datetime.datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp() - LEAD
    except ValueError:
        raise RecordingError(f"made.date: expected a time as 2026-01-31T08:00:00Z, but got {date!r}") from None
