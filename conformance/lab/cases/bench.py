"""How a client meets a case: a mock server of its release, the client in a process of its own, one call after another.

A lab says what a case is and what is looked at; here is what is the same for all of them.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from conformance.adapters.base import ClientError, ClientFailure, ClientSession
from conformance.adapters.stdio import StdioAdapter
from conformance.lab.cases.clients import LabClient
from conformance.parties import make_adapter
from mock_server import MockServer

ADMIN = "admin@nvidia.com"
RETURNED = "returned"
"""The outcome of a call that raised nothing."""
HUNG = "hung"
"""The outcome of a call that never came back."""


class Case(Protocol):
    """A situation that a client may get into."""

    @property
    def name(self) -> str:
        """In words with dashes."""

    def fits(self, release: str) -> bool:
        """Whether the release can have it."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """What came of one call.

    Attributes:
        outcome: the class that it raised, ``RETURNED`` or ``HUNG``.
        text: the message, what was returned, or why the client was given up.
        types: the class and its bases, nearest first.
        value: what was returned.
        seconds: how long that took.
    """

    outcome: str
    text: str = ""
    types: tuple[str, ...] = ()
    value: Any = None
    seconds: float = 0.0


def attempt(call: Callable[[], Any]) -> Attempt:
    """Make a call of a client, whatever comes of it."""
    started = time.monotonic()
    try:
        value = call()
    except ClientError as problem:
        return Attempt(problem.types[0], problem.text, problem.types, seconds=time.monotonic() - started)
    except ClientFailure as problem:
        return Attempt(HUNG, str(problem).split(";")[0], seconds=time.monotonic() - started)
    return Attempt(RETURNED, repr(value), value=value, seconds=time.monotonic() - started)


C = TypeVar("C", bound=Case)
S = TypeVar("S")
_Self = TypeVar("_Self", bound="Bench[Any, Any]")


class Bench(abc.ABC, Generic[C, S]):
    """One client that meets case after case.

    Args:
        asked: the client.

    Raises:
        PeerUnavailable: it cannot be had here.
    """

    hang_seconds: ClassVar[float]
    """How long a call may take, beside the time that it is given, before the client counts as hung."""
    scenario: ClassVar[dict[str, Any] | None] = None
    """What the server's jobs do."""

    def __init__(self, asked: LabClient) -> None:
        self.adapter = make_adapter(asked.client, None)
        if isinstance(self.adapter, StdioAdapter):
            self.adapter.call_seconds = self.hang_seconds
        self.server = MockServer(asked.release, scenario=self.scenario)
        self.scratch = Path(tempfile.mkdtemp(prefix="flare-cases-"))

    def __enter__(self: _Self) -> _Self:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.adapter.close()
        self.server.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    @abc.abstractmethod
    def run(self, case: C) -> S:
        """Have the client meet a case, and look."""

    def log_in(self, kit: Path, seconds: float) -> Attempt:
        """Have the client log in; the session is the value of the attempt.

        Args:
            kit: the startup kit.
            seconds: what the client is given to connect.
        """
        return attempt(lambda: self.adapter.open(ADMIN, kit, timeout=seconds))

    @staticmethod
    def attempt(session: ClientSession, method: str, *args: Any, **kwargs: Any) -> Attempt:
        """Have the client call a method of its session, whatever comes of it."""
        return attempt(lambda: session.call(method, *args, **kwargs))

    @staticmethod
    @contextlib.contextmanager
    def closing(session: ClientSession) -> Iterator[ClientSession]:
        """Close a session in the end, which may be past that."""
        try:
            yield session
        finally:
            with contextlib.suppress(ClientError, ClientFailure):
                session.close()
