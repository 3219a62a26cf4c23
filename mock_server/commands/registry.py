"""Which function answers which command."""

from __future__ import annotations

from collections.abc import Callable

from mock_server.answers import Answer
from mock_server.context import Call, ServerContext

Handler = Callable[[ServerContext, Call], Answer]

HANDLERS: dict[str, Handler] = {}


def answers(*names: str) -> Callable[[Handler], Handler]:
    """Declare a function as the handler of commands, by their plain names."""

    def register(handler: Handler) -> Handler:
        for name in names:
            if name in HANDLERS:
                raise ValueError(f"command {name!r} has a handler already: {HANDLERS[name].__name__}")
            HANDLERS[name] = handler
        return handler

    return register
