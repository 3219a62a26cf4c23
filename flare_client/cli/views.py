"""Ways to show the course of a job: lines as it changes, a picture at a terminal that moves, or nothing at all."""

from __future__ import annotations

import datetime
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from flare_client.cli.answers import tell
from flare_client.cli.course import Course
from flare_client.cli.words import duration_text
from flare_client.protocol.jobs import JobMetaKey

if TYPE_CHECKING:
    from rich.console import RenderableType

_FRAMES = 8
"""Pictures a second."""


class View(Protocol):
    """Shows the course of a job to somebody; a context manager."""

    def __enter__(self) -> View:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""

    def changed(self) -> None:
        """The status is another one."""

    def logged(self, site: str, lines: list[str]) -> None:
        """There are new lines in the log of a machine."""

    def has_no_log(self, site: str, reason: str) -> None:
        """The job is over, and the server has no log of a machine."""

    def lost(self, reason: str) -> None:
        """The connection is gone; a new one is being opened."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def changed(self) -> None:
        """Nothing."""

    def logged(self, site: str, lines: list[str]) -> None:
        """Nothing."""

    def has_no_log(self, site: str, reason: str) -> None:
        """Nothing."""

    def lost(self, reason: str) -> None:
        """Nothing."""


class Lines(Silent):
    """A line for each thing that happens: to be kept in a file, or read by a program.

    Args:
        course: what is shown.
    """

    def __init__(self, course: Course) -> None:
        self._course = course

    def changed(self) -> None:
        """Tell the status, and since when."""
        course = self._course
        moment = datetime.datetime.fromtimestamp(course.phases[-1].since, datetime.timezone.utc)
        duration = course.meta.get(JobMetaKey.DURATION.value)
        took = f" after {duration_text(duration)}" if course.is_over and duration else ""
        tell(
            "job_status",
            {
                "job_id": course.job_id,
                "name": course.name,
                "job_status": course.status,
                "time": moment.isoformat(timespec="milliseconds"),
            },
            f"{moment.astimezone():%Y-%m-%d %H:%M:%S}  {course.name}  {course.status}{took}",
        )

    def logged(self, site: str, lines: list[str]) -> None:
        """Tell the lines."""
        for line in lines:
            tell("log", {"job_id": self._course.job_id, "site": site, "line": line}, f"{site}: {line}")

    def has_no_log(self, site: str, reason: str) -> None:
        """Tell why."""
        tell("no_log", {"job_id": self._course.job_id, "site": site, "reason": reason}, f"no log of {site}: {reason}")

    def lost(self, reason: str) -> None:
        """Tell why."""
        tell("reconnect", {"job_id": self._course.job_id, "reason": reason}, f"connecting again: {reason}")


class Screen(Silent):
    """A picture at a terminal, which stays there in the end.

    Args:
        course: what is shown.
    """

    def __init__(self, course: Course) -> None:
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
        from rich.live import Live  # noqa: PLC0415

        self._course = course
        self._live = Live(get_renderable=self._draw, console=Console(), refresh_per_second=_FRAMES)

    def __enter__(self) -> Screen:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def has_no_log(self, site: str, reason: str) -> None:
        """Say so above the picture."""
        self._say(f"no log of {site}: {reason}")

    def lost(self, reason: str) -> None:
        """Say so above the picture."""
        self._say(f"connecting again: {reason}")

    def _say(self, text: str) -> None:
        self._live.console.print(text, markup=False, highlight=False, style="yellow")

    def _draw(self) -> RenderableType:
        from flare_client.cli.drawing import drawing  # noqa: PLC0415 - likewise

        return drawing(self._course, time.time())
