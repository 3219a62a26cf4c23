"""What was said on the wire, as a list to read: an entry a line, its detail on request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reports.html.markup import Markup, join, tag
from conformance.reports.redaction import without_secrets
from conformance.reports.text import plain, shortened

_ARROWS = {"in": "→", "out": "←", "none": "·", "": "·"}
_DIRECTIONS = {"in": "from the client", "out": "to the client"}
_LINE = ("number", "time", "connection", "user", "session", "direction", "kind", "summary", "detail")
"""The fields that have a place of their own; whatever else an entry has is shown with its detail."""
_FIRST, _LAST = 150, 50
"""Entries of a longer transcript that are shown."""
_MOST_DETAIL = 4000
_MOST_SUMMARY = 300


def transcript(entries: Sequence[Mapping[str, Any]]) -> Markup:
    """A transcript, without secrets, whoever recorded it."""
    if not entries:
        return tag("p", "No transcript was recorded.", class_="quiet")
    left_out = len(entries) - _FIRST - _LAST
    if left_out <= 0:
        return tag("ol", map(_entry, entries), class_="wire")
    gap = tag("li", f"{left_out} entries more; the JSON report has them all", class_="gap")
    return tag("ol", map(_entry, entries[:_FIRST]), gap, map(_entry, entries[-_LAST:]), class_="wire")


def _entry(entry: Mapping[str, Any]) -> Markup:
    known = {name: _shown(entry.get(name)) for name in _LINE if name != "detail"}
    detail = _detail(entry)
    direction = known["direction"]
    line = join(
        tag("span", known["number"], class_="number"),
        tag("span", _time(known["time"]), class_="time"),
        tag(
            "span",
            _ARROWS.get(direction, direction),
            class_="arrow",
            title=_DIRECTIONS.get(direction),
            aria_hidden="true",
        ),
        tag("span", _DIRECTIONS.get(direction, ""), class_="unseen"),
        tag("span", known["kind"], class_="kind"),
        tag("span", shortened(known["summary"], _MOST_SUMMARY), class_="what"),
        tag("span", _who(known), class_="who"),
    )
    if not detail:
        return tag(
            "li", tag("div", line, class_="line"), class_=f"dir-{direction}" if direction in _DIRECTIONS else None
        )
    return tag(
        "li",
        tag("details", tag("summary", line, class_="line"), tag("pre", detail)),
        class_=f"dir-{direction}" if direction in _DIRECTIONS else None,
    )


def _shown(value: object) -> str:
    """A field as text: whatever it is, without secrets."""
    value = without_secrets(plain(value))
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _who(known: Mapping[str, str]) -> str:
    connection = known["connection"]
    return " ".join(filter(None, (known["user"], f"#{connection}" if connection not in ("", "0") else "")))


def _time(time: str) -> str:
    """The time of day of a moment in ISO form, to the millisecond; other times as they are."""
    return time[11:23] if len(time) > 19 and time[10] == "T" else time


def _detail(entry: Mapping[str, Any]) -> str:
    detail = entry.get("detail")
    more = {key: value for key, value in entry.items() if key not in _LINE}
    if entry.get("session"):
        more = {"session": entry["session"], **more}
    if isinstance(detail, str):
        parts = [str(without_secrets(plain(detail)))] if detail else []
        parts += [_indented(more)] if more else []
        return shortened("\n".join(parts), _MOST_DETAIL)
    everything = {**more, **(detail if isinstance(detail, Mapping) else {"detail": detail} if detail else {})}
    return shortened(_indented(everything), _MOST_DETAIL) if everything else ""


def _indented(value: Mapping[str, Any]) -> str:
    return json.dumps(without_secrets(plain(value)), indent=2, ensure_ascii=False)
