"""From the state of a server to the answers about it. Runs on the server's loop where it takes a context."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
import importlib.metadata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from flare_client.protocol.jobs import JobMetaKey
from mock_server.chronicle import Event
from mock_server.clock import Clock, ManualClock, RealClock, ScaledClock, SkewedClock
from mock_server.context import ServerContext
from mock_server.control.models.clock import ClockView
from mock_server.control.models.faults import FaultView
from mock_server.control.models.jobs import JobDetail, JobView
from mock_server.control.models.observation import CallView, EntryView
from mock_server.control.models.server import EventView, ServerView
from mock_server.control.models.sites import SessionView, SiteView
from mock_server.faults.actions import kinds
from mock_server.faults.injection import Fault
from mock_server.guards import NOTICE
from mock_server.jobs.store import Job
from mock_server.sites import Site
from mock_server.transcript import Entry
from mock_server.transcript.calls import Call

if TYPE_CHECKING:
    from mock_server.server import MockServer


def server_view(server: MockServer) -> ServerView:
    """The server as a whole."""

    def look(context: ServerContext) -> tuple[float, dict[str, int]]:
        counted = collections.Counter(job.status.value for job in context.engine.jobs(reverse=False))
        return context.started, dict(counted)

    started, jobs = server.call(look)
    return ServerView(
        notice=NOTICE,
        version=importlib.metadata.version("flare-conformance"),
        release=server.release,
        official=server.profile.official,
        scheme=server.scheme.value if server.scheme is not None else None,
        security=server.security.value if server.secure else "clear",
        host=server.host,
        port=server.port,
        admin_port=server.admin_port,
        pedantic=server.pedantry.seed if server.pedantry is not None else None,
        running=server.is_running,
        started=started,
        description=server.scenario.description,
        jobs=jobs,
        commands=server.counters,
        events=events_view(server.call(lambda _: server.chronicle.of_system())),
    )


def clock_view(server: MockServer) -> ClockView:
    """The time of a server."""
    clock = server.clock
    now, skew, following = server.call(_time)
    kind, speed = _kind_of(clock)
    return ClockView(kind=kind, time=now, iso=iso(now), speed=speed, skew=skew, next_event=following)


def _time(context: ServerContext) -> tuple[float, float, float | None]:
    skew = context.clock.skew if isinstance(context.clock, SkewedClock) else 0.0
    return context.clock.time(), skew, context.engine.next_event_at()


def _kind_of(clock: Clock) -> tuple[Any, float]:
    if isinstance(clock, ManualClock):
        return "virtual", 0.0
    if isinstance(clock, ScaledClock):
        return "scaled", clock.speed
    return ("real" if isinstance(clock, RealClock) else "own"), 1.0


def iso(time: float) -> str:
    """A time in ISO form, UTC."""
    try:
        return datetime.datetime.fromtimestamp(time, datetime.timezone.utc).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""  # beyond the year 9999


def events_view(events: Iterable[Event]) -> list[EventView]:
    """What happened."""
    return [EventView(time=event.time, what=event.what, detail=event.detail) for event in events]


def job_view(job: Job, past: Iterable[Event] | None) -> JobView:
    """A job, with its past where that is wanted."""
    return JobView(**_job_fields(job, past))


def job_detail(job: Job, past: Iterable[Event]) -> JobDetail:
    """A job, whole."""
    return JobDetail(
        **_job_fields(job, past),
        meta=dict(job.meta),
        result=job.result.model_dump(mode="json", exclude_defaults=True),
        logs={name: list(lines) for name, lines in job.logs.items()},
    )


def _job_fields(job: Job, past: Iterable[Event] | None) -> dict[str, Any]:
    submitted = job.meta.get(JobMetaKey.SUBMIT_TIME.value)
    return {
        "id": job.job_id,
        "number": job.sequence,
        "name": job.name,
        "status": job.status.value,
        "submitter": job.submitter.name,
        "org": job.submitter.org,
        "role": job.submitter.role,
        "study": job.study,
        "submitted": submitted if isinstance(submitted, (int, float)) else None,
        "started": job.started,
        "ended": job.ended,
        "sites": list(job.run_sites),
        "has_workspace": job.is_saved,
        "timeline": None if past is None else events_view(past),
    }


def site_view(site: Site, disabled: bool) -> SiteView:
    """A site."""
    return SiteView(name=site.name, org=site.org, connected=site.connected, disabled=disabled, since=site.since)


def sessions_view(server: MockServer) -> list[SessionView]:
    """The admin sessions, first opened, first."""
    mark = server.transcript.redactor.mark

    def look(context: ServerContext) -> list[SessionView]:
        idle = context.sessions.idle_timeout
        return [
            SessionView(
                number=session.number,
                mark=str(mark(session.token, "session")),
                user=session.user,
                org=session.org,
                role=session.role,
                study=session.study,
                started=session.started,
                last_used=session.last_used,
                expires=min(session.last_used + idle, session.ends_at or float("inf")),
            )
            for session in context.sessions
        ]

    return server.call(look)


def fault_view(fault: Fault) -> FaultView:
    """A fault."""
    rule = fault.rule
    action: Any = rule.action
    written = _adapter(action.kind).dump_python(action, mode="json", exclude_defaults=True)
    return FaultView(
        number=fault.number,
        action={"kind": action.kind, **written},
        when=rule.match(),
        at=rule.point.value,
        direction=rule.way.value,
        commands=rule.commands,
        paused=fault.is_paused,
        seen=fault.seen,
        fired=fault.fired,
    )


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(kinds()[kind])


def call_view(call: Call) -> CallView:
    """A command that came."""
    return CallView(**{**dataclasses.asdict(call), "args": list(call.args)})


def entry_view(entry: Entry) -> EntryView:
    """An entry of the transcript."""
    return EntryView(**entry.to_json())
