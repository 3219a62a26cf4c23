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
        also: other contracts that fail with it, each with the reason why they must.
        factory: opens a session.
    """

    name: str
    fault: str
    caught_by: tuple[str, ...]
    release: str
    also: Mapping[str, str]
    factory: Factory


MUTANTS: dict[str, Mutant] = {}
"""Every declared mutant by its name."""

_Declared = TypeVar("_Declared", bound=Callable[..., Any])


class Wrong:
    """A session that passes everything on, but for what a subclass breaks."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


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
        also: other contracts that fail with it, each with the reason.
    """

    def declare(declared: _Declared) -> _Declared:
        name = re.sub(r"(?<=.)(?=[A-Z])", "_", declared.__name__).lower()
        fault = (declared.__doc__ or "").strip()
        if name in MUTANTS:
            raise ValueError(f"mutant {name} is declared twice")
        if not caught_by or not fault:
            raise ValueError(f"mutant {name} names no contract, or has no docstring that says what is wrong")
        opens = factory(declared) if isinstance(declared, type) else declared
        MUTANTS[name] = Mutant(name, fault, caught_by, release, dict(also or {}), opens)
        return declared

    return declare


def factory(kind: type[Wrong]) -> Factory:
    """A factory that wraps the sessions of the reference client."""

    def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
        if secure:
            return kind(client().new_secure_session(username, kit, timeout=timeout, **further))
        return kind(client().new_insecure_session(kit, timeout=timeout, **further))

    return open_session
