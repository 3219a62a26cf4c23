"""Jobs: what there is of them, what happened to them, what they leave; and what another admin would do to them."""

from __future__ import annotations

import fnmatch
import http
from typing import Annotated

import anyio.to_thread
from fastapi import Query, Request

from mock_server.clock import Clock, ManualClock, ScaledClock
from mock_server.context import ServerContext
from mock_server.control.models.jobs import AddedResult, JobDetail, JobList, JobsQuery, JobView, Wait
from mock_server.control.operations.asking import (
    BAD,
    CONFLICT,
    LOOK_SECONDS,
    MISSING,
    AtDesk,
    OfServer,
    is_given_up,
    operations_on,
    problems,
)
from mock_server.control.problems import FieldFault, Problem, not_found
from mock_server.control.views import job_detail, job_view
from mock_server.jobs.outcomes import JobIsRunning
from mock_server.jobs.store import Job
from mock_server.server import MockServer
from mock_server.watch import check_awaited

router = operations_on("jobs")


@router.get("/jobs", responses=problems(CONFLICT, BAD))
def list_jobs(server: OfServer, query: Annotated[JobsQuery, Query()]) -> JobList:
    """List jobs, newest first."""

    def fits(job: Job) -> bool:
        return (
            fnmatch.fnmatchcase(job.status.value, query.status)
            and fnmatch.fnmatchcase(job.name, query.name)
            and fnmatch.fnmatchcase(job.submitter.name, query.submitter)
        )

    def look(context: ServerContext) -> JobList:
        engine, past = context.engine, server.chronicle.of_job
        shown: list[JobView] = []
        found = 0
        for job in engine.jobs(reverse=True):
            if fits(job):
                found += 1
                if len(shown) < query.limit:
                    shown.append(job_view(job, past(job.sequence) if query.timeline else None))
        return JobList(total=len(engine), found=found, jobs=shown)

    return server.call(look)


@router.get("/jobs/{job_id}", responses=problems(MISSING, CONFLICT))
def look_at_job(server: OfServer, job_id: str) -> JobDetail:
    """Look at a job: its meta, its timeline, what it leaves."""
    return _detail(server, job_id)


@router.post("/jobs/{job_id}/abort", responses=problems(MISSING, CONFLICT))
def abort_job(server: OfServer, job_id: str) -> JobDetail:
    """Abort a job, as another admin would; one that is over stays as it is."""
    try:
        server.abort_job(job_id)
    except KeyError:
        raise not_found("job", job_id) from None
    return _detail(server, job_id)


@router.delete("/jobs/{job_id}", status_code=http.HTTPStatus.NO_CONTENT, responses=problems(MISSING, CONFLICT))
def delete_job(server: OfServer, job_id: str) -> None:
    """Delete a job and what it left, as another admin would."""
    try:
        server.delete_job(job_id)
    except KeyError:
        raise not_found("job", job_id) from None
    except JobIsRunning as problem:
        raise Problem(http.HTTPStatus.CONFLICT, f"expected a job that does not run, but {problem}") from None


@router.post("/jobs/{job_id}/result", responses=problems(MISSING, CONFLICT, BAD))
def add_result(server: OfServer, job_id: str, body: AddedResult) -> JobDetail:
    """Put files into the result of a job; the next download has them, if the job ran and is over.

    A file of a path that is there already is replaced.
    """
    try:
        server.add_result(job_id, body)
    except KeyError:
        raise not_found("job", job_id) from None
    except ValueError as problem:
        raise Problem(
            http.HTTPStatus.CONFLICT, f"expected files that can stand beside those that are there, but {problem}"
        ) from None
    return _detail(server, job_id)


@router.post("/jobs/{job_id}/wait", responses=problems(MISSING, CONFLICT, BAD))
async def wait_for_job(request: Request, desk: AtDesk, job_id: str, body: Wait | None = None) -> JobDetail:
    """Let time pass until a job has a status: a virtual clock is moved from event to event, others are waited for.

    It is a conflict if the job does not get there in time, or ends otherwise.
    """
    body = body or Wait()
    try:
        check_awaited(body.status)
    except ValueError as problem:
        fault = FieldFault(field="status", message=str(problem))
        raise Problem(http.HTTPStatus.UNPROCESSABLE_ENTITY, f"status: {problem}", [fault]) from None
    clock = desk.server.clock
    deadline = clock.time() + body.timeout
    while True:
        seconds = max(0.0, deadline - clock.time())
        if not isinstance(clock, ManualClock):
            seconds = min(seconds, LOOK_SECONDS * _speed(clock))
        why_not = await anyio.to_thread.run_sync(_wait, desk.server, job_id, body.status, seconds)
        if why_not is None:
            return await anyio.to_thread.run_sync(_detail, desk.server, job_id)
        is_over = isinstance(clock, ManualClock) or clock.time() >= deadline
        # By a reset the server may get another clock.
        if is_over or desk.server.clock is not clock or await is_given_up(request, desk):
            raise Problem(http.HTTPStatus.CONFLICT, why_not)


def _wait(server: MockServer, job_id: str, status: str, seconds: float) -> str | None:
    """Wait for a while, and return why that was not enough."""
    try:
        server.wait_until(job_id, status, seconds)
    except KeyError:
        raise not_found("job", job_id) from None
    except (TimeoutError, ValueError) as problem:  # in vain, or later than clocks show
        return str(problem)
    return None


def _speed(clock: Clock) -> float:
    return clock.speed if isinstance(clock, ScaledClock) else 1.0


def _detail(server: MockServer, job_id: str) -> JobDetail:
    def look(context: ServerContext) -> JobDetail | None:
        job = context.engine.get(job_id)
        return None if job is None else job_detail(job, server.chronicle.of_job(job.sequence))

    found = server.call(look)
    if found is None:
        raise not_found("job", job_id)
    return found
