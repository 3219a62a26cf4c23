"""What changes on a server, as events for whoever watches: which part has changed, not how.

It looks at a few numbers four times a second, as long as somebody listens, and lets due events happen meanwhile: a
server that nobody asks anything does not move on by itself.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator

import anyio.to_thread

from mock_server.clock import ManualClock
from mock_server.context import ServerContext
from mock_server.control.operations.asking import Desk
from mock_server.errors import ServerError
from mock_server.server import MockServer

_LOOK_SECONDS = 0.25
_SIGN_OF_LIFE = 15.0
"""Seconds after which something is sent in any case, so that a connection that is gone is noticed."""


@dataclasses.dataclass(frozen=True)
class Pulse:
    """A number for each part of a server, which is another one once the part has changed.

    Attributes:
        clock: of the time, where it does not go by itself, and of what sort it is.
        jobs: of the jobs and what happened to them.
        sites: of the sites.
        sessions: of who is logged in.
        faults: of the faults, and how often they struck.
        transcript: the number of the newest entry.
        server: of all else: whether it serves, since when, which scenario it plays.
    """

    clock: int
    jobs: int
    sites: int
    sessions: int
    faults: int
    transcript: int
    server: int


def pulse(server: MockServer) -> Pulse:
    """How a server stands."""
    clock = server.clock
    when = clock.time() if isinstance(clock, ManualClock) else 0.0

    faults = server.faults.all  # not on the loop, which it asks itself

    def look(context: ServerContext) -> Pulse:
        engine = context.engine
        return Pulse(
            clock=_number(id(clock), when),
            jobs=_number(server.chronicle.version, len(engine)),
            sites=_number(*((site.name, site.connected, engine.is_disabled(site.name)) for site in engine.sites())),
            sessions=_number(*((session.token, session.last_used) for session in context.sessions)),
            faults=_number(*((one.number, one.is_paused, one.seen, one.fired) for one in faults)),
            transcript=server.transcript.last,
            server=_number(server.is_running, context.started, id(context)),
        )

    return server.call(look)


def _number(*parts: object) -> int:
    # Of 53 bits, so that a script of a page reads it as it is.
    return hash(parts) & ((1 << 53) - 1)


async def changes(desk: Desk) -> AsyncIterator[bytes]:
    """The changes from now on, as server-sent events; the first tells how it stands."""
    before: Pulse | None = None
    silent = 0.0
    while not desk.stopping.is_set():
        try:
            now = await anyio.to_thread.run_sync(pulse, desk.server)
        except ServerError:
            return  # it is being stopped
        if now != before:
            before, silent = now, 0.0
            yield f"event: change\ndata: {json.dumps(dataclasses.asdict(now))}\n\n".encode("ascii")
        elif silent >= _SIGN_OF_LIFE:
            silent = 0.0
            yield b": still here\n\n"
        silent += _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
