"""Calls and what came of them, made in one way for a recording and for its check."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from conformance.adapters.inprocess import plain
from conformance.jobs import JobKind, write_job
from conformance.recordings.hiding import Hiding
from conformance.recordings.probes import OWN_NAMES, WATCH, definition_of
from flare_client import Session, errors

_DEFINITIONS = {definition_of(kind): kind for kind in JobKind}
SIGNATURES = ".__nvfl_"
"""How the names of signature files begin, which each signer makes anew."""
NOT_TOLD = "not told"
"""The status of a job that is gone, or not for this user to see."""
_LOST = (errors.SessionClosed, ConnectionError)
_DECIMALS = 5
EDGE = 10**-_DECIMALS
"""Seconds to which times are noted. A call takes many times that: no two are made at the same time."""


def noted(seconds: float) -> float:
    """A time, or a time between two, as it is noted."""
    return round(seconds, _DECIMALS)


class ConnectionIsLost(Exception):
    """The server does not answer any more; the text says what came instead."""


class Time(Protocol):
    """The time of a recording, in seconds from its beginning; a check moves it."""

    def now(self) -> float:
        """Seconds since the first call."""

    def wait_until(self, moment: float) -> None:
        """Let time pass."""


class MachineTime:
    """The time of the machine, from now on."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> float:
        """Seconds since it was made."""
        return noted(time.monotonic() - self._began)

    def wait_until(self, moment: float) -> None:
        """Wait."""
        time.sleep(max(0.0, moment - self.now()))


@dataclasses.dataclass(frozen=True)
class Call:
    """A call of a method.

    Attributes:
        method: of ``Session``, or ``watch``.
        args: its arguments; jobs and definitions by their names.
        options: those by name.
    """

    method: str
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        given = [repr(value) for value in self.args] + [f"{key}={value!r}" for key, value in self.options.items()]
        return f"{self.method}({', '.join(given)})"


@dataclasses.dataclass(frozen=True)
class Raised:
    """An exception: the name of its class, and its text."""

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Seen:
    """A status that a watch saw.

    Attributes:
        status: it is.
        first: when it was seen first, in seconds since the first call.
        last: when it was seen last.
    """

    status: str
    first: float
    last: float


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a call, as it came.

    Attributes:
        call: the call.
        at: when it was made.
        value: what it returned, as plain data; of a watch the statuses that it saw.
        raised: what it raised, in place of that.
    """

    call: Call
    at: float
    value: Any = None
    raised: Raised | None = None


class Caller:
    """Makes calls in a session.

    Args:
        session: the session.
        hiding: knows the jobs by their names.
        clock: tells when a call is made.
        scratch: a folder for definitions and results.
    """

    def __init__(self, session: Session, hiding: Hiding, clock: Time, scratch: Path) -> None:
        self._session = session
        self._hiding = hiding
        self._clock = clock
        self._scratch = scratch
        self._special: dict[str, Callable[..., Any]] = {
            "submit_job": self._submit,
            "download_job_result": self._download,
        }

    def make(self, call: Call) -> Outcome:
        """Make a call.

        Raises:
            ConnectionIsLost: the connection broke, or the session is over.
        """
        at = self._clock.now()
        try:
            args = [self._hiding.with_ids(value) for value in call.args]
        except KeyError as problem:
            return Outcome(call, at, raised=Raised("UnknownJob", f"expected {problem} among the jobs before"))
        try:
            value = self._special.get(call.method, self._call(call.method))(*args, **call.options)
        except Exception as problem:
            if isinstance(problem, _LOST) and not isinstance(problem, errors.LoginRejected):
                raise ConnectionIsLost(f"{type(problem).__name__}: {problem}") from problem
            return Outcome(call, at, raised=Raised(type(problem).__name__, str(problem)))
        self._learn(call.method, value)
        return Outcome(call, at, value)

    def status_of(self, job: str) -> str:
        """The status of a job, by its name; the meta is what every release tells.

        Returns:
            The status, or ``NOT_TOLD``.

        Raises:
            ConnectionIsLost: see ``make``.
        """
        outcome = self.make(Call("get_job_meta", (job,)))
        return NOT_TOLD if outcome.raised is not None else str(outcome.value.get("status"))

    def watch(self, job: str, until: str, interval: float, patience: float) -> Outcome:
        """Ask for the status of a job until it begins so.

        Args:
            job: its name.
            until: how the awaited status begins.
            interval: seconds between two looks.
            patience: seconds after which it is given up; the outcome says how far the job came.
        """
        began = self._clock.now()
        seen: list[Seen] = []
        while True:
            at = self._clock.now()
            status = self.status_of(job)
            if seen and seen[-1].status == status:
                seen[-1] = dataclasses.replace(seen[-1], last=at)
            else:
                seen.append(Seen(status, at, at))
            if status.startswith((until, "FINISHED")) or at - began > patience or status == NOT_TOLD:
                return Outcome(Call(WATCH, (job,)), began, seen)
            self._clock.wait_until(at + interval)

    def _call(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            return plain(getattr(self._session, method)(*args, **options))

        return call

    def _submit(self, definition: str, **options: Any) -> str:
        kind = _DEFINITIONS[definition]
        folder = write_job(self._scratch, OWN_NAMES[kind], kind)
        return self._session.submit_job(str(folder), **options)

    def _download(self, job_id: str) -> dict[str, int] | str:
        """The sizes of the files of a result, by their paths."""
        location = self._session.download_job_result(job_id)
        root = Path(location)
        if not root.is_dir():
            return location  # the address of a result that is too large (release 2.3)
        try:
            return {
                path.relative_to(root).as_posix(): path.stat().st_size
                for path in sorted(root.rglob("*"))
                if path.is_file() and not path.name.startswith(SIGNATURES)
            }
        finally:
            # It lies in the kit's download folder, which is not the recording's.
            shutil.rmtree(root, ignore_errors=True)

    def _learn(self, method: str, value: Any) -> None:
        """Name the jobs that an answer names first, in its order."""
        if method == "list_jobs":
            for job in value:
                self._hiding.name_of(str(job["job_id"]))
        elif method in ("submit_job", "clone_job"):
            self._hiding.name_of(str(value))


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for what a recording or a check has on disk for a while."""
    return tempfile.TemporaryDirectory(prefix=f"flare-recording-{os.getpid()}-")
