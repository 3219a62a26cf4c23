"""A server between start and stop: a thread with one asyncio loop, and all state on it.

Whoever uses it from another thread hands a function to that loop and waits for its result; nothing is shared otherwise.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import shutil
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from flare_client.protocol.cellnet.kit import Security
from mock_server.account import Account, upload_size
from mock_server.answers import Answer, Late, Reply
from mock_server.assembly import build_context, build_endpoint, uploads_of
from mock_server.clock import ManualClock, ScaledClock, SkewedClock
from mock_server.commands.dispatch import answer
from mock_server.context import Request, ServerContext
from mock_server.endpoints.cellnet.endpoint import CellEndpoint
from mock_server.errors import ServerError
from mock_server.faults.course import End, Form
from mock_server.faults.desk import FaultDesk
from mock_server.faults.impostor import Impostor
from mock_server.files import fresh_folder, private_folder
from mock_server.jobs.journal import STUDIES
from mock_server.jobs.outcomes import Occurrence
from mock_server.ports import reserve_port
from mock_server.premises import Holdings
from mock_server.scenarios.system import Happening
from mock_server.settings import Settings
from mock_server.state import State, StateError

_T = TypeVar("_T")
_logger = logging.getLogger("mock_server")

_CALL_SECONDS = 60.0
_DRAIN_SECONDS = 1.0
_CALL_OFF_SECONDS = 0.05
_ASIDE = ".run-"
"""What was ``run`` before a reset, until it is removed."""
_SHORTEST_TICK = 0.05
"""Seconds in which many small things happen, and are kept at once."""
_LONGEST_TICK = 3600.0
"""Seconds after which the clock is looked at again in any case: a loop cannot wait for ever longer."""


class Running:
    """What there is of a server between start and stop.

    Args:
        settings: what the server is to be.
        held: where it is.
    """

    def __init__(self, settings: Settings, held: Holdings) -> None:
        self.held = held
        self.cleanup = contextlib.ExitStack()
        self.stopped = threading.Event()
        self.fl_port = held.fl_port
        self.admin_port = 0
        self._settings = settings
        self._account = Account(settings.transcript, settings.calls)
        self._go_on_in_time()
        self._clock = SkewedClock(settings.clock)
        self._task: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        """One at a time closes the endpoint, or opens it: clients, scenario and whoever made the server may want to."""
        self._resets = 0
        for left in held.root.glob(f"{_ASIDE}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        self._ticking: asyncio.TimerHandle | None = None
        self._unfollow: Callable[[], None] = lambda: None
        self._will_reopen = False
        self._awaited: float | None = None
        self.context = self._new_context()
        asks = settings.security is Security.MUTUAL_TLS
        impostor = Impostor(settings.pki, asks_certificate=asks) if settings.pki is not None else None
        self.faults = FaultDesk(settings.scenario.faults, self.context.sessions, impostor)
        self.faults.plant = self
        self.faults.pedant = self.context.pedant
        self.faults.lost = self._lost
        self._endpoint = build_endpoint(settings, self.context, self.faults, self._answer, held.holder)
        # What may fail is done: a loop has files of its own that somebody must close.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flare-mock", daemon=True)

    def _new_context(self) -> ServerContext:
        run = private_folder(self.held.root / "run")
        fresh_folder(uploads_of(run))
        return build_context(
            self._settings,
            self._clock,
            run,
            self.fl_port,
            witness=self._see,
            restart=lambda: self._soon(self.restart),
            shutdown=lambda: self._soon(self._shut_down),
        )

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the admin port cannot be had.
        """
        self._thread.start()
        self.admin_port = self.on_loop(self._endpoint.start(self._settings.host, self.held.admin_port))
        if self._settings.state is not None:
            self.on_loop(self._keep_ports(self._settings.state))
        self._loop.call_soon_threadsafe(self._follow_time)

    async def _keep_ports(self, state: State) -> None:
        state.keep_ports(self.fl_port, self.admin_port)

    def _go_on_in_time(self) -> None:
        """Have a clock that is not the machine's go on from the time of the server before, if it is behind."""
        state, clock = self._settings.state, self._settings.clock
        if state is not None and state.time is not None and isinstance(clock, (ManualClock, ScaledClock)):
            clock.advance_to(state.time)

    # --- time -----------------------------------------------------------------------------------------------------

    def _follow_time(self) -> None:
        """Have the scenario's events happen from now on, in the server's time."""
        self._leave_time()
        if isinstance(self._settings.clock, ManualClock):
            self._unfollow = self._settings.clock.follow(self._catch_up_soon)
        self._tick()

    def _leave_time(self) -> None:
        self._unfollow()
        self._unfollow = lambda: None
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _catch_up_soon(self) -> None:
        self._loop.call_soon_threadsafe(self._catch_up)

    def _catch_up(self) -> None:
        self.context.engine.advance()
        try:
            self.keep()
        except StateError as problem:
            _logger.error("%s", problem)  # noqa: TRY400 - nobody asked; the next command says so to its client

    def _tick(self) -> None:
        """Catch up when the scenario has something happen to the server: nobody may be there to ask."""
        self._catch_up()
        self._await(self.context.engine.next_happening_at())

    def _await(self, when: float | None) -> None:
        seconds = None if when is None else self._clock.real_seconds_until(when)
        if seconds is not None:
            self._ticking = self._loop.call_later(min(seconds, _LONGEST_TICK), self._tick)

    # --- what is kept ---------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Keep what happened, so that it outlives the process; on the loop.

        Raises:
            StateError: it cannot be kept.
        """
        state = self._settings.state
        if state is None:
            return
        when = self.context.engine.next_event_at()
        if self._settings.profile.has_studies:
            state.note(STUDIES, self.context.studies.standing())
        state.commit()
        self._come_to(when)

    def _come_to(self, when: float | None) -> None:
        """Have what happens next happen in time: what is kept must not be older than what the clock says."""
        if when is None or (self._awaited is not None and self._awaited <= when):
            return
        seconds = self._clock.real_seconds_until(when)
        if seconds is not None:
            self._awaited = when
            self._loop.call_later(min(max(seconds, _SHORTEST_TICK), _LONGEST_TICK), self._arrive, self.context)

    def _arrive(self, context: ServerContext) -> None:
        if context is self.context:
            self._awaited = None
            self._catch_up()

    def _see(self, seen: Occurrence) -> None:
        """Let the server go through what the scenario has happen to it; the engine does its own part."""
        self._settings.chronicle.note(seen)
        if seen.job is not None or seen.detail:  # of a job, of a site
            return
        happening = Happening(seen.what)
        if happening is Happening.SHUTDOWN:
            self._soon(self._shut_down)
            return
        self.context.sessions.close_all()
        if happening is Happening.EXPIRE_SESSIONS:
            self.tell_expired()
            return
        if self.context.downloads is not None:
            self.context.downloads.clear()
        self.context.started = seen.time
        if not self._will_reopen:
            self._will_reopen = True
            self._soon(self._reopen)

    async def _reopen(self) -> None:
        """Cut every connection, and listen again on the same port."""
        async with self._turn:
            await self._endpoint.stop()
            self._will_reopen = False
            if not self.stopped.is_set():
                await self._endpoint.start(self._settings.host, self.admin_port)

    def stop(self) -> None:
        """End the thread, and all that is on it."""
        self._unfollow()
        if self._thread.is_alive():
            self.on_loop(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self.stopped.set()
        if not self._loop.is_closed():
            self._loop.close()

    async def restart(self, down: float = 0.0) -> None:
        """Restart as a real server would; on the loop.

        Args:
            down: seconds in between.
        """
        async with self._turn:
            if not self.stopped.is_set():
                await self._restart(down)

    async def _restart(self, down: float) -> None:
        await self._endpoint.stop()
        if down > 0:
            # Held meanwhile, so that no other program gets the port.
            with contextlib.closing(reserve_port(self._settings.host, self.admin_port)):
                await asyncio.sleep(down)
        self.context.sessions.close_all()
        if self.context.downloads is not None:
            self.context.downloads.clear()
        now = self.context.clock.time()
        self._settings.chronicle.note(Occurrence(now, Happening.RESTART.value))
        self.context.engine.restart()
        self.context.started = now
        await self._endpoint.start(self._settings.host, self.admin_port)
        self.keep()

    async def reset(self, settings: Settings) -> None:
        """Start over without a restart; on the loop.

        Args:
            settings: what the server is to be from now on.
        """
        was_under_way = await self._call_off()
        async with self._turn:
            if was_under_way:
                # Nobody knows how far it came.
                await self._endpoint.stop()
                await self._endpoint.start(self._settings.host, self.admin_port)
            await self._reset(settings)

    async def _reset(self, settings: Settings) -> None:
        await self._endpoint.cut()
        await asyncio.sleep(0)  # the loop tells of the end of what was cut
        # Removing takes longer than all the rest, and nobody needs to wait for it.
        if settings.state is not None:
            settings.state.clear()
        self._resets += 1
        root = self.held.root
        run, aside = root / "run", root / f"{_ASIDE}{self._resets}"
        run.rename(aside)
        self._loop.run_in_executor(None, lambda: shutil.rmtree(aside, ignore_errors=True))
        self._leave_time()
        self._awaited = None
        self._settings, self._will_reopen = settings, False
        self._clock = SkewedClock(settings.clock)
        settings.chronicle.clear()
        self.context = self._new_context()
        self.faults.start_over(settings.scenario.faults, self.context.sessions)
        self.faults.pedant = self.context.pedant
        if isinstance(self._endpoint, CellEndpoint) and self.context.downloads is not None:
            self._endpoint.service.start_over(self.context.sessions, self.context.downloads)
        self._account.clear()
        self._follow_time()

    async def _call_off(self) -> bool:
        """Call off a restart or a shutdown that a client has asked for, or that is under way; say whether one was."""
        waiting = {task for task in (self._task, self._restarting) if task is not None and not task.done()}
        was_under_way = bool(waiting)
        while waiting:
            for task in waiting:
                # Again and again: `wait_for` of Python 3.10 and 3.11 loses a cancellation that comes with the result.
                task.cancel()
            _, waiting = await asyncio.wait(waiting, timeout=_CALL_OFF_SECONDS)
        return was_under_way

    async def _shut_down(self) -> None:
        async with self._turn:
            await self._endpoint.stop()
            self.context.sessions.close_all()
            self.stopped.set()

    async def _close(self) -> None:
        """Serve nobody any more, and let nobody begin again who waits for it."""
        await self._call_off()
        async with self._turn:
            await self._endpoint.stop()
            self.stopped.set()

    def tell_expired(self) -> None:
        """Tell clients whose session is over, where the wire can; on the loop."""
        if isinstance(self._endpoint, CellEndpoint):
            self._endpoint.service.push_expired()

    # --- what faults do to the server; on the loop --------------------------------------------------------------

    def expire_session(self, session: str) -> None:
        """See ``Plant``."""
        self.context.sessions.close(session)
        self.tell_expired()

    def forget_token(self, session: str) -> None:
        """See ``Plant``."""
        self.context.sessions.close(session)
        if isinstance(self._endpoint, CellEndpoint):
            self._endpoint.service.forget_session(session)

    def restart_after(self, down: float) -> None:
        """See ``Plant``."""
        self._restarting = self._loop.create_task(self.restart(down))

    def skew_clock(self, seconds: float) -> None:
        """See ``Plant``."""
        self._clock.skew = seconds

    # --- what other threads ask for -----------------------------------------------------------------------------------

    def call(self, function: Callable[[ServerContext], _T]) -> _T:
        """Run a function on the state, on the loop, and return its result; what it changed is kept.

        Args:
            function: takes the state as it is now; must not wait.
        """

        async def run() -> _T:
            self.context.engine.advance()
            result = function(self.context)
            self.keep()
            return result

        return self.on_loop(run())

    def on_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Have the loop do something, and wait for what comes of it.

        Raises:
            ServerError: it takes longer than anything should.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_CALL_SECONDS)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise ServerError(f"the server's loop did not answer within {_CALL_SECONDS:g} s") from None

    # --- commands; on the loop ----------------------------------------------------------------------------------------

    def _soon(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something to the server once the answer that announces it has left."""

        async def when_answered() -> None:
            await self._endpoint.drain(_DRAIN_SECONDS)
            await work()

        self._task = self._loop.create_task(when_answered())

    def _answer(self, request: Request) -> Answer | Late[Answer]:
        user, size = self._user_of(request), upload_size(request)

        def told(answered: Answer) -> Answer:
            if self.context.pedant is not None and isinstance(answered, Reply):
                self.context.pedant.know(request.command, answered, request.trace)
            self._account.answered(request, answered, user, size)
            return answered

        answered = answer(self.context, request)
        if not isinstance(answered, Late):
            return told(self._kept(answered))
        self._kept(Reply())  # what happened so far
        late, when = answered, self._clock.time() + answered.seconds
        if isinstance(self._settings.clock, ManualClock):
            # Whoever waits on a virtual clock moves it: the server as well.
            self._clock.sleep(late.seconds)
            return told(self._kept(late.then()))
        return Late(self._clock.real_seconds_until(when) or 0.0, lambda: told(self._kept(late.then())))

    def _kept(self, answered: Answer) -> Answer:
        """An answer once what it says is kept: it is true from now on, whatever becomes of the process."""
        try:
            self.keep()
        except StateError as problem:
            _logger.error("%s", problem)  # noqa: TRY400 - the client is told
            return Reply().error(f"Exception Occurred: {type(problem).__name__}: {problem}")
        return answered

    def _lost(self, request: Request, end: End | None, form: Form) -> None:
        self._account.lost(request, end, form, self._user_of(request))

    def _user_of(self, request: Request) -> str:
        if request.peer.name or not request.token:
            return request.peer.name or ""
        known = self.context.sessions.find(request.token)
        return known.user if known is not None else ""

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        if pending:
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
