"""Jobs: what is asked and told of them."""

from __future__ import annotations

from typing import Any

from mock_server.control.models.base import Answer, Body, Limit
from mock_server.control.models.server import EventView
from mock_server.quantities import Duration
from mock_server.scenarios.results import ResultSpec


class JobsQuery(Body):
    """Which jobs to list, newest first."""

    status: str = "*"
    """A glob, as ``RUNNING`` or ``FINISHED:*``."""
    name: str = "*"
    """A glob."""
    submitter: str = "*"
    """A glob."""
    limit: Limit = 100
    timeline: bool = False
    """With what happened to each."""


class JobView(Answer):
    """A job."""

    id: str
    number: int
    """Its place in the order of submission, from 1."""
    name: str
    status: str
    submitter: str
    org: str
    role: str
    study: str
    submitted: float | None
    started: float | None
    """When it began to run."""
    ended: float | None
    """When it ceased to run."""
    sites: list[str]
    """Those that run it, or did."""
    has_workspace: bool
    """Whether the server has stored a workspace for it."""
    timeline: list[EventView] | None = None
    """What happened to it, oldest first; null where nobody asked."""


class JobList(Answer):
    """Jobs, newest first."""

    total: int
    """How many there are on the server, whatever was asked for."""
    found: int
    """How many fit what was asked for."""
    jobs: list[JobView]


class JobDetail(JobView):
    """A job, whole."""

    timeline: list[EventView] | None
    meta: dict[str, Any]
    """What clients see."""
    result: dict[str, Any]
    """What it leaves in the workspace, beside the files of every job."""
    logs: dict[str, list[str]]
    """Lines that stages wrote, by site and ``server``."""


class Wait(Body):
    """What to wait for."""

    status: str = "FINISHED"
    """As ``RUNNING``; ``FINISHED`` is any end."""
    timeout: Duration = 60.0
    """How long, on the server's clock: a virtual one is moved."""


AddedResult = ResultSpec
"""What is added to the result of a job: files with their texts, a size, trees of files."""
