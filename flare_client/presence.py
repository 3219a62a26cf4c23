"""Which release's ``Session`` has which method: a method says it when it is declared.

Owns the two ways to declare one, and the check that follows: a method that the server's release does not have raises
``NotInRelease``. What a method does is told nothing of it.

Source: introspection of the official ``Session`` of 2.3.12-2.9.0; ``tests/interop/test_signatures.py`` compares.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from flare_client.conversation import Conversation
from flare_client.protocol.releases import PROFILES

EVERY_RELEASE = tuple(PROFILES)


def _from(release: str) -> tuple[str, ...]:
    return EVERY_RELEASE[EVERY_RELEASE.index(release) :]


ONLY_23 = ("2.3",)
FROM_24 = _from("2.4")
FROM_24_TO_26 = ("2.4", "2.5", "2.6")
FROM_25 = _from("2.5")
FROM_26 = _from("2.6")
FROM_27 = _from("2.7")
FROM_28 = _from("2.8")

_RELEASES = "__releases__"


class Conversing(Protocol):
    """An object with a conversation: a session."""

    _conversation: Conversation


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_Self = TypeVar("_Self", bound=Conversing)


def present_in(
    releases: tuple[str, ...],
) -> Callable[[Callable[Concatenate[_Self, Arguments], Result]], Callable[Concatenate[_Self, Arguments], Result]]:
    """Declare in which releases the official ``Session`` has a method."""

    def declare(
        method: Callable[Concatenate[_Self, Arguments], Result],
    ) -> Callable[Concatenate[_Self, Arguments], Result]:
        @functools.wraps(method)
        def checked(self: _Self, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            self._conversation.require_release(method.__name__, releases)
            return method(self, *args, **kwargs)

        setattr(checked, _RELEASES, releases)
        return checked

    return declare


def operation(
    function: Callable[Concatenate[Conversation, Arguments], Result], releases: tuple[str, ...] = EVERY_RELEASE
) -> Callable[Concatenate[Any, Arguments], Result]:
    """Make a method of ``Session`` out of a function that takes the conversation first.

    Args:
        function: does what the method does; its docstring is the method's.
        releases: those whose official ``Session`` has the method.
    """

    @functools.wraps(function)
    def method(self: Conversing, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return function(self._conversation, *args, **kwargs)

    checked = present_in(releases)(method)
    signature = inspect.signature(function)
    _, *others = signature.parameters.values()
    cast(Any, checked).__signature__ = signature.replace(
        parameters=[inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *others]
    )
    return checked


def releases_of(method: object) -> tuple[str, ...]:
    """The releases whose official ``Session`` has a method; all of them where it does not say."""
    releases: tuple[str, ...] = getattr(method, _RELEASES, EVERY_RELEASE)
    return releases
