"""How times, sizes and statuses look to people."""

from __future__ import annotations

import datetime
import json
from typing import Any

from flare_client.protocol.jobs import JobStatus, is_finished

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STYLES = {
    JobStatus.SUBMITTED.value: "yellow",
    JobStatus.APPROVED.value: "yellow",
    JobStatus.DISPATCHED.value: "blue",
    JobStatus.RUNNING.value: "cyan",
    JobStatus.FINISHED_COMPLETED.value: "green",
    JobStatus.FINISHED_ABORTED.value: "magenta",
}


def status_style(status: str) -> str:
    """The colour of a status, in the words of rich; none for other words."""
    return _STYLES.get(status, "red" if is_finished(status) else "")


def size_text(size: float) -> str:
    """Bytes, as ``1.5 MiB``."""
    for unit in _UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def seconds_text(seconds: float) -> str:
    """A length of time, as ``4.2 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment_text(seconds: object) -> str:
    """A moment in local time, of seconds since the epoch; whatever else came as it is."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return value_text(seconds)
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - local, for people


def iso_text(text: object) -> str:
    """A moment as job metas have it, in local time, to the second; whatever else came as it is."""
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return value_text(text)
    # Servers write their own zone beside most moments; what has none is left in theirs.
    local = moment if moment.tzinfo is None else moment.astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S")


def duration_text(text: object) -> str:
    """A duration as job metas have it, without what is below a second."""
    return value_text(text).partition(".")[0]


def value_text(value: Any) -> str:
    """Any value of a reply."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
