"""What a test does to a server that runs, and asks of it, past any client: to its jobs, sites, sessions, commands."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, TypeVar

from mock_server.chronicle import Chronicle
from mock_server.clock import Clock
from mock_server.context import ServerContext
from mock_server.faults.actions import Silence
from mock_server.faults.injection import Faults
from mock_server.faults.rules import Rule
from mock_server.jobs.outcomes import Occurrence
from mock_server.quantities import read_duration
from mock_server.running import Running
from mock_server.scenarios.results import ResultSpec
from mock_server.scenarios.system import Happening
from mock_server.watch import JobWatch, check_awaited

_T = TypeVar("_T")


class Interventions(abc.ABC):
    """What can be done to a server by whoever can run a function on its state.

    Attributes:
        clock: the time of the server.
        chronicle: is told of what was done to sites.
        faults: what goes wrong on the server.
    """

    clock: Clock
    chronicle: Chronicle
    faults: Faults

    @abc.abstractmethod
    def _require_running(self) -> Running:
        """What there is of the server.

        Raises:
            ServerError: it does not run.
        """

    def call(self, function: Callable[[ServerContext], _T]) -> _T:
        """Run a function on the server's state, on its loop, and return the result.

        Args:
            function: takes the state; must not wait.
        """
        return self._require_running().call(function)

    # --- jobs --------------------------------------------------------------------------------------------------

    def job_metas(self) -> list[dict[str, Any]]:
        """The stored meta of every job, oldest first."""
        return self.call(lambda context: [dict(job.meta) for job in context.engine.jobs(reverse=False)])

    def wait_until(self, job_id: str, status: str, timeout: float | str = "1d") -> dict[str, Any]:
        """Let time pass until a job has a status: a virtual clock is moved from event to event, others are waited for.

        Args:
            job_id: the job.
            status: as in the meta, ``RUNNING``; or ``FINISHED`` for every end.
            timeout: how long, on the server's clock; seconds, or a text as ``2h``.

        Returns:
            The meta of the job.

        Raises:
            KeyError: there is no such job.
            ValueError: there is no such status.
            TimeoutError: the job does not get there in time, or ends otherwise; the text says where it is.
        """
        check_awaited(status)
        return JobWatch(self.call, self.clock).wait(job_id, status, read_duration(timeout))

    def abort_job(self, job_id: str) -> None:
        """Abort a job, as another admin would.

        Raises:
            KeyError: there is no such job.
        """

        def abort(context: ServerContext) -> None:
            job = context.engine.get(job_id)
            if job is None:
                raise KeyError(job_id)
            context.engine.abort(job)

        self.call(abort)

    def delete_job(self, job_id: str) -> None:
        """Delete a job, as another admin would.

        Raises:
            KeyError: there is no such job.
            JobIsRunning: the job runs.
        """
        self.call(lambda context: context.engine.delete(job_id))

    def add_result(self, job_id: str, more: ResultSpec | dict[str, Any]) -> None:
        """Put more into the result of a job, whatever its rule says; what stands there already is replaced.

        Clients see it with the next download, if the job ran and is over.

        Args:
            job_id: the job.
            more: files with their texts, a size, trees of files; as ``result`` in a scenario.

        Raises:
            KeyError: there is no such job.
            ValueError: it is no result, or cannot stand beside what is there.
        """
        added = more if isinstance(more, ResultSpec) else ResultSpec.model_validate(more)

        def add(context: ServerContext) -> None:
            job = context.engine.get(job_id)
            if job is None:
                raise KeyError(job_id)
            context.engine.add_result(job, added)

        self.call(add)

    # --- sites -------------------------------------------------------------------------------------------------

    def set_site_connected(self, name: str, connected: bool) -> None:
        """Connect or disconnect a site.

        Raises:
            KeyError: the server has no such site.
        """

        def change(context: ServerContext) -> None:
            context.engine.set_site_connected(name, connected)
            self._tell_site(context, Happening.CONNECT if connected else Happening.DISCONNECT, name)

        self.call(change)

    def set_site_disabled(self, name: str, disabled: bool) -> None:
        """Keep a site out, as an admin's ``disable_client`` does, or let it in again.

        Raises:
            KeyError: the server has no such site.
        """

        def change(context: ServerContext) -> None:
            context.engine.site(name)
            if disabled:
                context.engine.disable_site(name)
            else:
                context.engine.enable_site(name)
            self._tell_site(context, Happening.DISABLE if disabled else Happening.ENABLE, name)

        self.call(change)

    def _tell_site(self, context: ServerContext, what: Happening, name: str) -> None:
        self.chronicle.note(Occurrence(context.clock.time(), what.value, detail=name))

    # --- sessions ----------------------------------------------------------------------------------------------

    def expire_sessions(self) -> None:
        """End every admin session, as if each had been idle for too long; from 2.7 on the clients are told."""
        running = self._require_running()

        def expire(context: ServerContext) -> None:
            context.sessions.close_all()
            running.tell_expired()

        self.call(expire)

    def expire_session(self, number: int) -> None:
        """End one admin session, likewise.

        Args:
            number: the how-manieth session of the server it is, from 1 on.

        Raises:
            KeyError: there is no such session.
        """
        running = self._require_running()

        def expire(context: ServerContext) -> None:
            found = next((session for session in context.sessions if session.number == number), None)
            if found is None:
                raise KeyError(number)
            running.expire_session(found.token)

        self.call(expire)

    # --- commands ----------------------------------------------------------------------------------------------

    def withhold(self, command: str) -> None:
        """Neither carry out nor answer a command from now on; it is counted all the same.

        A short form of ``faults.inject(Silence(), command=command)``.

        Args:
            command: its name, as ``list_jobs``.
        """
        self.faults.inject(Silence(), command=command)

    def release_command(self, command: str) -> None:
        """Carry out a command again that was withheld."""
        withheld = Rule(action=Silence(), command=command)
        for fault in self.faults.all:
            if fault.rule == withheld:
                fault.remove()

    def received(self, command: str) -> int:
        """How often a command came since the server was started.

        Args:
            command: its name, as ``list_jobs``.
        """
        running = self._require_running()
        return self.call(lambda _: running.faults.received[command])

    @property
    def counters(self) -> dict[str, int]:
        """How often each command came since the server was started."""
        running = self._require_running()
        return self.call(lambda _: dict(running.faults.received))
