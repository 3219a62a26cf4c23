"""The attach mode: the server, the jobs and the kit of one contract, held still for a client that is run by hand.

The check itself makes them, with the reference client, and is stopped just before the call that decides. So whoever
debugs a client finds what its check would find, for as long as it takes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

from conformance.adapters.base import ClientError, ClientFailure
from conformance.adapters.inprocess import FLARE_CLIENT, InProcessAdapter
from conformance.contract import Contract
from conformance.needs import CLIENT_NEEDS
from conformance.targets import MockTarget
from conformance.trial import Trial
from conformance.verdicts import Inconclusive, Unsuitable, Violation

_SECONDS = 120.0
"""Within which the reference client comes to any step of a check."""


class AttachError(ValueError):
    """A contract cannot be held at that step; the text says why."""


class _Let(BaseException):
    """The check is let go: everything that it made is taken away."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a client that is run by hand finds.

    Attributes:
        contract: the contract.
        release: the release line of the server.
        user: who is to log in.
        kit: the startup kit.
        steps: the calls of the whole check, as the reference client makes them.
        step: the number of the next one, from 1.
        done: those before it, with the ids and paths of this server.
        call: the next one, likewise.
    """

    contract: Contract
    release: str
    user: str
    kit: Path
    steps: tuple[str, ...]
    step: int
    done: tuple[str, ...]
    call: str


def _trial(target: MockTarget, adapter: InProcessAdapter, contract: Contract, watch: _Stop | None = None) -> Trial:
    # One example of a property is all that can be made by hand.
    trial = Trial(adapter, target, 0, 0.0, watch)
    trial.begin(contract.id)
    return trial


def steps(contract: Contract, release: str, scheme: str | None = None) -> tuple[str, ...]:
    """The calls that the check of a contract makes to the reference client, one example of each property.

    Raises:
        AttachError: the mock does not give what the check needs.
    """
    with contextlib.closing(MockTarget(release, scheme)) as target, contextlib.closing(_client()) as adapter:
        missing = contract.needs - target.provides - CLIENT_NEEDS
        if missing:
            raise AttachError(f"{contract.id} needs {', '.join(sorted(need.value for need in missing))}")
        with contextlib.closing(_trial(target, adapter, contract)) as trial:
            # The reference client may break it just as others do; its calls are what is asked for.
            with contextlib.suppress(Violation, ClientError, ClientFailure, Inconclusive, Unsuitable):
                contract.check(trial)
            return trial.script.raw


def deciding(calls: tuple[str, ...]) -> int:
    """The number of the call that decides, from 1: the last one that is not about the end of a session or the server.

    Raises:
        AttachError: the check calls nothing.
    """
    for number in range(len(calls), 0, -1):
        if not calls[number - 1].endswith(".close()") and not calls[number - 1].startswith("server."):
            return number
    if calls:
        return len(calls)
    raise AttachError("the check makes no call to a client")


class _Stop:
    """Stops the thread that makes a check, just before a call.

    Args:
        step: the number of the call.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._thread = threading.current_thread()
        self._let_go = threading.Event()
        self.reached = threading.Event()
        self.call = ""

    def bind(self) -> None:
        """Say that the check is made by this thread."""
        self._thread = threading.current_thread()

    def __call__(self, count: int, line: str) -> None:
        if count == self._step and threading.current_thread() is self._thread:
            self.call = line
            self.reached.set()
            self._let_go.wait()
            raise _Let

    def let_go(self) -> None:
        """Go on, which ends the check."""
        self._let_go.set()


@contextlib.contextmanager
def held(contract: Contract, release: str, scheme: str | None = None, step: int | None = None) -> Iterator[Scene]:
    """Hold a contract at a step.

    Args:
        contract: the contract.
        release: the release line of the server.
        scheme: how frames travel to it.
        step: the number of a call, from 1; the one that decides by default.

    Raises:
        AttachError: it cannot be held there.
    """
    calls = steps(contract, release, scheme)
    at = deciding(calls) if step is None else step
    if not 1 <= at <= len(calls):
        raise AttachError(f"expected a step from 1 to {len(calls)} of {contract.id}, but got {at}")
    with contextlib.closing(MockTarget(release, scheme)) as target, contextlib.closing(_client()) as adapter:
        stop = _Stop(at)
        trial = _trial(target, adapter, contract, stop)
        ended: list[BaseException | None] = []

        def check() -> None:
            stop.bind()
            trial.begin(contract.id)
            try:
                contract.check(trial)
                ended.append(None)
            except BaseException as problem:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
                ended.append(problem)
            finally:
                stop.reached.set()

        thread = threading.Thread(target=check, name="check", daemon=True)
        thread.start()
        try:
            if not stop.reached.wait(_SECONDS) or ended:
                raise AttachError(f"{contract.id} ended before step {at}: {ended[0] if ended else 'it takes too long'}")
            user, kit = trial.adapter.opening or (target.user, target.kit())
            done = trial.script.raw[: at - 1]
            yield Scene(contract, release, user, kit, calls, at, done, stop.call)
        finally:
            stop.let_go()
            thread.join(_SECONDS)
            trial.close()


def _client() -> InProcessAdapter:
    return InProcessAdapter(FLARE_CLIENT)
