"""The picture of a job that somebody watches: where it stands, how it came there, what it logs."""

from __future__ import annotations

from typing import Any

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from flare_client.cli.course import Course
from flare_client.cli.words import iso_text, seconds_text, status_style, value_text
from flare_client.protocol.jobs import JobMetaKey

_GOOD, _BAD = "✔", "✘"
_SPINNER = "dots"
_spinner = Spinner(_SPINNER, style="bold")
"""One for all pictures, so that it goes on turning."""


def drawing(course: Course, now: float) -> RenderableType:
    """Draw what was seen so far.

    Args:
        course: of the job.
        now: seconds since the epoch.
    """
    if not course.polls:
        return Text(f"waiting for the meta of {course.job_id}", style="dim")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(ratio=1)
    for name, value in _facts(course):
        facts.add_row(name, value)
    parts: list[RenderableType] = [_standing(course, now), Text(), facts, Text(), _way(course, now)]
    if course.lines:
        parts += [Text(), *(Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in course.lines)]
    return Panel(
        Group(*parts),
        box=ROUNDED,
        title=Text(course.name, "bold"),
        title_align="left",
        subtitle=Text(course.job_id, style="dim"),
        subtitle_align="right",
        border_style=status_style(course.status),
        padding=(1, 2),
    )


def _standing(course: Course, now: float) -> RenderableType:
    """The status, with a sign of life while there is life."""
    style = f"bold {status_style(course.status)}"
    line = Table.grid(padding=(0, 1))
    if course.is_over:
        duration = value_text(course.meta.get(JobMetaKey.DURATION.value))
        sign = _GOOD if course.is_good else _BAD
        line.add_row(Text(sign, style), Text(course.status, style), Text(f"it ran {duration}", "dim"))
    else:
        seconds = course.spans(now)[-1][1]
        line.add_row(_spinner, Text(course.status, style), Text(f"for {seconds_text(seconds)}", "dim"))
    return line


def _facts(course: Course) -> list[tuple[str, Text]]:
    meta = course.meta
    facts = [("submitted", Text(f"{iso_text(meta.get(JobMetaKey.SUBMIT_TIME_ISO.value))} by {_submitter(meta)}"))]
    if meta.get(JobMetaKey.STUDY.value):
        facts.append(("study", Text(value_text(meta[JobMetaKey.STUDY.value]))))
    if meta.get(JobMetaKey.START_TIME.value):
        facts.append(("started", Text(iso_text(meta[JobMetaKey.START_TIME.value]))))
    details = meta.get(JobMetaKey.JOB_DEPLOY_DETAIL.value)
    if isinstance(details, list) and details:
        facts.append(("machines", _machines(details)))
    history = meta.get(JobMetaKey.SCHEDULE_HISTORY.value)
    if not meta.get(JobMetaKey.START_TIME.value) and isinstance(history, list) and history:
        facts.append(("scheduler", Text(value_text(history[-1]))))
    return facts


def _submitter(meta: Any) -> str:
    name, org, role = (
        value_text(meta.get(key.value))
        for key in (JobMetaKey.SUBMITTER_NAME, JobMetaKey.SUBMITTER_ORG, JobMetaKey.SUBMITTER_ROLE)
    )
    return f"{name} ({', '.join(filter(None, (org, role)))})" if org or role else name


def _machines(details: list[Any]) -> Text:
    """The machines that the job was sent to, each with what it said if that was not OK."""
    text = Text()
    for place, detail in enumerate(map(value_text, details)):
        machine, _, said = detail.partition(": ")
        good = said in ("", "OK")
        text.append("  " if place else "")
        text.append(f"{_GOOD if good else _BAD} ", "green" if good else "red")
        text.append(machine if good else detail)
    return text


def _way(course: Course, now: float) -> Text:
    """The statuses so far, and how long each lasted."""
    text = Text()
    for place, (status, seconds) in enumerate(course.spans(now)):
        text.append(" → " if place else "", "dim")
        text.append(status, status_style(status))
        if seconds:
            text.append(f" {seconds_text(seconds)}", "dim")
    return text
