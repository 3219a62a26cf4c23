"""Watching a job until it is over."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from flare_client import JobNotFound, MonitorReturnCode, ServerUnreachable, Session, SessionExpired
from flare_client.cli.answers import answer
from flare_client.cli.course import Course
from flare_client.cli.exits import CommandFailed, ExitCode, Failure
from flare_client.cli.settings import open_session, settings, shared_options
from flare_client.cli.terminal import is_terminal
from flare_client.cli.values import SECONDS, TEXT, job_argument
from flare_client.cli.views import Lines, Screen, Silent, View
from flare_client.cli.words import value_text
from flare_client.protocol.jobs import JobStatus

POLL_SECONDS = 2.0
_LAST_LOOKS = 5
"""How often the logs of a job that is over are looked for that are not put away yet."""
every_option = click.option(
    "--every",
    metavar="SECONDS",
    type=SECONDS,
    default=POLL_SECONDS,
    show_default=True,
    help="How long to wait between two looks.",
)


@click.command(epilog="Example: flare jobs monitor JOB_ID --timeout 3600")
@job_argument
@every_option
@click.option(
    "--logs", "site", metavar="SITE", type=TEXT, help="Show the log of `server`, a site or `all`, too (from 2.8)."
)
@shared_options
def monitor(job_id: str, every: float, site: str | None) -> None:
    """Watch a job until it is over.

    Exit code 0 where it completed, 1 where it came to another end, 5 where it was not over within --timeout. Ctrl-C
    ends the watching and not the job. With --json a line tells of each status, and the last one is the answer. Where
    the server is restarted meanwhile, this goes on.
    """
    with open_session(limits_commands=False) as session:
        follow(session, Course(job_id), every, site)


@click.command(epilog="Example: flare jobs wait JOB_ID && flare jobs download JOB_ID")
@job_argument
@every_option
@shared_options
def wait(job_id: str, every: float) -> None:
    """Wait until a job is over, and print how it ended. Exit codes are those of `monitor`."""
    with open_session(limits_commands=False) as session:
        course = Course(job_id)
        _watch(session, course, Silent(), every, None)
    answer(course.as_result(), lambda: click.echo(course.status))


def follow(session: Session, course: Course, every: float, site: str | None) -> None:
    """Show a job until it is over, and answer how it ended.

    Args:
        session: looks at it.
        course: takes what is seen; knows the job.
        every: seconds between two looks.
        site: whose log is shown, too; ``None``: nobody's.

    Raises:
        CommandFailed: it came to no good end, it was not over in time, or Ctrl-C.
    """
    is_drawn = is_terminal(sys.stdout) and not settings().as_json
    view: View = Screen(course) if is_drawn else Lines(course)
    with view:
        _watch(session, course, view, every, site)
    answer(course.as_result(), lambda: None)


def _watch(session: Session, course: Course, view: View, every: float, site: str | None) -> None:
    """Poll until the job is over.

    Raises:
        CommandFailed: see ``follow``.
    """
    follower = None if site is None else Follower(session, course, view, site)

    whole = True

    def look(_: Session, __: str, meta: dict[str, Any]) -> bool:
        nonlocal whole
        if course.take(meta, time.time()):
            view.changed()
        whole = follower is None or follower.look()
        return True

    try:
        code = _poll(session, course, view, every, look)
        if follower is not None and course.is_over:
            if not whole:
                follower.finish(every)
            follower.tell_missing()
    except KeyboardInterrupt:
        raise CommandFailed(
            Failure(
                ExitCode.INTERRUPTED,
                "interrupted",
                f"interrupted: job {course.job_id} goes on",
                f"`flare jobs monitor {course.job_id}` looks at it again.",
                course.as_result(),
            )
        ) from None
    _judge(course, code)


def _poll(session: Session, course: Course, view: View, every: float, look: Any) -> MonitorReturnCode:
    """Poll, over a new connection where the old one breaks: trainings live longer than connections."""
    limit = settings().timeout
    began = session.clock.monotonic()
    while True:
        left = 0.0 if limit is None else max(0.001, limit - (session.clock.monotonic() - began))
        polls = course.polls
        try:
            # The pause between two polls is never cut short, so one that is longer than the time would overrun it.
            return session.monitor_job(course.job_id, left, min(every, left or every), look)
        except (SessionExpired, ServerUnreachable) as problem:
            if course.polls == polls:
                raise  # connecting again brought nothing
            view.lost(str(problem))
            session.try_connect(settings().connect_timeout)


def _judge(course: Course, code: MonitorReturnCode) -> None:
    if code is MonitorReturnCode.TIMEOUT:
        raise CommandFailed(
            Failure(
                ExitCode.TIMEOUT,
                "timeout",
                f"expected job {course.job_id} to be over within {settings().timeout:g} s, but it is {course.status}",
                result=course.as_result(),
            )
        )
    if not course.is_good:
        raise CommandFailed(
            Failure(
                ExitCode.REFUSED,
                "job_failed",
                f"expected job {course.job_id} to end as {JobStatus.FINISHED_COMPLETED}, but it is {course.status}",
                f"`flare jobs download {course.job_id}` fetches what it left, with its logs.",
                course.as_result(),
            )
        )


class Follower:
    """Looks for new lines in the logs of a job.

    Args:
        session: asks for them.
        course: keeps the last ones.
        view: is told of all.
        site: whose logs; ``server``, ``all`` or a site.
    """

    def __init__(self, session: Session, course: Course, view: View, site: str) -> None:
        self._session = session
        self._course = course
        self._view = view
        self._site = site
        self._seen: dict[str, int] = {}
        self._missing: dict[str, object] = {}

    def look(self) -> bool:
        """Hand on what came since the last look.

        Returns:
            Whether every machine answered that did before.
        """
        try:
            found = self._session.get_job_logs(self._course.job_id, self._site)
        except JobNotFound:
            return True  # it is deleted, which the next poll says
        logs, self._missing = found.get("logs") or {}, found.get("unavailable") or {}
        for site, text in logs.items():
            if not isinstance(text, str):
                continue
            # A line that is not whole yet waits for its end.
            whole = text.rpartition("\n")[0] if not self._course.is_over else text
            lines = whole.splitlines()
            new = lines[self._seen.get(site, 0) :]
            self._seen[site] = len(lines)
            if new:
                self._course.add_lines([f"{site}: {line}" for line in new])
                self._view.logged(site, new)
        return set(self._seen) <= set(logs)

    def finish(self, every: float) -> None:
        """Hand on the end of the logs, which servers put away a moment after the end of the job.

        Args:
            every: seconds between two looks.
        """
        for _ in range(_LAST_LOOKS):
            self._session.clock.sleep(every)
            if self.look():
                return

    def tell_missing(self) -> None:
        """Say of which machines no line ever came, and why."""
        for site, reason in self._missing.items():
            if site not in self._seen:
                self._view.has_no_log(site, value_text(reason))
