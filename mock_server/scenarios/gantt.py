"""A timeline as a picture: a row a job, a bar a status, marks for what happened meanwhile. SVG, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from mock_server.scenarios.timeline import Moment, Timeline, spans

MAX_ROWS = 200
"""Jobs in a picture; of more only the first are shown, and the picture says so."""

_WIDTH = 1120
_ROW = 24
_BAR = 14
_CHARACTER = 7.2
"""The width of a letter, in pixels, of the font that is asked for."""
_MAX_LABEL = 28
_COLOURS = {
    "SUBMITTED": "#b9c2cf",
    "DISPATCHED": "#e3b341",
    "RUNNING": "#3b82c4",
    "FINISHED:COMPLETED": "#4d9a58",
    "FINISHED:ABORTED": "#8a6bb1",
    "FINISHED:EXECUTION_EXCEPTION": "#c8453b",
    "FINISHED:ABNORMAL": "#a3322b",
    "FINISHED:ABANDONED": "#7a5230",
    "FINISHED:CAN_NOT_SCHEDULE": "#d9822b",
    "FINISHED:FAILED_TO_RUN": "#d05c8b",
}
_END_WIDTH = 26
"""Pixels of the bar of an end: it lasts, and says nothing by its length."""
_MARKS = {"log": "#1f2933", "error": "#c8453b", "result": "#4d9a58", "workspace": "#1b5e20", "not scheduled": "#d9822b"}
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def picture(timeline: Timeline, title: str) -> str:
    """Draw a timeline.

    Args:
        timeline: what happened.
        title: what stands above it.

    Returns:
        A document of SVG.
    """
    return _Picture(timeline, title).document()


def time_text(seconds: float) -> str:
    """A time of the axis, in the largest units that say it."""
    if seconds < 1 and seconds:
        return f"{seconds * 1000:g} ms"
    whole = round(seconds, 3)
    if whole < 60:
        return f"{whole:g} s"
    parts = [(int(whole // 86400), "d"), (int(whole % 86400 // 3600), "h"), (int(whole % 3600 // 60), "min")]
    words = [f"{number} {unit}" for number, unit in [*parts, (round(whole % 60), "s")] if number]
    return " ".join(words[:2])


class _Picture:
    def __init__(self, timeline: Timeline, title: str) -> None:
        self._timeline = timeline
        self._title = title
        self._jobs = list(timeline.jobs().items())
        self._shown = self._jobs[:MAX_ROWS]
        labels = [_label(name) for name, _ in timeline.sites] + [_label(name) for _, name in self._shown]
        self._left = 24 + _CHARACTER * max((len(label) for label in labels), default=4)
        self._span = timeline.end or 1.0
        self._rows = len(timeline.sites) + len(self._shown)
        self._top = 96
        self._bottom = self._top + self._rows * _ROW

    def document(self) -> str:
        words = {moment.what for moment in self._timeline.moments}
        parts = [*self._axis(), *self._system_lines(), *self._site_rows(), *self._job_rows(), *self._legend(words)]
        more = len(self._jobs) - len(self._shown)
        height = self._bottom + (40 if more else 20)
        if more:
            parts.append(_text(self._left, self._bottom + 24, f"and {more:,} more jobs", "#52606d"))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" font-size="12">\n'
            f"<title>{escape(self._title)}</title>\n"
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
            f'<text x="16" y="24" font-size="16" font-weight="bold" fill="#1f2933">{escape(self._title)}</text>\n'
            + "\n".join(parts)
            + "\n</svg>\n"
        )

    def _x(self, time: float) -> float:
        room = _WIDTH - self._left - _END_WIDTH - 16
        return round(self._left + room * time / self._span, 1)

    def _axis(self) -> Iterator[str]:
        step = next((one for one in _STEPS if self._span / one <= 10), _STEPS[-1])
        if self._span < 5:
            step_size = next(
                one for one in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if self._span / one <= 10 or one == 1.0
            )
        else:
            step_size = float(step)
        while self._span / step_size > 12:
            step_size *= 2
        for number in range(int(self._span / step_size + 1e-9) + 1):
            x = self._x(number * step_size)
            yield f'<line x1="{x}" y1="{self._top - 6}" x2="{x}" y2="{self._bottom}" stroke="#e4e7eb"/>'
            yield _text(x, self._top - 12, time_text(number * step_size), "#52606d", "middle")

    def _system_lines(self) -> Iterator[str]:
        """A line through all rows for what happens to the server."""
        sites = {name for name, _ in self._timeline.sites}
        for moment in self._timeline.of_system():
            if moment.subject not in sites:
                x = self._x(moment.time)
                yield (
                    f'<line x1="{x}" y1="{self._top - 6}" x2="{x}" y2="{self._bottom}" stroke="#c8453b" '
                    f'stroke-dasharray="4 3">{_tip(moment)}</line>'
                )
                near_the_edge = x + _CHARACTER * len(moment.what) > _WIDTH - 16
                at, anchor = (x - 3, "end") if near_the_edge else (x + 3, "start")
                yield _text(at, self._top - 26, moment.what, "#c8453b", anchor)

    def _site_rows(self) -> Iterator[str]:
        for row, (name, connected) in enumerate(self._timeline.sites):
            y = self._top + row * _ROW
            yield self._row_label(y, name, "#52606d")
            begin: float | None = 0.0 if connected else None
            for moment in self._timeline.of_system():
                if moment.subject != name:
                    continue
                if moment.what in ("connect", "enable") and begin is None:
                    begin = moment.time
                elif moment.what in ("disconnect", "disable") and begin is not None:
                    yield self._bar(y + 4, begin, moment.time, "#9fb3c8", f"{name} connected", 6)
                    begin = None
            if begin is not None:
                yield self._bar(y + 4, begin, self._timeline.end, "#9fb3c8", f"{name} connected", 6)

    def _job_rows(self) -> Iterator[str]:
        by_job: dict[int, list[Moment]] = {}
        for moment in self._timeline.moments:
            if moment.job is not None:
                by_job.setdefault(moment.job, []).append(moment)
        for row, (number, name) in enumerate(self._shown, len(self._timeline.sites)):
            y = self._top + row * _ROW
            yield self._row_label(y, name, "#1f2933")
            for span in spans(by_job[number], self._timeline.end):
                words = f"{name}: {span.status}, {time_text(span.begin)} to {time_text(span.end)}"
                end = span.end
                if span.status.startswith("FINISHED:"):
                    yield self._bar(y, span.begin, span.begin, _COLOURS[span.status], words, _BAR, _END_WIDTH)
                    continue
                yield self._bar(y, span.begin, end, _COLOURS[span.status], words, _BAR)
            for moment in by_job[number]:
                if moment.what in _MARKS:
                    yield (
                        f'<circle cx="{self._x(moment.time)}" cy="{y + _BAR / 2}" r="3" fill="{_MARKS[moment.what]}" '
                        f'stroke="#ffffff">{_tip(moment)}</circle>'
                    )

    def _row_label(self, y: float, name: str, colour: str) -> str:
        return _text(16, y + 11, _label(name), colour)

    def _bar(self, y: float, begin: float, end: float, colour: str, words: str, height: int, more: float = 0) -> str:
        x = self._x(begin)
        width = max(1.0, round(self._x(end) - x + more, 1))
        return (
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" fill="{colour}">'
            f"<title>{escape(words)}</title></rect>"
        )

    def _legend(self, words: set[str]) -> Iterator[str]:
        x, y = 16.0, 40
        for status, colour in _COLOURS.items():
            if status in words:
                yield f'<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{colour}"/>'
                yield _text(x + 17, y + 10, status, "#52606d")
                x += 36 + _CHARACTER * 1.15 * len(status)
        for mark, colour in _MARKS.items():
            if mark in words:
                yield f'<circle cx="{round(x + 6, 1)}" cy="{y + 6}" r="3" fill="{colour}"/>'
                yield _text(x + 17, y + 10, mark, "#52606d")
                x += 36 + _CHARACTER * 1.15 * len(mark)


def _label(name: str) -> str:
    return name if len(name) <= _MAX_LABEL else f"{name[: _MAX_LABEL - 1]}…"


def _tip(moment: Moment) -> str:
    detail = f": {moment.detail}" if moment.detail else ""
    return f"<title>{escape(f'{time_text(moment.time)}: {moment.subject} {moment.what}{detail}')}</title>"


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{round(x, 1)}" y="{y}" fill={quoteattr(colour)} text-anchor="{anchor}">{escape(words)}</text>'
