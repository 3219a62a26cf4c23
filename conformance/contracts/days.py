"""Monitoring for days: with a client that waits on the server's clock, a virtual one, to the second and in no time.

The machine takes no part in these times, so they have no margin.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hypothesis import strategies as st

from conformance.contract import Document, Observed, contract
from conformance.contracts.monitor import Callback, finished, timed_out
from conformance.jobs import JobKind
from conformance.needs import Need
from conformance.recording import RecordingSession
from conformance.targets import ADMIN, ControlledServer
from conformance.trial import Trial
from conformance.verdicts import holds, same

_ALL = "2.3.12, 2.4.2, 2.5.2, 2.6.3, 2.7.3, 2.8.3, 2.9.0"
_NEEDS = (Need.CONTROL, Need.CLOCK)
_HOUR = 3600.0
_DAY = 24 * _HOUR
_INTERVAL = 500.0
_MOST = 1000
"""Polls after which a client is taken to go on for ever."""


@contextlib.contextmanager
def _waiting(trial: Trial, running: float = 7 * _DAY) -> Iterator[tuple[ControlledServer, RecordingSession]]:
    """A server on which jobs run so many seconds, and a session that waits on its clock."""
    scenario = {"clock": {"speed": "virtual"}, "jobs": [{"queued": 0, "running": running}]}
    with trial.own_server(scenario) as server:
        session = trial.adapter.open(ADMIN, server.kit())
        session.wait_on(server.clock)
        yield server, session
        session.close()


@contract(
    "MON-DAY-01",
    "A day's patience",
    "With a timeout of hours or days, monitor_job returns TIMEOUT after it, and at most one poll interval later.",
    Document("monitor.timed_out"),
    Document("monitor.timeout"),
    Observed(_ALL, "the time is looked at before each poll, the sleep is not cut short"),
    needs=_NEEDS,
)
def patience(trial: Trial) -> None:
    with _waiting(trial) as (server, session):
        job_id = session.call("submit_job", str(trial.folder(JobKind.LONG)))

        def check(hours: int) -> None:
            began, callback = server.clock.time(), Callback(True, most=_MOST)
            timed_out(session.monitor(job_id, timeout=hours * _HOUR, poll_interval=_INTERVAL, cb=callback))
            spent = server.clock.time() - began
            least, most = hours * _HOUR, hours * _HOUR + _INTERVAL
            holds(least <= spent <= most, f"TIMEOUT after {least:g} to {most:g} s", f"it after {spent:g} s")

        trial.forall(check, hours=st.integers(1, 36), always=[{"hours": 24}], examples=4)


@contract(
    "MON-DAY-02",
    "A job of a day",
    "Without a timeout monitor_job stays with a job for days, and returns JOB_FINISHED at most one poll interval after "
    "its end.",
    Document("monitor.done"),
    Document("monitor.timeout"),
    needs=_NEEDS,
)
def stays(trial: Trial) -> None:
    with _waiting(trial, running=_DAY) as (server, session):
        began, callback = server.clock.time(), Callback(True, most=_MOST)
        job_id = session.call("submit_job", str(trial.folder(JobKind.LONG)))
        finished(session.monitor(job_id, timeout=0, poll_interval=_INTERVAL, cb=callback))
        spent = server.clock.time() - began
        # The scheduler of the server looks for jobs now and then.
        most = _DAY + 2 * _INTERVAL
        holds(_DAY <= spent <= most, f"JOB_FINISHED after {_DAY:g} to {most:g} s", f"it after {spent:g} s")


@contract(
    "MON-DAY-03",
    "The interval, to the second",
    "monitor_job waits just the poll interval from one poll to the next, however long it has been at it.",
    Document("monitor.poll_interval"),
    Observed(_ALL, "it sleeps for the interval after each poll"),
    needs=_NEEDS,
)
def paces(trial: Trial) -> None:
    with _waiting(trial) as (server, session):
        job_id = session.call("submit_job", str(trial.folder(JobKind.LONG)))

        def check(interval: float) -> None:
            callback = Callback(True, most=_MOST, now=server.clock.monotonic)
            timed_out(session.monitor(job_id, timeout=12 * _HOUR, poll_interval=interval, cb=callback))
            pairs = zip(callback.times, callback.times[1:], strict=False)
            gaps = sorted({round(after - before, 3) for before, after in pairs})
            same(gaps, [interval], "the seconds between two polls")

        trial.forall(
            check, interval=st.sampled_from([60.0, 333.25, 500.0, 900.5]), always=[{"interval": 500.0}], examples=3
        )
