"""What every adapter offers to a check, and how a client's exceptions look from there.

A check sees the public API by name alone: method names, plain values, and the names of exception classes. So the
same check fits a Python object and a program in another language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

Callback = Callable[..., Any]
"""A monitor callback in the harness: ``callback(is_same_session, job_id, job_meta, *args, **kwargs)``."""


class ClientError(Exception):
    """The client under test raised an exception.

    Attributes:
        types: the names of its class and of the bases, nearest first.
        text: its message.
    """

    def __init__(self, types: tuple[str, ...], text: str) -> None:
        super().__init__(f"{types[0] if types else 'Exception'}: {text}")
        self.types = types
        self.text = text

    def is_a(self, *names: str) -> bool:
        """Whether it is of one of the classes."""
        return any(name in self.types for name in names)


class ClientFailure(Exception):
    """The client under test crashed, hung or broke the adapter protocol; it is to blame for that."""


@dataclasses.dataclass(frozen=True)
class ReturnCode:
    """A ``MonitorReturnCode``."""

    name: str
    value: int


class ClientSession(Protocol):
    """A session of the client under test."""

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of ``Session``; objects come back as dicts of their attributes.

        Raises:
            ClientError: the method raised.
            ClientFailure: the client crashed or hung.
        """

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Call ``monitor_job``; a ``MonitorReturnCode`` comes back as ``ReturnCode``.

        Raises:
            ClientError: the method or the callback raised.
            ClientFailure: the client crashed or hung.
        """

    def close(self) -> None:
        """Call ``close``."""


class Adapter(Protocol):
    """A client under test."""

    name: str

    @property
    def features(self) -> frozenset[str]:
        """What the client has beside the sessions: ``basic_cb``, ``debug``, ``threads``."""

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, **further: Any
    ) -> ClientSession:
        """Call ``new_secure_session`` or ``new_insecure_session``.

        Args:
            username: the user; ``new_insecure_session`` takes none.
            kit: the startup kit.
            secure: which of both functions.
            timeout: seconds.
            **further: arguments that not every client or release has, passed on as they are: ``debug``, ``study``.

        Raises:
            ClientError: the function raised.
            ClientFailure: the client crashed or hung.
        """

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Call ``basic_cb_with_print`` with a meta of that status and a counter.

        Returns:
            What it returned, and the counter after the call.
        """

    def another(self) -> Adapter:
        """A second adapter of the same client, with processes of its own where it has any; to be closed by itself."""

    def close(self) -> None:
        """End everything that the adapter started."""
