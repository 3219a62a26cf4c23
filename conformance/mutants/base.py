"""What a mutant is: a client that is wrong in one point, declared beside the contracts that must notice it.

A mutant wraps the reference client and breaks one rule. It is a class over ``Wrong`` or a function that opens a
session; the decorator ``mutant`` puts it into ``MUTANTS``. As a client it is called ``conformance.mutants:NAME``.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

MAY = "at times:"
"""How the reason begins why a contract that draws examples may catch a mutant, and may not."""

BY_NATURE: Mapping[str, str] = {"MODEL-*": f"{MAY} plays random calls of every kind, and judges each answer"}
"""Globs of contracts that may catch whatever differs, with the reason."""

Factory = Callable[..., Any]
"""``factory(username, startup_kit_location, secure=True, timeout=10.0)`` returns an object with Session's methods."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A client that is wrong in one point.

    Attributes:
        name: in words with underscores.
        fault: what is wrong with it, a sentence.
        caught_by: the contracts that must fail with it.
        release: the release on which it is tried.
        also: ids or globs of other contracts that fail with it, each with the reason why they must.
        factory: opens a session; its attribute ``basic_cb_with_print`` is the sample callback.
        breaks: the methods of ``Session`` that it changes; ``None`` where it may change all. A contract that calls
            none of them cannot tell it from the reference client.
    """

    name: str
    fault: str
    caught_by: tuple[str, ...]
    release: str
    also: Mapping[str, str]
    factory: Factory
    breaks: frozenset[str] | None


MUTANTS: dict[str, Mutant] = {}
"""Every declared mutant by its name."""

_Declared = TypeVar("_Declared", bound=Callable[..., Any])


class Wrong:
    """A session that passes everything on, but for what a subclass breaks."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @property
    def clock(self) -> Any:
        """What the session waits on."""
        return self._session.clock

    @clock.setter
    def clock(self, clock: Any) -> None:
        self._session.clock = clock

    def monitor_job(
        self,
        job_id: str,
        timeout: float = 0.0,
        poll_interval: float = 2.0,
        cb: Any = None,
        *cb_args: Any,
        **cb_kwargs: Any,
    ) -> Any:
        """Monitor a job; the callback is given this session, not the one inside."""

        def called(_session: Any, *args: Any, **kwargs: Any) -> Any:
            return cb(self, *args, **kwargs)

        called_or_none = None if cb is None else called
        return self._session.monitor_job(job_id, timeout, poll_interval, called_or_none, *cb_args, **cb_kwargs)


def client() -> Any:
    """The reference client's module."""
    return importlib.import_module("flare_client")


def mutant(
    *caught_by: str, release: str = "2.6", also: Mapping[str, str] | None = None
) -> Callable[[_Declared], _Declared]:
    """Declare a class over ``Wrong``, or a function that opens a session, as a mutant; its docstring is the fault.

    Args:
        *caught_by: the contracts that must fail with it.
        release: the release on which it is tried.
        also: ids or globs of other contracts that fail with it, each with the reason.
    """

    def declare(declared: _Declared) -> _Declared:
        name = re.sub(r"(?<=.)(?=[A-Z])", "_", declared.__name__).lower()
        fault = (declared.__doc__ or "").strip()
        if name in MUTANTS:
            raise ValueError(f"mutant {name} is declared twice")
        if not caught_by or not fault:
            raise ValueError(f"mutant {name} names no contract, or has no docstring that says what is wrong")
        opens = factory(declared) if isinstance(declared, type) else _with_sample_callback(declared)
        broken = _broken_by(declared) if isinstance(declared, type) else None
        MUTANTS[name] = Mutant(name, fault, caught_by, release, dict(also or {}), opens, broken)
        return declared

    return declare


def _broken_by(kind: type) -> frozenset[str] | None:
    """The methods that a class over ``Wrong`` changes."""
    own = [name for one in kind.__mro__[: kind.__mro__.index(Wrong)] for name in vars(one)]
    if "__init__" in own or "__getattr__" in own:
        return None
    return frozenset(name for name in own if not name.startswith("_"))


def _with_sample_callback(opens: Factory, callback: Any = None) -> Factory:
    """Give a factory the sample callback, the reference client's unless it has one of its own."""
    opens.basic_cb_with_print = callback or client().basic_cb_with_print  # type: ignore[attr-defined] # of functions
    opens.takes_clock = True  # type: ignore[attr-defined] # likewise
    return opens


def factory(kind: type[Wrong]) -> Factory:
    """A factory that wraps the sessions of the reference client."""

    def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        if secure:
            return kind(client().new_secure_session(username, kit, timeout=timeout, **further))
        return kind(client().new_insecure_session(kit, timeout=timeout, **further))

    return _with_sample_callback(open_session, getattr(kind, "basic_cb_with_print", None))


def open_reference(username: Any, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """Open a session of the reference client, for mutants that go wrong while they open one."""
    return factory(Passing)(username, kit, secure=secure, timeout=timeout, **further)


class Passing(Wrong):
    """A session without a fault."""


def log_in(session: Any, timeout: float) -> Any:
    """Have a session log in, and return it; where that fails, it is closed."""
    try:
        session.try_connect(timeout)
    except BaseException:
        session.close()
        raise
    return session


def unconnected(username: str, kit: str) -> Any:
    """A session that never connects."""
    return client().Session(username, kit)
